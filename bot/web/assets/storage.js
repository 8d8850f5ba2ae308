// The chats, kept in this browser: one list for each version of the documents and each user.

const KEPT_CHATS = 50;
const storage = { key: "", chats: [], current: "" };

function readKept() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(storage.key));
  } catch {
    kept = null;
  }
  const chats = Array.isArray(kept?.chats) ? kept.chats : [];
  return { chats: chats.filter((chat) => Array.isArray(chat?.turns)), current: kept?.current ?? "" };
}

function openStorage(documentsKey) {
  const user = window.gradio_config?.username ?? "";
  storage.key = `silent-observer:${documentsKey}:${user}`;
  Object.assign(storage, readKept());
}

function currentChat() {
  return storage.chats.find((chat) => chat.id === storage.current) ?? null;
}

// Another tab may have kept chats since: all but the current one are taken as they stand.
function saveStorage() {
  const others = readKept().chats.filter((chat) => chat.id !== storage.current);
  const all = [currentChat(), ...others].filter((chat) => chat?.turns.length);
  storage.chats = all.slice(0, KEPT_CHATS);
  while (!write() && storage.chats.length > 1) storage.chats.pop();
}

function write() {
  try {
    const { chats, current } = storage;
    localStorage.setItem(storage.key, JSON.stringify({ chats, current }));
    return true;
  } catch {
    return false;
  }
}

function keepTurns(turns) {
  let chat = currentChat();
  if (!chat) {
    chat = { id: `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`, turns: [] };
    storage.current = chat.id;
    storage.chats.unshift(chat);
  }
  chat.turns = turns;
  saveStorage();
}

function forgetChats() {
  storage.chats = [];
  storage.current = "";
  localStorage.removeItem(storage.key);
}

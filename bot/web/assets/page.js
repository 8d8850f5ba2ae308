// The page around the chat: the ask box, the menus, dark mode, and the start.

const THEME_KEY = "silent-observer:theme";

function setTheme(isDark) {
  document.body.classList.toggle("dark", isDark);
  $("theme").setAttribute("aria-pressed", String(isDark));
}

function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new URLSearchParams(location.search).get("__theme") ?? localStorage.getItem(THEME_KEY);
  const follows = chosen !== "dark" && chosen !== "light";
  setTheme(follows ? system.matches : chosen === "dark");
  if (follows) system.addEventListener("change", (event) => setTheme(event.matches));
  $("theme").addEventListener("click", () => {
    const isDark = !document.body.classList.contains("dark");
    setTheme(isDark);
    localStorage.setItem(THEME_KEY, isDark ? "dark" : "light");
  });
}

function startBox(begun) {
  const field = $("question");
  const submit = async () => {
    await begun; // which opens the kept chat in the place of what is there
    const question = field.value.trim();
    if (chat.pending || !isAcceptable(question) || !isAnyChosen()) return;
    fillBox("");
    await ask(question);
  };
  field.addEventListener("input", () => {
    fillBox(field.value);
    $("complaint").textContent = "";
  });
  onEnter(field, submit);
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    if (chat.pending) chat.pending.abort();
    else submit();
  });
}

function closeMenus(except = null) {
  for (const button of document.querySelectorAll(".menu > [aria-expanded='true']")) {
    if (button === except) continue;
    button.setAttribute("aria-expanded", "false");
    $(button.getAttribute("aria-controls")).hidden = true;
  }
}

function startMenu(button, fill = () => {}) {
  const sheet = $(button.getAttribute("aria-controls"));
  button.addEventListener("click", () => {
    const opens = sheet.hidden;
    closeMenus(button);
    fill();
    sheet.hidden = !opens;
    button.setAttribute("aria-expanded", String(opens));
    if (opens) sheet.querySelector(":is(button, input):not([disabled], [hidden])")?.focus();
  });
  sheet.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || sheet.hidden) return;
    closeMenus();
    button.focus();
  });
}

function fillChats() {
  storage.chats = readKept().chats;
  const items = storage.chats.map((kept) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain wide";
    button.setAttribute("aria-current", String(kept.id === storage.current));
    const words = document.createElement("span");
    words.textContent = kept.turns[0]?.record?.question ?? "";
    button.append(words);
    button.addEventListener("click", () => switchChat(kept).catch(report));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  $("chat-list").replaceChildren(...items);
  $("no-chats").hidden = items.length > 0;
  $("forget").hidden = !items.length;
}

async function switchChat(kept) {
  closeMenus();
  storage.current = kept?.id ?? "";
  saveStorage();
  $("question").focus();
  await openChat(kept?.turns ?? []);
}

async function download(format) {
  closeMenus();
  $("download-button").focus();
  const text = await call("export", chat.turns, format, session.secret);
  const isJson = format === "json";
  const blob = new Blob([text], { type: isJson ? "application/json" : "text/markdown" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = isJson ? "silent-observer.json" : "silent-observer.md";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function startHeader() {
  startMenu($("library-button"));
  startMenu($("chats-button"), fillChats);
  startMenu($("download-button"));
  $("new-chat").addEventListener("click", () => switchChat(null).catch(report));
  $("forget").addEventListener("click", () => {
    forgetChats();
    switchChat(null).catch(report);
  });
  for (const button of document.querySelectorAll("[data-format]")) {
    button.addEventListener("click", () =>
      download(button.dataset.format).catch(report),
    );
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".menu")) closeMenus();
  });
  $("reading").addEventListener("click", (event) => {
    event.preventDefault();
    $("document").scrollIntoView({ block: "start" });
    $("document").focus({ preventScroll: true });
  });
}

async function begin() {
  try {
    session.secret = sessionStorage.getItem(SECRET_KEY) ?? "";
    const begun = await call("start", session.secret);
    const { key, questions } = begun;
    chat.firstQuestions = questions;
    showQuestions($("first-questions"), questions);
    openStorage(key);
    followDocuments(key);
    await startLibrary(begun);
    await openChat(currentChat()?.turns ?? []);
  } catch (error) {
    report(error);
    return;
  }
  $("observer").dataset.ready = "true";
  if (!isNarrow()) $("question").focus();
}

startTheme();
startBox(begin());
startHeader();

// The conversation: asking, editing, asking again, and the suggested questions around it.

const MAX_QUESTION_LENGTH = 20000;
const chat = { turns: [], firstQuestions: [], pending: null };

function showQuestions(list, questions) {
  list.replaceChildren(
    ...questions.map((question) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = question;
      button.addEventListener("click", () => askAndFocus(question));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

function refresh() {
  const isEmpty = !transcript.childElementCount;
  $("welcome").hidden = !isEmpty;
  $("first-questions").hidden = !chat.firstQuestions.length;
  const next = chat.pending ? [] : (chat.turns.at(-1)?.next_questions ?? []);
  $("next").hidden = isEmpty || !next.length;
  showQuestions($("next-questions"), next);
  $("observer").classList.toggle("busy", Boolean(chat.pending));
  const send = $("send");
  send.setAttribute("aria-label", chat.pending ? "Stop" : "Ask");
  send.title = chat.pending ? "Stop" : "Ask (Enter)";
  for (const button of document.querySelectorAll("[data-format]")) button.disabled = !chat.turns.length;
}

function historyBefore(count) {
  return chat.turns
    .slice(0, count)
    .map(({ record }) => ({ question: record.question, answer: record.answer, query: record.query }));
}

function isAcceptable(question) {
  const length = [...question].length;
  $("complaint").textContent =
    length > MAX_QUESTION_LENGTH
      ? `Your question has ${length.toLocaleString("en")} characters; at most ` +
        `${MAX_QUESTION_LENGTH.toLocaleString("en")} are read. Shorten it.`
      : "";
  return length > 0 && length <= MAX_QUESTION_LENGTH;
}

function dropFailed() {
  for (const element of transcript.querySelectorAll(".failed")) element.remove();
}

async function ask(question) {
  if (chat.pending || !isAcceptable(question) || !isAnyChosen()) return false;
  closeMenus();
  dropFailed();
  const element = newTurn(question);
  element.querySelector(".edit").addEventListener("click", () => editTurn(element, question));
  element.querySelector(".retry").addEventListener("click", () => askFrom(element, question));
  const pending = new AbortController();
  chat.pending = pending;
  showReading(element);
  refresh();
  element.scrollIntoView({ block: "start" });
  try {
    const data = [question, historyBefore(chat.turns.length), chosenDocuments(), session.secret];
    const { turn, html, key } = await callQueued("turn", data, pending.signal);
    if (chat.pending !== pending) return true;
    followDocuments(key);
    finishTurn(element, turn, html);
  } catch (error) {
    if (chat.pending !== pending) return true;
    chat.pending = null;
    failTurn(element, question, error);
  }
  return true;
}

// For what is asked by a button that goes away: the focus goes to the new turn.
function askAndFocus(question) {
  ask(question);
  transcript.lastElementChild?.focus({ preventScroll: true });
}

function finishTurn(element, turn, html) {
  chat.pending = null;
  chat.turns.push(turn);
  keepTurns(chat.turns);
  fillTurn(element, turn, html);
  refresh();
  element.scrollIntoView({ block: "start" });
  announce(plainAnswer(turn, element));
  showEvidence(element);
}

function failTurn(element, question, error) {
  if (error.name === "AbortError") {
    element.remove();
    if (!$("question").value) fillBox(question);
    announce("Stopped");
  } else if (error instanceof CallError) {
    showFailure(element, error.message, () => askFrom(element, question));
  } else {
    showFailure(element, "The page could not show the answer.", () => askFrom(element, question));
    refresh();
    throw error;
  }
  refresh();
}

function showEvidence(element) {
  const quotes = [...element.querySelectorAll(".words .cite")].map(placeOf);
  $("back").hidden = true;
  if (quotes.length && !isNarrow()) visit(quotes[0], quotes, { flash: false }).catch(report);
  else markPlaces(quotes);
}

// Asks anew in the place of a turn; the turns from there on are dropped.
function askFrom(element, question) {
  if (chat.pending || !isAcceptable(question)) return;
  const elements = [...transcript.children];
  const position = elements.indexOf(element);
  for (const later of elements.slice(position)) later.remove();
  chat.turns = chat.turns.slice(0, position);
  if (currentChat()) keepTurns(chat.turns);
  askAndFocus(question);
}

function editTurn(element, question) {
  if (chat.pending) return;
  const asked = element.querySelector(".asked");
  const form = clone("edit-template");
  const field = form.querySelector(".edited");
  field.value = question;
  form.querySelector(".warning").hidden = element === transcript.lastElementChild;
  const close = () => {
    form.remove();
    asked.hidden = false;
    asked.querySelector(".edit").focus();
  };
  const submit = () => {
    const edited = field.value.trim();
    if (isAcceptable(edited)) askFrom(element, edited);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  onEnter(field, submit);
  closeOnEscape(form, close);
  asked.hidden = true;
  asked.before(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

function onEnter(field, act) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    act();
  });
}

function fillBox(words) {
  const field = $("question");
  field.value = words;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

async function openChat(turns) {
  chat.pending?.abort();
  chat.pending = null;
  transcript.replaceChildren();
  $("complaint").textContent = "";
  clearMarks();
  const answers = turns.length ? await call("restore", turns, session.secret) : [];
  chat.turns = turns.filter((_, position) => answers[position]);
  for (const [position, turn] of turns.entries()) {
    if (!answers[position]) continue;
    const { question } = turn.record;
    const element = newTurn(question);
    element.querySelector(".edit").addEventListener("click", () => editTurn(element, question));
    element.querySelector(".retry").addEventListener("click", () => askFrom(element, question));
    fillTurn(element, turn, answers[position]);
  }
  refresh();
  transcript.lastElementChild?.scrollIntoView({ block: "start" });
  if (transcript.lastElementChild) showEvidence(transcript.lastElementChild);
}

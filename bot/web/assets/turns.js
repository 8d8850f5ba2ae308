// Turns on the page: a question, its answer as the server rendered it, and what can be done with it.

const transcript = $("transcript");

function clone(templateId) {
  return $(templateId).content.firstElementChild.cloneNode(true);
}

function placeOf(link) {
  const { document: id, start, end } = link.dataset;
  return { document: id, start: Number(start), end: Number(end) };
}

function announce(words) {
  $("announcement").textContent = "";
  requestAnimationFrame(() => ($("announcement").textContent = words));
}

function newTurn(question) {
  const element = clone("turn-template");
  element.querySelector(".question").textContent = question;
  transcript.append(element);
  return element;
}

function showReading(element) {
  element.classList.add("pending");
  element.querySelector(".answer").innerHTML = '<p class="reading-now">Reading</p>';
  announce("Reading");
}

function showFailure(element, words, retry) {
  const failure = document.createElement("div");
  failure.className = "failure";
  const again = document.createElement("button");
  again.type = "button";
  again.className = "plain";
  again.textContent = "Try again";
  again.addEventListener("click", retry);
  failure.append(words, document.createElement("br"), again);
  element.classList.remove("pending");
  element.classList.add("failed");
  element.querySelector(".answer").replaceChildren(failure);
  announce(words);
}

function plainAnswer(turn, element) {
  const silent = element.querySelector(".silence")?.textContent;
  return [turn.record.answer || silent, turn.note].filter(Boolean).join("\n\n");
}

async function copyText(words) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(words).catch(() => copyBySelection(words));
  } else {
    copyBySelection(words);
  }
}

// Pages on plain http from another machine have no clipboard interface.
function copyBySelection(words) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = words;
  field.className = "hidden";
  $("observer").append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  focused?.focus();
}

function fillTurn(element, turn, html) {
  element.classList.remove("pending", "failed");
  element.dataset.id = turn.id;
  element.querySelector(".answer").innerHTML = html;
  const tools = element.querySelector(".tools");
  tools.hidden = false;
  const done = tools.querySelector(".done");
  tools.querySelector(".copy").addEventListener("click", async () => {
    await copyText(plainAnswer(turn, element));
    done.textContent = "Copied";
  });
  const isRemark = !turn.record.passages.length;
  for (const name of ["like", "dislike"]) tools.querySelector(`.${name}`).hidden = isRemark;
  showVerdict(tools, turn);
  tools.querySelector(".like").addEventListener("click", () => sendVerdict(element, turn, "liked", null));
  tools.querySelector(".dislike").addEventListener("click", () => openCorrection(element, turn));
  const quotes = [...element.querySelectorAll(".words .cite")].map(placeOf);
  for (const link of element.querySelectorAll("a[data-document]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      visit(placeOf(link), quotes).catch(report);
      if (isNarrow()) offerWayBack(link);
    });
  }
}

function showVerdict(tools, turn) {
  tools.querySelector(".like").setAttribute("aria-pressed", String(turn.verdict === "liked"));
  tools.querySelector(".dislike").setAttribute("aria-pressed", String(turn.verdict === "disliked"));
}

async function sendVerdict(element, turn, verdict, rightAnswer, passage = null) {
  const tools = element.querySelector(".tools");
  const done = tools.querySelector(".done");
  if (turn.verdict === verdict && verdict === "liked") return;
  try {
    done.textContent = await call("feedback", turn, verdict, rightAnswer, session.secret, passage);
    turn.verdict = verdict;
    keepTurns(chat.turns);
    showVerdict(tools, turn);
    closeCorrection(element);
  } catch (error) {
    done.textContent = error.message;
  }
}

function closeCorrection(element) {
  const form = element.querySelector(".correction");
  if (!form) return;
  const hadFocus = form.contains(document.activeElement);
  form.remove();
  const button = element.querySelector(".dislike");
  button.setAttribute("aria-expanded", "false");
  if (hadFocus) button.focus();
}

function openCorrection(element, turn) {
  if (element.querySelector(".correction")) return closeCorrection(element);
  const form = clone("correction-template");
  const [right, silent] = [form.querySelector(".right"), form.querySelector(".silent")];
  if (turn.n_documents > 1) form.querySelector(".silent-words").textContent = "The documents do not say";
  const passages = form.querySelector(".passages");
  passages.querySelector("ol").append(element.querySelector(".choices").content.cloneNode(true));
  passages.addEventListener("change", (event) => showPassage(element, turn, event.target.value));
  silent.addEventListener("change", () => (right.disabled = passages.disabled = silent.checked));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = right.value.trim();
    const { value } = form.elements.passage;
    const passage = silent.checked || value === "" ? null : Number(value);
    sendVerdict(element, turn, "disliked", silent.checked ? "" : words || null, passage);
  });
  closeOnEscape(form, () => closeCorrection(element));
  element.querySelector(".dislike").setAttribute("aria-expanded", "true");
  element.append(form);
  form.scrollIntoView({ block: "nearest" });
  right.focus();
}

// On a phone the document is below, and the form would go out of sight.
function showPassage(element, turn, number) {
  const { document: id, start, end } = turn.record.passages[number] ?? {};
  if (!id || isNarrow()) return;
  const quotes = [...element.querySelectorAll(".words .cite")].map(placeOf);
  visit({ document: id, start, end }, quotes, { flash: false }).catch(report);
}

function closeOnEscape(form, close) {
  form.querySelector(".cancel").addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
}

function offerWayBack(link) {
  const back = $("back");
  back.hidden = false;
  back.onclick = () => {
    back.hidden = true;
    link.scrollIntoView({ block: "center" });
    link.focus({ preventScroll: true });
  };
}

// The documents: the server's own and those added here, which of them are asked, and their list.

const SECRET_KEY = "silent-observer:library";
const OFF_KEY = "silent-observer:not-asked";
const POLL_MILLISECONDS = 400;
const library = { own: [], added: [], sending: [], off: new Set(), limits: null, polling: false };

function allDocuments() {
  return [...library.own, ...library.added.filter((entry) => entry.state === "ready")];
}

// What the server is asked to search: null for all.
function chosenDocuments() {
  const all = allDocuments().map(({ id }) => id);
  const chosen = all.filter((id) => !library.off.has(id));
  return chosen.length === all.length ? null : chosen;
}

function isAnyChosen() {
  if (chosenDocuments()?.length !== 0) return true;
  $("complaint").textContent = "No document is chosen. Choose one under “Documents”.";
  return false;
}

function keepSecret(secret) {
  session.secret = secret;
  if (secret) sessionStorage.setItem(SECRET_KEY, secret);
  else sessionStorage.removeItem(SECRET_KEY);
}

function choose(id, isAsked) {
  if (isAsked) library.off.delete(id);
  else library.off.add(id);
  sessionStorage.setItem(OFF_KEY, JSON.stringify([...library.off]));
  $("complaint").textContent = "";
  showLibrary();
}

function sizeOf(bytes) {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1000 ? `${Math.round(bytes / 1000)} kB` : `${bytes} bytes`;
}

function counted(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

function factsOf(entry) {
  if (entry.state === "failed") return entry.problem.replace(`${entry.id}: `, "");
  const percent = `${Math.floor(100 * entry.progress)} %`;
  if (entry.state === "sending") return `Sending, ${percent}`;
  if (entry.state === "waiting") return "Waiting for the documents before it";
  if (entry.state === "reading") return "Reading";
  if (entry.state === "indexing") return `Indexing, ${percent}`;
  return [
    entry.size ? sizeOf(entry.size) : "",
    counted(entry.n_passages, "passage"),
    entry.n_pages ? counted(entry.n_pages, "page") : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

// Rows are kept and changed in place, so that the focus stays where it is.
function rowOf(entry) {
  const kept = [...$("library-list").children].find((row) => row.dataset.id === entry.id);
  if (kept) return kept;
  const row = clone("library-template");
  row.dataset.id = entry.id;
  row.querySelector(".document-name").textContent = entry.id;
  row.querySelector(".asked-box").addEventListener("change", (event) => choose(entry.id, event.target.checked));
  row.querySelector(".remove").setAttribute("aria-label", `Remove ${entry.id}`);
  row.querySelector(".remove").addEventListener("click", () => removeDocument(entry.id).catch(report));
  row.querySelector("progress").setAttribute("aria-label", `Progress of ${entry.id}`);
  return row;
}

function fillRow(row, entry, isOwn, isChoice) {
  const isReady = isOwn || entry.state === "ready";
  const hasFailed = entry.state === "failed";
  const box = row.querySelector(".asked-box");
  box.checked = !library.off.has(entry.id);
  box.hidden = !isReady || !isChoice;
  row.classList.toggle("failed-document", hasFailed);
  row.querySelector(".facts").textContent = factsOf(entry);
  const progress = row.querySelector("progress");
  progress.hidden = isReady || hasFailed;
  if (entry.state === "reading" || entry.state === "waiting") progress.removeAttribute("value");
  else progress.value = entry.progress ?? 0;
  row.querySelector(".remove").hidden = isOwn || entry.state === "sending";
}

function showLibrary() {
  const all = allDocuments();
  const entries = [...library.own, ...library.added, ...library.sending];
  const rows = entries.map((entry) => {
    const row = rowOf(entry);
    fillRow(row, entry, library.own.includes(entry), all.length > 1);
    return row;
  });
  const list = $("library-list");
  for (const row of [...list.children]) if (!rows.includes(row)) row.remove();
  for (const [position, row] of rows.entries()) {
    if (list.children[position] !== row) list.insertBefore(row, list.children[position] ?? null);
  }
  const n = chosenDocuments()?.length ?? all.length;
  $("library-count").textContent = all.length > 1 ? (n === all.length ? `${n}` : `${n} of ${all.length}`) : "";
  const isWorking = library.sending.some(isUnderWay) || library.added.some(isUnderWay);
  $("library-button").classList.toggle("working", isWorking);
  showChoice(all);
}

function isUnderWay({ state }) {
  return state !== "ready" && state !== "failed";
}

function nameOf({ id, title }, isAlone) {
  if (title === id) return id;
  return isAlone ? title : `${title} (${id})`;
}

function showChoice(all) {
  const choice = $("document-choice");
  const names = all.map((entry) => nameOf(entry, all.length === 1));
  const shown = [...choice.options].map((option) => option.value + option.text).join();
  if (shown !== all.map(({ id }, position) => id + names[position]).join()) {
    choice.replaceChildren(...all.map(({ id }, position) => new Option(names[position], id)));
    if (all.some(({ id }) => id === pane.shown)) choice.value = pane.shown;
  }
  $("switch").hidden = all.length < 2 && !hasImages(pane.shown);
  $("reading-title").textContent = choice.selectedOptions[0]?.textContent ?? "";
}

async function removeDocument(id) {
  const rows = [...$("library-list").children];
  const position = rows.findIndex((row) => row.dataset.id === id);
  const hadFocus = rows[position]?.contains(document.activeElement);
  library.sending = library.sending.filter((entry) => entry.id !== id);
  if (library.added.some((entry) => entry.id === id)) {
    takeAdded(await call("remove", session.secret, id));
    forgetPages();
  }
  library.off.delete(id);
  showLibrary();
  if (hadFocus) {
    const next = $("library-list").children[position]?.querySelector(".remove:not([hidden])");
    (next ?? $("add-documents")).focus();
  }
  announce(`${id} removed`);
  await showWhatIsLeft();
}

// Numbers of passages change with what stands before them.
function forgetPages() {
  for (const id of pane.html.keys()) {
    if (!library.own.some((entry) => entry.id === id)) pane.html.delete(id);
  }
}

async function showWhatIsLeft() {
  const shown = pane.shown;
  if (library.own.some(({ id }) => id === shown)) return;
  const all = allDocuments();
  pane.shown = "";
  await showDocument(all.some(({ id }) => id === shown) ? shown : all[0].id);
}

// Takes the server's list; null where the documents are gone.
function takeAdded(entries) {
  const before = new Map(library.added.map((entry) => [entry.id, entry.state]));
  if (!entries && session.secret) {
    keepSecret("");
    if (before.size) announce("Your documents were deleted");
  }
  library.added = entries ?? [];
  for (const { id, state, problem, n_passages: n } of library.added) {
    if (state === before.get(id) || isUnderWay({ state })) continue;
    announce(state === "failed" ? problem : `${id} can be asked now, ${counted(n, "passage")}`);
  }
  return library.added.filter(({ id, state }) => state === "ready" && before.get(id) !== "ready");
}

async function watch() {
  if (library.polling) return;
  library.polling = true;
  try {
    while (session.secret && library.added.some(isUnderWay)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
      const [fresh] = takeAdded(await call("library", session.secret));
      showLibrary();
      if (fresh && !chat.pending) await chooseDocument(fresh.id);
    }
  } finally {
    library.polling = false;
  }
}

async function startLibrary({ documents, uploads, library: added }) {
  library.own = documents;
  library.limits = uploads;
  library.added = added ?? [];
  if (!added) keepSecret("");
  try {
    library.off = new Set(JSON.parse(sessionStorage.getItem(OFF_KEY)) ?? []);
  } catch {
    library.off = new Set();
  }
  $("document-choice").addEventListener("change", (event) => chooseDocument(event.target.value).catch(report));
  showLibrary();
  startUploading();
  startPages();
  watch().catch(report);
  await showDocument(documents[0].id);
}

async function chooseDocument(id) {
  await showDocument(id);
  const last = transcript.lastElementChild;
  const quotes = last ? [...last.querySelectorAll(".words .cite")].map(placeOf) : [];
  markPlaces(quotes);
  if (hasImages(id) && !paper.isText) {
    const quoted = quotes.filter((place) => place.document === id);
    await showPage(id, quoted.length ? null : 1, quoted);
    showPaper(true);
  }
  if (!isNarrow()) pane.element.scrollTop = 0;
}

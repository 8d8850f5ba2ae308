// The document pane: one document at a time, quotes marked by their offsets (in code points).

const ENDLESS = 150;
const pane = { element: $("document"), text: $("text"), shown: "", wanted: "", html: new Map() };
const isNarrow = () => matchMedia("(max-width: 56rem)").matches;
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Another key means another version of the documents: what was fetched of the last one is void.
function followDocuments(key) {
  if (pane.key && pane.key !== key) {
    pane.html.clear();
    pane.shown = "";
    call("start", session.secret)
      .then((begun) => {
        library.own = begun.documents;
        takeAdded(begun.library);
        showLibrary();
      })
      .catch(report);
  }
  pane.key = key;
}

// The document asked for last is shown, whichever arrives last.
async function showDocument(id) {
  pane.wanted = id;
  if (pane.shown === id) return;
  if (!pane.html.has(id)) pane.html.set(id, await call("document", id, session.secret));
  if (pane.wanted !== id || pane.shown === id) return;
  pane.text.innerHTML = pane.html.get(id);
  pane.text.classList.toggle("endless", pane.text.childElementCount > ENDLESS);
  pane.shown = id;
  $("document-choice").value = id;
  $("reading-title").textContent = $("document-choice").selectedOptions[0]?.textContent ?? id;
  showPaper(!paper.isText);
}

function passagesOver(start, end) {
  return [...pane.text.children].filter(
    (passage) => Number(passage.dataset.start) < end && start < Number(passage.dataset.end),
  );
}

// Code points, which offsets count, to UTF-16 units, which the DOM counts.
function unitsOf(text, points) {
  let units = 0;
  for (let left = points; left > 0 && units < text.length; left -= 1) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

function markPassage(passage, start, end, kind) {
  let offset = Number(passage.dataset.start);
  const marks = [];
  for (const node of textNodes(passage)) {
    const length = [...node.data].length;
    const [first, last] = [Math.max(start - offset, 0), Math.min(end - offset, length)];
    offset += length;
    if (first >= last) continue;
    const range = document.createRange();
    range.setStart(node, unitsOf(node.data, first));
    range.setEnd(node, unitsOf(node.data, last));
    const mark = document.createElement("mark");
    mark.className = kind;
    mark.tabIndex = -1;
    mark.dataset.start = String(start);
    range.surroundContents(mark);
    marks.push(mark);
  }
  return marks;
}

function clearMarks() {
  for (const mark of pane.text.querySelectorAll("mark")) {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent.normalize();
  }
  for (const passage of pane.text.querySelectorAll(".cited, .near")) {
    passage.classList.remove("cited", "near");
  }
}

function markPlaces(places) {
  clearMarks();
  for (const { start, end } of places.filter((place) => place.document === pane.shown)) {
    for (const passage of passagesOver(start, end)) {
      passage.classList.add("cited");
      markPassage(passage, start, end, "quote");
    }
  }
}

function bring(mark, behavior) {
  mark.scrollIntoView({ block: "center", behavior });
  // Passages not yet laid out have estimated heights: once they are, look again.
  if (pane.text.classList.contains("endless")) {
    requestAnimationFrame(() => requestAnimationFrame(() => mark.scrollIntoView({ block: "center" })));
  }
}

// Marks all quotes of an answer and brings one place into view, with a flash and the focus.
async function visit(place, quotes, { flash = true } = {}) {
  await showDocument(place.document);
  if (pane.shown !== place.document) return;
  markPlaces(quotes);
  if (await visitOnPage(place, quotes, flash)) return;
  showPaper(false);
  let mark = pane.text.querySelector(`mark.quote[data-start="${place.start}"]`);
  if (!mark) {
    for (const passage of passagesOver(place.start, place.end)) {
      passage.classList.add("near");
      mark ??= markPassage(passage, place.start, place.end, "whole")[0] ?? null;
    }
  }
  if (!mark) return;
  const smooth = flash && !isStill() && !pane.text.classList.contains("endless");
  bring(mark, smooth ? "smooth" : "auto");
  if (!flash) return;
  const marks = [...pane.text.querySelectorAll(`mark[data-start="${place.start}"]`)];
  for (const element of marks) element.classList.add("flash");
  mark.addEventListener("blur", () => {
    for (const element of marks) element.classList.remove("flash");
  });
  mark.focus({ preventScroll: true });
}

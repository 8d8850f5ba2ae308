// PDFs, page by page as they look, with the quoted words marked by the server.

const paper = { shown: "", number: 1, places: [], isText: false, wanted: 0 };

function hasImages(id) {
  return [...library.own, ...library.added].some((entry) => entry.id === id && entry.has_images);
}

function showPaper(isPaper) {
  const can = hasImages(pane.shown);
  $("looks").hidden = !can;
  $("switch").hidden = allDocuments().length < 2 && !can;
  $("paper").hidden = !(can && isPaper);
  pane.text.hidden = can && isPaper;
  // The page of another document is no page of this one.
  if (paper.shown !== pane.shown) $("page-image").removeAttribute("src");
  $("look-page").setAttribute("aria-pressed", String(can && isPaper));
  $("look-text").setAttribute("aria-pressed", String(!(can && isPaper)));
}

// Shows a page; null as number means the page of the first place. The answer tells what was marked.
async function showPage(id, number, places) {
  paper.wanted += 1;
  const wanted = paper.wanted;
  const pairs = places.filter((place) => place.document === id).map(({ start, end }) => [start, end]);
  $("paper").classList.add("drawing");
  const page = await call("page", id, number, pairs, session.secret).finally(() => {
    if (paper.wanted === wanted) $("paper").classList.remove("drawing");
  });
  if (paper.wanted !== wanted || pane.shown !== id) return null;
  Object.assign(paper, { shown: id, number: page.number, places });
  const image = $("page-image");
  image.src = page.image;
  image.alt = `Page ${page.number} of ${page.n_pages} of ${id}` + (page.n_marked ? ", the quoted words marked" : "");
  $("page-number").value = String(page.number);
  $("page-number").max = String(page.n_pages);
  $("page-count").textContent = `of ${page.n_pages}`;
  $("page-back").disabled = page.number <= 1;
  $("page-on").disabled = page.number >= page.n_pages;
  await image.decode().catch(() => null);
  return page;
}

// Brings a quote into view on its page; false where it must be looked for in the text.
async function visitOnPage(place, quotes, flash) {
  if (paper.isText || !hasImages(place.document)) return false;
  const others = quotes.filter(({ start }) => start !== place.start);
  let page = null;
  try {
    page = await showPage(place.document, null, [place, ...others]);
  } catch {
    return false;
  }
  if (!page?.n_marked) return false;
  showPaper(true);
  const image = $("page-image");
  const scroller = isNarrow() ? $("panes") : pane.element;
  const top = image.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
  if (flash || !isNarrow()) scroller.scrollTo({ top: top + page.top * image.clientHeight - scroller.clientHeight / 3 });
  if (flash) image.focus({ preventScroll: true });
  return true;
}

async function turnTo(number) {
  const page = await showPage(pane.shown, number, paper.places);
  if (page) announce($("page-image").alt);
}

function startPages() {
  $("look-text").addEventListener("click", () => {
    paper.isText = true;
    showPaper(false);
    pane.text.querySelector("mark.quote")?.scrollIntoView({ block: "center" });
  });
  $("look-page").addEventListener("click", () => {
    paper.isText = false;
    const number = paper.shown === pane.shown ? paper.number : 1;
    showPage(pane.shown, number, paper.places).then(() => showPaper(true)).catch(report);
  });
  $("page-back").addEventListener("click", () => turnTo(paper.number - 1).catch(report));
  $("page-on").addEventListener("click", () => turnTo(paper.number + 1).catch(report));
  $("page-number").addEventListener("change", (event) => turnTo(Math.trunc(Number(event.target.value)) || 1).catch(report));
}

// Documents come in by the button or are dropped on the page, one after the other.

let opening = null;
let queue = Promise.resolve();

function openLibrary() {
  if (session.secret) return Promise.resolve();
  opening ??= call("open_library")
    .then(keepSecret)
    .finally(() => (opening = null));
  return opening;
}

function addDocuments(files) {
  const entries = [...files].map((file, number) => ({
    id: unlike(file.name || `document ${number + 1}`),
    size: file.size,
    state: "sending",
    progress: 0,
    file,
  }));
  library.sending.push(...entries);
  showLibrary();
  for (const entry of entries) queue = queue.then(() => sendDocument(entry));
}

// A name for the list, until the server gives one.
function unlike(name) {
  const taken = new Set([...library.own, ...library.added, ...library.sending].map(({ id }) => id));
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name} (${number})`;
  return free;
}

async function sendDocument(entry) {
  const { max_bytes: most } = library.limits;
  try {
    if (entry.size > most) {
      throw new CallError(`${entry.id}: is larger than ${most >> 20} MB; add a part of it`);
    }
    await openLibrary();
    const received = await sendBytes(entry);
    library.sending = library.sending.filter((other) => other !== entry);
    // It may be ready already: what follows from that is done when it is first looked at.
    library.added.push({ ...received, state: "reading" });
    showLibrary();
    watch().catch(report);
  } catch (error) {
    Object.assign(entry, { state: "failed", problem: error.message, file: null });
    announce(error.message);
    showLibrary();
  }
}

function sendBytes(entry) {
  const url = new URL("library/documents", document.baseURI);
  url.searchParams.set("name", entry.file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-Library", session.secret);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      entry.progress = total ? loaded / total : 0;
      showLibrary();
    });
    request.addEventListener("load", () => {
      if (request.status === 200) resolve(request.response);
      else reject(new CallError(messageFor(request.status, request.response?.detail)));
    });
    request.addEventListener("error", () => reject(new CallError(`${entry.id}: could not be sent; try again`)));
    request.send(entry.file);
  });
}

function openSheet() {
  if ($("library-sheet").hidden) $("library-button").click();
}

function startUploading() {
  $("adding").hidden = !library.limits;
  if (!library.limits) return;
  const { max_bytes: most, max_documents: n, minutes, suffixes } = library.limits;
  $("add-hint").textContent =
    "Or drop files on the page: PDF, Word, PowerPoint, Excel, HTML, Markdown, EPUB, CSV, JSON, mail, text, or a zip of them; " +
    `up to ${counted(n, "document")} of ${most >> 20} MB. Only you can ask them. They are deleted when you ` +
    `leave, or after ${counted(minutes, "minute")} without a question.`;
  const field = $("files");
  field.accept = suffixes.join(",");
  $("add-documents").addEventListener("click", () => field.click());
  field.addEventListener("change", () => {
    addDocuments(field.files);
    field.value = "";
  });
  startDropping();
  addEventListener("pagehide", () => {
    if (!session.secret) return;
    const body = JSON.stringify({ data: [session.secret] });
    navigator.sendBeacon(new URL("run/leave", SERVER), new Blob([body], { type: "application/json" }));
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted && session.secret) call("library", session.secret).then(takeAdded).then(showLibrary, report);
  });
}

function startDropping() {
  let depth = 0;
  const show = (isShown) => ($("drop").hidden = !isShown);
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    depth += 1;
    show(true);
  });
  addEventListener("dragleave", (event) => {
    if (!holdsFiles(event)) return;
    depth = Math.max(depth - 1, 0);
    show(depth > 0);
  });
  addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show(false);
    addDocuments(event.dataTransfer.files);
    openSheet();
  });
}

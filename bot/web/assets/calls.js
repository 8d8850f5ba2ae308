// Shared by all scripts of the page, which run as one, in the order that app.py names.

const $ = (id) => document.getElementById(id);

// Calls to the server this page came from, and to no other.

const SERVER = new URL("gradio_api/", document.baseURI);

// The secret of the documents that were added here; "" before there are any.
const session = { secret: "" };

class CallError extends Error {}

function report(error) {
  $("complaint").textContent = error.message;
  if (!(error instanceof CallError)) throw error;
}

function messageFor(status, detail) {
  if (status === 401) return "You are signed out. Reload the page to sign in again.";
  if (status === 503) return "Too many questions are waiting. Try again in a moment.";
  return detail || `The server could not do that (${status}).`;
}

async function post(path, body, signal) {
  let response;
  try {
    response = await fetch(new URL(path, SERVER), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError("The server does not answer. Is it still running?");
  }
  const reply = await response.json().catch(() => ({}));
  if (response.ok && !reply.error) return reply;
  const detail = reply.error ?? reply.detail;
  throw new CallError(messageFor(response.status, typeof detail === "string" ? detail : ""));
}

async function call(name, ...data) {
  return (await post(`run/${name}`, { data })).data[0];
}

async function callQueued(name, data, signal) {
  const { event_id: id } = await post(`call/${name}`, { data }, signal);
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const events = new EventSource(new URL(`call/${name}/${id}`, SERVER));
    const settle = (finish, value) => {
      events.close();
      finish(value);
    };
    events.addEventListener("complete", (event) => settle(resolve, JSON.parse(event.data)[0]));
    events.addEventListener("error", (event) => {
      const detail = event.data ? JSON.parse(event.data) : null;
      const lost = "The connection to the server was lost. Is it still running?";
      const words = detail?.error ?? (event.data ? "The server failed at this question." : lost);
      settle(reject, new CallError(words));
    });
    signal.addEventListener("abort", () => settle(reject, new DOMException("", "AbortError")));
  });
}

/** Requests of the page. */

let running = null;

/** Drop the answer to the request that is under way. */
export function stop() {
  running?.abort();
}

/** Ask a model; a later request drops the answer to this one. */
export async function ask(model, body, type = "application/json") {
  stop();
  running = new AbortController();
  const { signal } = running;
  const headers = { "Content-Type": type };
  const content = type === "application/json" ? JSON.stringify(body) : body;
  let response;
  try {
    const path = `predict?model=${encodeURIComponent(model.model)}`;
    response = await fetch(path, { method: "POST", headers, body: content, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server did not answer. It may have stopped, or the data may be too large");
  }
  const answer = await response.json().catch(() => ({}));
  if (signal.aborted) throw new DOMException("a later request is under way", "AbortError");
  if (!response.ok) throw new Error(answer.detail ?? `The server answered with ${response.status}`);
  return answer.prediction;
}

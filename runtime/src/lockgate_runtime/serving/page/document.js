/** Elements of the page, and which of its parts are shown. */

export const $ = (id) => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function svg(name, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

export function show(...ids) {
  const all = ["nothing", "drawn", "tried", "numbers", "labelled"];
  for (const id of all) $(id).hidden = !ids.includes(id);
}

export function tell(notes) {
  $("notes").replaceChildren(...notes.map((note) => el("li", {}, note)));
}

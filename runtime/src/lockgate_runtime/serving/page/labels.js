/** A label with its probabilities as bars. */

import { el } from "./document.js";
import { digits } from "./scales.js";

export function probabilities(model, answer, at) {
  const names = model.classes.map(String).filter((name) => `probability_${name}` in answer);
  return names.map((name) => ({ name, value: answer[`probability_${name}`][at] })).sort((a, b) => b.value - a.value);
}

export function labelOf(answer, at, chances) {
  const label = answer.label[at];
  const text = typeof label === "number" && !chances.length ? digits(answer.label)(label) : String(label);
  const bars = el("div", { class: "bars" });
  for (const { name, value } of chances.slice(0, 12)) {
    const fill = el("i");
    fill.style.width = `${100 * value}%`;
    bars.append(el("span", { class: "name" }, name), el("div", { class: "bar", "aria-hidden": "true" }, fill), el("span", {}, percent(value)));
  }
  return [el("div", { class: "label" }, text || "no label"), ...(chances.length ? [bars] : [])];
}

const percent = (value) => `${(100 * value).toFixed(1)} %`;

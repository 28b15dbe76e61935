/** Labels of recordings, or of their steps. */

import { ask } from "./asking.js";
import { chart } from "./charts.js";
import { $, show, tell } from "./document.js";
import { labelOf, probabilities } from "./labels.js";
import { digits } from "./scales.js";
import { numbers, tableOf } from "./tables.js";

const COLOURS = 8;

export async function labelRecording(model) {
  const names = model.channels;
  const table = tableOf($("table").value, names);
  const byName = names.every((name) => table.columns.has(name));
  if (!byName && table.names.length !== names.length) {
    throw new Error(`The table must have ${names.length} columns (${names.join(", ")}), got ${table.names.length}`);
  }
  const notes = [...table.notes];
  if (!byName) notes.push(`Columns are read in their order as ${names.join(", ")}.`);
  const columns = names.map((name, at) => numbers(name, table.columns.get(byName ? name : table.names[at])));
  tell([`${columns[0].length.toLocaleString("en")} steps.`, ...notes]);
  const answer = await ask(model, { sequences: [Object.fromEntries(names.map((name, at) => [name, columns[at]]))] });
  showRecording(model, names, columns, answer);
}

function showRecording(model, names, columns, answer) {
  show("drawn");
  const atSteps = "step" in answer;
  $("series-choice").hidden = true;
  $("drawn-name").textContent = atSteps ? "Labels along the recording" : "Label of the recording";
  $("labels").replaceChildren(...(atSteps ? [] : labelOf(answer, 0, probabilities(model, answer, 0))));
  const lines = names.map((name, at) => ({
    name, style: `c${at % COLOURS}`, points: columns[at].map((value, k) => [k + 1, Number.isFinite(value) ? value : null]),
  }));
  const strip = atSteps ? runs(model, answer) : undefined;
  const kinds = strip ? [...new Map(strip.map((part) => [part.name, { name: part.name, style: part.style }])).values()] : [];
  chart($("chart"), $("legend"), {
    lines, bands: [], strip, keys: kinds, split: null, times: false,
    digits: digits(columns.flat()), stamp: (at) => `step ${at}`,
    label: `Chart of a recording of ${columns[0].length} steps with the channels ${names.join(", ")}. ` +
      `Left and right arrow keys read the values.`,
  });
}

/** Neighbouring steps of one label. */
function runs(model, answer) {
  const places = model.classes.map(String);
  const parts = [];
  answer.step.forEach((step, at) => {
    const name = String(answer.label[at]);
    const last = parts.at(-1);
    if (last?.name === name && last.to === step - 0.5) last.to = step + 0.5;
    else parts.push({ from: step - 0.5, to: step + 0.5, name, style: `c${(model.channels.length + places.indexOf(name)) % COLOURS}` });
  });
  return parts;
}

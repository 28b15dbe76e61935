/** What a user does: choose a model, ask it, look at the answer. */

import { ask, stop } from "./asking.js";
import { chart } from "./charts.js";
import { $, el, show, tell } from "./document.js";
import { exampleRecording, exampleTable } from "./examples.js";
import { labelRecording } from "./recordings.js";
import { DAY, digits, shown as shownStamp, wallOf } from "./scales.js";
import { csv, number, numbers, tableOf } from "./tables.js";
import { labelTexts } from "./texts.js";

const ISO = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/;

let models = [];
let model = null;
// what is shown of a forecaster: the table as it is edited, and the answers before and after
const seen = { table: null, answer: null, earlier: null, edits: new Map() };

const ofDays = () => /^\d*\s*(d|w|mo|q|y)/.test(model.step);
const shown = (stamp) => shownStamp(stamp, ofDays());

function complain(message) {
  const text = message.trim();
  const whole = /[.!?]$/.test(text) || !text ? text : `${text}.`;
  $("error").textContent = whole.charAt(0).toUpperCase() + whole.slice(1);
  $("error").hidden = !text;
  // beside what was edited: on a phone the form is far from there
  ($("cells").contains(document.activeElement) ? $("tried") : $("asked")).append($("error"));
}

function later(wait, work) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, wait);
  };
}

/** Run a request of the user; only the last one may tell of its end. */
async function answering(work) {
  document.body.classList.add("busy");
  try {
    await work();
    complain("");
  } catch (error) {
    if (error.name === "AbortError") return;
    complain(error.message);
  }
  document.body.classList.remove("busy");
}

// ---- forecasts ----

function readTable(text) {
  const table = tableOf(text);
  rename(table, "unique_id", model.named.unique_id);
  rename(table, "ds", model.named.ds);
  if (model.columns.includes("ds") && !table.columns.has("ds")) {
    const stamps = table.names.find((name) => table.columns.get(name).every((one) => ISO.test(one)));
    if (stamps) table.notes.push(`The column "${stamps}" is read as the stamps.`);
    rename(table, "ds", stamps);
  }
  rename(table, model.target, "y");
  table.ids = table.columns.get("unique_id");
  const rows = table.columns.values().next().value.length;
  const series = new Set(table.ids).size;
  table.notes.unshift(`${rows.toLocaleString("en")} rows${series > 1 ? ` of ${series.toLocaleString("en")} series` : ""}.`);
  return table;
}

function rename(table, name, own) {
  if (own === undefined || table.columns.has(name) || !table.columns.has(own)) return;
  table.columns.set(name, table.columns.get(own));
  table.columns.delete(own);
}

function dataOf(table) {
  const countsRows = typeof model.example.data.ds?.[0] === "number";
  const data = {};
  for (const [name, cells] of table.columns) {
    if (name === "unique_id") data[name] = cells;
    else if (name in model.categories) data[name] = cells.map((one) => one || null);
    else if (name === "ds") data[name] = countsRows ? numbers(name, cells) : cells;
    else if (model.columns.includes(name)) data[name] = numbers(name, cells);
  }
  return data;
}

function forget() {
  seen.edits.clear();
  seen.earlier = null;
  $("restore").hidden = true;
  $("cells").chosen = null;
}

async function forecast(table) {
  const answer = await ask(model, { data: dataOf(table) });
  Object.assign(seen, { table, answer });
  showForecast();
}

async function forecastText() {
  const table = readTable($("table").value);
  tell(table.notes);
  forget();
  await forecast(table);
}

async function forecastParquet(file) {
  tell([`${file.name} is sent as it is: its rows are not shown here.`]);
  forget();
  seen.table = null;
  seen.answer = await ask(model, file, "application/vnd.apache.parquet");
  showForecast();
}

function showForecast() {
  const chosen = chooseSeries();
  const names = ["drawn", "numbers", ...(seen.table ? ["tried"] : [])];
  show(...names);
  $("drawn-name").textContent = `Forecast of ${model.target}${model.several ? `: ${chosen}` : ""}`;
  drawForecast(chosen);
  listForecast(chosen);
  if (seen.table) listCells(chosen);
}

function chooseSeries() {
  const names = [...new Set(seen.answer.unique_id)];
  const before = $("series").value;
  const sought = $("search").value.toLowerCase();
  const matching = names.filter((name) => name.toLowerCase().includes(sought));
  const offered = matching.length ? matching : names;
  $("series").replaceChildren(...offered.map((name) => el("option", { value: name }, name)));
  $("series").value = offered.includes(before) ? before : offered[0];
  $("series-choice").hidden = names.length < 2;
  $("search-box").hidden = names.length <= 12;
  return $("series").value;
}

/** The rows of a series, in order of time; `at` is their place in the table. */
function rowsOf(table, chosen) {
  const { columns, ids } = table;
  const one = new Set(ids).size < 2;
  const target = columns.get(model.target);
  const stamps = model.columns.includes("ds") ? columns.get("ds") : null;
  const rows = [];
  target.forEach((cell, at) => {
    if (one || ids[at] === chosen) {
      rows.push({ at, stamp: stamps ? stamps[at] : rows.length + 1, value: number(cell) });
    }
  });
  if (stamps) rows.sort((a, b) => wallOf(a.stamp) - wallOf(b.stamp));
  const last = rows.findLastIndex((row) => row.value !== null);
  return { past: rows.slice(0, last + 1), later: rows.slice(last + 1) };
}

function answerOf(answer, chosen) {
  const rows = answer.unique_id.flatMap((name, at) => (name === chosen ? [at] : []));
  return (name) => rows.map((at) => answer[name][at]);
}

function drawForecast(chosen) {
  const times = "ds" in seen.answer;
  const place = times ? wallOf : Number;
  const stampName = times ? "ds" : "row";
  const of = answerOf(seen.answer, chosen);
  const stamps = of(stampName);
  const past = seen.table ? rowsOf(seen.table, chosen).past : [];
  const stretch = Math.min(400, Math.max(24, 3 * model.horizon, model.lookback));
  const shownPast = past.slice(-stretch).map((row) => [place(row.stamp), row.value]);
  const lines = [{ name: "forecast", style: "ahead", points: zipped(stamps.map(place), of("forecast")), dots: true }];
  if (shownPast.length) lines.unshift({ name: model.target, style: "past", points: shownPast });
  if (seen.earlier) {
    const earlier = answerOf(seen.earlier, chosen);
    const was = zipped(earlier(stampName).map(place), earlier("forecast"));
    lines.splice(-1, 0, { name: "earlier forecast", style: "earlier", points: was });
  }
  const bands = levels().map((level, at, all) => ({
    name: `${level} % bounds`,
    style: at || all.length === 1 ? "narrow" : "wide",
    points: zipped(stamps.map(place), of(`forecast-lo-${level}`), of(`forecast-hi-${level}`)),
  }));
  const words = new Map([...past.map((row) => row.stamp), ...stamps].map((stamp) => [place(stamp), shown(stamp)]));
  chart($("chart"), $("legend"), {
    lines, bands, times, least: ofDays() ? DAY : 0, split: shownPast.length ? shownPast.at(-1)[0] : null,
    digits: digits(lines.flatMap((line) => line.points.map((point) => point[1]))),
    stamp: (at) => words.get(at) ?? "",
    label: `Chart of ${chosen}: ${shownPast.length} values, and a forecast of ${stamps.length} steps from ` +
      `${shown(stamps[0])} to ${shown(stamps.at(-1))}. Left and right arrow keys read the values.`,
  });
}

const zipped = (first, ...columns) => first.map((one, at) => [one, ...columns.map((column) => column[at])]);

/** Levels of the bounds, the widest first. */
function levels() {
  const found = model.bounds.map((name) => /^forecast-lo-(.+)$/.exec(name)?.[1]).filter(Boolean);
  return found.sort((a, b) => b - a);
}

function columnsShown() {
  return Object.keys(seen.answer).filter((name) => name !== "unique_id" && name !== "ds" && name !== "row");
}

function listForecast(chosen) {
  const of = answerOf(seen.answer, chosen);
  const names = columnsShown();
  const format = digits(names.flatMap(of));
  const head = el("tr", {}, ...["step", ...names].map((name) => el("th", { scope: "col" }, columnName(name))));
  const rows = zipped(of("ds" in seen.answer ? "ds" : "row"), ...names.map(of)).map(([stamp, ...values]) =>
    el("tr", {}, el("th", { scope: "row" }, shown(stamp)), ...values.map((value) => el("td", {}, format(value)))));
  $("rows").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
}

function columnName(name) {
  const bound = /^forecast-(lo|hi)-(.+)$/.exec(name);
  return bound ? `${bound[2]} % ${bound[1] === "lo" ? "low" : "high"}` : name;
}

function listCells(chosen) {
  const { past, later: ahead } = rowsOf(seen.table, chosen);
  const known = model.known_future.length ? ahead.slice(0, Math.min(model.horizon, 12)) : [];
  const names = model.columns.filter((name) => name !== "unique_id" && name !== "ds");
  const head = el("tr", {}, ...["step", ...names].map((name) => el("th", { scope: "col" }, name)));
  const wanted = [...past.slice(-5), ...known];
  // while a cell is edited its table stays, so that the focus does too
  if ($("cells").contains(document.activeElement) && $("cells").chosen === chosen) return;
  $("cells").chosen = chosen;
  const rows = wanted.map((row) => {
    const isAhead = known.includes(row);
    const cells = names.map((name) => {
      const read = !isAhead || model.known_future.includes(name);
      return el("td", {}, ...(read ? [cellOf(name, row)] : []));
    });
    return el("tr", isAhead ? { class: "later" } : {}, el("th", { scope: "row" }, shown(row.stamp)), ...cells);
  });
  $("cells").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
}

function cellOf(name, row) {
  const cells = seen.table.columns.get(name);
  const values = model.categories[name];
  const attributes = { "aria-label": `${name} at ${shown(row.stamp)}` };
  const input = values ? el("select", attributes) : el("input", { ...attributes, inputmode: "decimal", autocomplete: "off" });
  if (values) input.append(...new Set(["", ...values, cells[row.at]].map(String)).values().map((one) => el("option", {}, one)));
  input.value = cells[row.at];
  input.classList.toggle("changed", seen.edits.has(`${name} ${row.at}`));
  input.addEventListener("input", () => changed(name, row.at, input));
  return input;
}

const again = later(250, () => seen.table && answering(() => forecast(seen.table)));

function changed(name, at, input) {
  const edit = `${name} ${at}`;
  const cells = seen.table.columns.get(name);
  seen.earlier ??= seen.answer;
  if (!seen.edits.has(edit)) seen.edits.set(edit, cells[at]);
  cells[at] = input.value.trim();
  if (seen.edits.get(edit) === cells[at]) seen.edits.delete(edit);
  input.classList.toggle("changed", seen.edits.has(edit));
  if (!seen.edits.size) seen.earlier = null;
  $("restore").hidden = !seen.edits.size;
  again();
}

function restore() {
  for (const [edit, value] of seen.edits) {
    const cut = edit.lastIndexOf(" ");
    seen.table.columns.get(edit.slice(0, cut))[Number(edit.slice(cut + 1))] = value;
  }
  forget();
  $("tried-name").focus();
  answering(() => forecast(seen.table));
}

async function copy() {
  const text = csv(seen.answer);
  try {
    await navigator.clipboard.writeText(text);
    $("copied").textContent = "Copied.";
  } catch {
    $("copied").textContent = "The browser did not let this page copy: download it.";
  }
}

function download() {
  const url = URL.createObjectURL(new Blob([csv(seen.answer)], { type: "text/csv" }));
  el("a", { href: url, download: `${model.model}-forecast.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// ---- the form ----

const labelling = later(400, () => model.reads === "texts" && answering(() => labelTexts(model)));

async function submit() {
  const work = { texts: labelTexts, forecast: forecastText, sequences: labelRecording }[model.reads];
  await answering(() => work(model));
  // on a phone the answer lies below the form
  const below = $("told").getBoundingClientRect().top > innerHeight - 120;
  if (below && $("error").hidden) $("told").scrollIntoView();
}

async function takeFile(file) {
  if (/\.(parquet|pq)$/i.test(file.name)) {
    const reads = model.reads === "forecast";
    return answering(() => (reads ? forecastParquet(file) : Promise.reject(new Error("What this model labels must come as CSV or text"))));
  }
  const text = await file.text();
  (model.reads === "texts" ? $("texts") : $("table")).value = text;
  return submit();
}

function fill() {
  $("table").value = model.reads === "forecast" ? exampleTable(model) : exampleRecording(model);
  submit();
}

function choose(name) {
  model = models.find((one) => one.model === name);
  stop();
  document.body.classList.remove("busy");
  Object.assign(seen, { table: null, answer: null });
  forget();
  tell([]);
  complain("");
  show("nothing");
  $("labels").replaceChildren();
  $("table-asked").hidden = model.reads === "texts";
  $("texts-asked").hidden = model.reads !== "texts";
  $("go").textContent = model.reads === "forecast" ? "Forecast" : "Label";
  $("table-name").textContent = model.reads === "forecast" ? "Table with a header" : "Recording: a column for each channel";
  $("facts").textContent = facts();
  $("hint").textContent = model.reads === "texts" ? "" : hint();
}

function facts() {
  if (model.reads === "forecast") {
    return `Forecasts ${model.target} for ${model.horizon} steps of ${model.step}, from the last ${model.lookback} or more rows.`;
  }
  const what = model.reads === "texts" ? "texts" : "recordings";
  return model.classes?.length ? `Labels ${what}: ${model.classes.join(", ")}.` : `Gives a number for ${what}.`;
}

function hint() {
  if (model.reads === "sequences") return `Channels: ${model.channels.join(", ")}. Paste a table, or drop a file here.`;
  const ahead = model.known_future.length
    ? ` Rows after the last ${model.target} tell ${model.known_future.join(", ")} of the steps ahead.` : "";
  return `Columns: ${model.columns.map((name) => model.named[name] ?? name).join(", ")}.${ahead} Paste a table, or drop a CSV or Parquet file here.`;
}

function listen() {
  const form = $("asked");
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  const withFile = (event) => event.dataTransfer.types.includes("Files");
  // a file that misses the form would replace the page
  document.addEventListener("dragover", (event) => {
    if (!withFile(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", () => form.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (!withFile(event)) return;
    event.preventDefault();
    form.classList.remove("over");
    takeFile(event.dataTransfer.files[0]);
  });
  $("file").addEventListener("change", () => {
    const [file] = $("file").files;
    if (file) takeFile(file);
    $("file").value = "";
  });
  $("table").addEventListener("paste", () => setTimeout(submit));
  $("texts").addEventListener("input", labelling);
  $("by-line").addEventListener("change", () => answering(() => labelTexts(model)));
  $("model").addEventListener("change", () => choose($("model").value));
  $("series").addEventListener("change", showForecast);
  $("search").addEventListener("input", showForecast);
  $("fill").addEventListener("click", fill);
  $("restore").addEventListener("click", restore);
  $("copy").addEventListener("click", copy);
  $("download").addEventListener("click", download);
}

async function start() {
  try {
    const response = await fetch("models");
    ({ models } = await response.json());
  } catch {
    $("facts").textContent = "";
    complain("The models could not be read. Load this page again");
    return;
  }
  $("model").replaceChildren(...models.map((one) => el("option", { value: one.model }, one.model)));
  $("model-choice").hidden = models.length < 2;
  listen();
  choose(models[0].model);
}

start();

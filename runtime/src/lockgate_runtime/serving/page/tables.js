/** Tables as CSV: read, and written. */

function cellsOf(text, separator) {
  const lines = [];
  let line = [];
  const cell = /("(?:[^"]|"")*"|(?!")[^\n\r]*?)(SEPARATOR|\r\n|\n|\r|$)/.source;
  const pattern = new RegExp(cell.replace("SEPARATOR", separator === "\t" ? "\\t" : separator), "y");
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (!found) throw new Error(`Line ${lines.length + 1} of the table must be CSV: a quote does not end`);
    const [, raw, end] = found;
    line.push((raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw).trim());
    if (end === separator) {
      if (pattern.lastIndex === text.length) line.push("");
      if (pattern.lastIndex < text.length) continue;
    }
    if (line.some((one) => one)) lines.push(line);
    line = [];
  }
  return lines;
}

function parsed(text) {
  const plain = text.replace(/^\uFEFF/, "").replace(/^[\r\n]+/, "");
  const head = plain.split(/[\r\n]/, 1)[0];
  const counts = [",", ";", "\t"].map((one) => [head.split(one).length, one]);
  const separator = counts.reduce((best, one) => (one[0] > best[0] ? one : best))[1];
  const lines = cellsOf(plain, separator);
  const comma = separator !== "," && lines.some((line) => line.some((one) => /^-?\d+,\d+$/.test(one)));
  if (comma) {
    for (const line of lines) line.forEach((one, at) => { line[at] = one.replace(/^(-?\d+),(\d+)$/, "$1.$2"); });
  }
  return { lines, notes: comma ? ["Decimal commas are read as points."] : [] };
}

export function tableOf(text, headless = null) {
  const { lines, notes } = parsed(text);
  let names = lines[0] ?? [];
  let rows = lines.slice(1);
  if (headless && names.every((one) => number(one) !== null)) {
    [names, rows] = [names.map((_, at) => headless[at] ?? `column ${at + 1}`), lines];
  }
  if (!rows.length) throw new Error("The table must have a line of names and rows below it");
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`The columns must have names of their own, got "${twice}" twice`);
  rows.forEach((row, at) => {
    if (row.length !== names.length) {
      throw new Error(`Row ${at + 2} of the table must have ${names.length} cells, got ${row.length}`);
    }
  });
  return { names, notes, columns: new Map(names.map((name, at) => [name, rows.map((row) => row[at])])) };
}

export function number(text) {
  const value = Number(text);
  return text !== "" && Number.isFinite(value) ? value : null;
}

/** The cells of a column as numbers, null where one is missing. */
export function numbers(name, cells) {
  return cells.map((text, at) => {
    if (/^(nan|na|null|none|)$/i.test(text)) return null;
    const value = number(text);
    if (value === null) throw new Error(`Row ${at + 1} of "${name}" must hold a number, got "${text.slice(0, 80)}"`);
    return value;
  });
}

export function csv(columns) {
  const cell = (one) => {
    const text = one === null || one === undefined ? "" : String(one);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const names = Object.keys(columns);
  const rows = columns[names[0]].map((_, at) => names.map((name) => cell(columns[name][at])).join(","));
  return [names.map(cell).join(","), ...rows, ""].join("\n");
}

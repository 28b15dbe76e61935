/** Plausible data for a model, made of waves. */

import { DAY, HOUR, wallOf } from "./scales.js";
import { csv } from "./tables.js";

export function exampleTable(model) {
  const series = model.several ? ["a", "b", "c"] : [null];
  const rows = Math.max(model.lookback + 24, 3 * model.horizon, 60);
  const every = rows + (model.known_future.length ? model.horizon : 0);
  const [, count, unit] = /^(\d*)\s*([a-z]+)/.exec(model.step) ?? [null, "1", "row"];
  const names = ["unique_id", ...model.columns].filter((name, at, all) => all.indexOf(name) === at && (model.several || name !== "unique_id"));
  const columns = Object.fromEntries(names.map((name) => [name, []]));
  const stamp = stampsOf(model, Number(count || 1), unit);
  const round = { h: 24, d: 7, mo: 12 }[unit] ?? 24;
  series.forEach((id, own) => {
    for (let at = 0; at < every; at++) {
      const wave = Math.sin((2 * Math.PI * at) / round + own) + 0.35 * Math.sin((4 * Math.PI * at) / round) + 0.25 * noise(at + 997 * own);
      for (const name of names) columns[name].push(exampleCell(model, name, id, own, at, wave, at >= rows, stamp));
    }
  });
  return csv(Object.fromEntries(names.map((name) => [model.named[name] ?? name, columns[name]])));
}

function exampleCell(model, name, id, own, at, wave, ahead, stamp) {
  if (name === "unique_id") return id;
  if (name === "ds") return stamp(at);
  const known = model.known_future.includes(name);
  if (ahead && !known) return "";
  const values = model.categories[name];
  if (values) return values[(known ? Math.floor(at / 3) + own : own) % values.length] ?? "";
  if (name === model.target) return ((10 + 3 * wave) * (1 + own / 2)).toFixed(2);
  return known ? Number(noise(31 * at + own) > 0.6) : ((20 + 5 * wave) * (1 + own / 2)).toFixed(2);
}

/** Noise from -1 to 1 that is the same at every visit. */
function noise(at) {
  const wild = Math.sin(at * 12.9898 + 4.1) * 43_758.5453;
  return 2 * (wild - Math.floor(wild)) - 1;
}

/** Return what gives the stamp of a step, from the first one of the model's own example. */
function stampsOf(model, count, unit) {
  const first = model.example.data.ds?.[0] ?? "2024-01-01T00:00:00";
  const length = { us: 0.001, ms: 1, s: 1000, m: 60_000, min: 60_000, h: HOUR, d: DAY, w: 7 * DAY }[unit] ?? HOUR;
  if (unit === "row") return (at) => at + 1;
  const months = { mo: 1, q: 3, y: 12 }[unit] * count;
  const moved = (at) => {
    const wall = new Date(wallOf(first));
    if (months) return wall.setUTCMonth(wall.getUTCMonth() + months * at);
    return wall.getTime() + at * count * length;
  };
  const byWall = months || length >= DAY;
  return (at) => (model.zone ? zoned(model.zone, moved(at), byWall, wallOf(first) - Date.parse(first)) : iso(moved(at)));
}

const iso = (time) => new Date(time).toISOString().replace(/\.000Z$|Z$/, "");

function zoned(zone, wall, byWall, firstOffset) {
  const format = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  const offsetAt = (instant) => wallOf(format.format(instant)) - instant;
  const offset = offsetAt(wall - firstOffset);
  const shift = byWall ? wall : wall - firstOffset + offset;
  const minutes = Math.abs(offset) / 60_000;
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${iso(shift)}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

export function exampleRecording(model) {
  const names = model.channels;
  const columns = Object.fromEntries(names.map((name, own) => [
    name, Array.from({ length: 80 }, (_, at) => (Math.sin(at / 6 + own) * 2 + 0.5 * noise(at + 97 * own) + own).toFixed(2)),
  ]));
  return csv(columns);
}

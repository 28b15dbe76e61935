/** Times and numbers as axes and tables tell them. */

const utc = (options) => new Intl.DateTimeFormat("en", { timeZone: "UTC", ...options });
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
const CLOCK = utc({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DATE = utc({ month: "short", day: "numeric" });
const MONTH = utc({ month: "short" });
const YEAR = utc({ year: "numeric" });
const MINUTES = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10_080, 20_160];

/** What the clock on the wall shows, as if it were UTC. */
export function wallOf(stamp) {
  const text = String(stamp).replace(" ", "T").replace(/(Z|[+-]\d\d:?\d\d)$/, "");
  return Date.parse(text.includes("T") ? `${text}Z` : text);
}

export function shown(stamp, ofDays) {
  const text = String(stamp).replace("T", " ").replace(/(\d\d:\d\d):00(?![\d:.])/, "$1");
  return ofDays ? text.replace(/^(\S+) 00:00$/, "$1") : text;
}

export function timeTicks(from, to, most, least = 0) {
  const step = MINUTES.map((one) => one * 60_000).find((one) => one >= least && (to - from) / one <= most);
  const ticks = [];
  if (step) {
    const monday = 4 * DAY;
    const origin = step > DAY ? monday : 0;
    for (let at = Math.ceil((from - origin) / step) * step + origin; at <= to; at += step) ticks.push(at);
    return named(ticks, step < DAY ? CLOCK : DATE, step < DAY ? DATE : YEAR);
  }
  const months = (to - from) / DAY / 30;
  const apart = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200].find((one) => months / one <= most) ?? 2400;
  const first = new Date(from);
  let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / apart) * apart;
  for (; Date.UTC(Math.floor(month / 12), month % 12) <= to; month += apart) {
    const at = Date.UTC(Math.floor(month / 12), month % 12);
    if (at >= from) ticks.push(at);
  }
  return apart < 12 ? named(ticks, MONTH, YEAR) : named(ticks, YEAR, null);
}

function named(ticks, format, wider) {
  let before = null;
  return ticks.map((at) => {
    const below = wider?.format(at) ?? "";
    const tick = { at, text: format.format(at), below: below === before ? "" : below };
    before = below;
    return tick;
  });
}

export function niceTicks(from, to, most) {
  const rough = (to - from) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const ticks = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + step * 1e-9; k++) {
    const at = k * step || 0; // never the other zero, whose sign would be shown
    ticks.push({ at, text: format.format(at).replace("-", "−"), below: "" });
  }
  return ticks;
}

/** A format with four digits of the largest number. */
export function digits(values) {
  const most = values.reduce((best, one) => (Number.isFinite(one) ? Math.max(best, Math.abs(one)) : best), 0);
  const decimals = most ? Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(most)))) : 0;
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return (value) => (Number.isFinite(value) ? format.format(value).replace("-", "−") : "");
}

/** Charts of lines and bands, drawn as SVG. */

import { el, svg } from "./document.js";
import { niceTicks, timeTicks } from "./scales.js";

/**
 * Draw a chart into a box, and again whenever its width changes.
 *
 * lines: {name, style, points: [[x, y]], dots}; bands: {name, style, points: [[x, low, high]]};
 * strip: {from, to, name, style}; split: where the forecast begins; times: whether x is a time.
 */
export function chart(box, legend, spec) {
  box.spec = spec;
  box.at = null;
  legend.replaceChildren(...[...spec.lines, ...[...spec.bands].reverse(), ...(spec.keys ?? [])].map(key));
  draw(box);
  if (!box.watched) {
    box.watched = new ResizeObserver(() => box.clientWidth !== box.drawn && draw(box));
    box.watched.observe(box);
  }
}

function key(one) {
  const mark = svg("svg", { width: 18, height: 12, "aria-hidden": "true" });
  const isLine = one.points && one.points[0]?.length === 2;
  if (isLine) mark.append(svg("path", { d: "M1 6H17", class: `line ${one.style}` }));
  else mark.append(svg("rect", { y: 1, width: 18, height: 10, rx: 2, class: `area ${one.style}` }));
  return el("li", {}, mark, one.name);
}

function scalesOf(spec, width, height) {
  const values = [
    ...spec.lines.flatMap((line) => line.points.map((point) => point[1])),
    ...spec.bands.flatMap((band) => band.points.flatMap((point) => point.slice(1))),
  ].filter((one) => one !== null);
  const places = [...spec.lines, ...spec.bands].flatMap((one) => one.points.map((point) => point[0]));
  const least = (all) => all.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (all) => all.reduce((a, b) => Math.max(a, b), -Infinity);
  let [low, high] = values.length ? [least(values), most(values)] : [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  [low, high] = [low - room, high + room];
  const [from, to] = [least(places), most(places)];
  const ys = niceTicks(low, high, height < 300 ? 5 : 6);
  const left = 14 + 7.2 * most(ys.map((tick) => tick.text.length));
  const [right, top, bottom] = [width - 14, 10, height - (spec.times ? 40 : 26) - (spec.strip ? 30 : 0)];
  return {
    x: (at) => left + ((at - from) / (to - from || 1)) * (right - left),
    y: (value) => bottom - ((value - low) / (high - low)) * (bottom - top),
    back: (place) => from + ((place - left) / (right - left)) * (to - from),
    xs: (spec.times ? timeTicks : wholeTicks)(from, to, Math.max(2, (right - left) / 72), spec.least),
    ys, left, right, top, bottom,
  };
}

function wholeTicks(from, to, most) {
  return niceTicks(from, to, Math.min(most, Math.max(1, to - from)));
}

function draw(box) {
  const spec = box.spec;
  const [width, height] = [box.clientWidth, box.clientHeight];
  if (!spec || !width) return;
  box.drawn = width;
  const scales = scalesOf(spec, width, height);
  const root = svg("svg", { width, height, role: "img", tabindex: 0, "aria-label": spec.label });
  drawAxes(root, scales, scales.bottom + (spec.strip ? 30 : 0));
  for (const band of spec.bands) root.append(svg("path", { d: area(band.points, scales), class: `area ${band.style}` }));
  if (spec.split !== null) {
    const x = scales.x(spec.split);
    root.append(svg("line", { x1: x, x2: x, y1: scales.top, y2: scales.bottom, class: "split" }));
  }
  for (const line of spec.lines) drawLine(root, line, scales);
  for (const part of spec.strip ?? []) drawPart(root, part, scales);
  const tip = el("div", { class: "tip", role: "status", hidden: "" });
  box.replaceChildren(root, tip);
  follow(box, root, tip, scales);
}

function drawAxes(root, { xs, ys, x, y, left, right }, foot) {
  for (const tick of ys) {
    const at = y(tick.at);
    root.append(svg("line", { x1: left, x2: right, y1: at, y2: at, class: "grid" }));
    root.append(svg("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, tick.text));
  }
  for (const tick of xs) {
    const half = 3.4 * Math.max(tick.text.length, tick.below.length);
    const at = Math.min(Math.max(x(tick.at), half + 2), right + 12 - half);
    root.append(svg("text", { x: at, y: foot + 18, "text-anchor": "middle" }, tick.text));
    if (tick.below) root.append(svg("text", { x: at, y: foot + 34, "text-anchor": "middle" }, tick.below));
  }
}

function drawLine(root, line, { x, y }) {
  let path = "";
  let pen = "M";
  for (const [at, value] of line.points) {
    if (value !== null) path += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = value === null ? "M" : "L";
  }
  root.append(svg("path", { d: path, class: `line ${line.style}` }));
  const apart = line.points.length > 1 ? x(line.points[1][0]) - x(line.points[0][0]) : Infinity;
  if (!line.dots || apart < 12) return;
  for (const [at, value] of line.points) {
    if (value !== null) root.append(svg("circle", { cx: x(at), cy: y(value), r: 3, class: `area ${line.style}` }));
  }
}

function area(points, { x, y }) {
  const half = points.length === 1 ? 6 : 0;
  const ends = half ? [[-half, points[0]], [half, points[0]]] : points.map((point) => [0, point]);
  const edge = (side) => ends.map(([off, point]) => `${(x(point[0]) + off).toFixed(1)} ${y(point[side]).toFixed(1)}`);
  return `M${edge(1).join("L")}L${edge(2).reverse().join("L")}Z`;
}

function drawPart(root, part, { x, bottom, left, right }) {
  const [from, to] = [Math.max(left, x(part.from)), Math.min(right, x(part.to))];
  root.append(svg("rect", { x: from, y: bottom + 6, width: Math.max(1, to - from), height: 22, class: `area ${part.style}` }));
  if (to - from > part.name.length * 7.5 + 8) {
    root.append(svg("text", { x: (from + to) / 2, y: bottom + 21, "text-anchor": "middle", class: "on" }, part.name));
  }
}

/** Tell the values under the pointer, or where the arrow keys went. */
function follow(box, root, tip, scales) {
  const { spec } = box;
  const stops = [...new Set([...spec.lines, ...spec.bands].flatMap((one) => one.points.map((point) => point[0])))];
  stops.sort((a, b) => a - b);
  const rule = svg("line", { y1: scales.top, y2: scales.bottom, class: "rule", visibility: "hidden" });
  root.append(rule);
  const values = [...spec.lines, ...[...spec.bands].reverse()].map((one) => [one, new Map(one.points.map((point) => [point[0], point]))]);
  const hide = () => {
    tip.hidden = true;
    rule.setAttribute("visibility", "hidden");
  };
  const point = (place) => {
    box.at = Math.min(Math.max(place, 0), stops.length - 1);
    const at = stops[box.at];
    const x = scales.x(at);
    for (const end of ["x1", "x2"]) rule.setAttribute(end, x);
    rule.setAttribute("visibility", "visible");
    const rows = values.flatMap(([one, known]) => tipRow(one, known.get(at), spec.digits));
    const part = spec.strip?.find((one) => one.from <= at && at <= one.to);
    if (part) rows.push(el("div", {}, el("span", {}, "label"), el("span", {}, part.name)));
    tip.replaceChildren(el("strong", {}, spec.stamp(at)), ...rows);
    tip.hidden = false;
    const first = spec.lines.at(-1).points.find((one) => one[0] === at) ?? spec.lines[0].points.find((one) => one[0] === at);
    const high = first?.[1] == null || scales.y(first[1]) < (scales.top + scales.bottom) / 2;
    tip.style.top = `${high ? Math.max(6, scales.bottom - tip.offsetHeight - 6) : 6}px`;
    const room = box.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, x < room - 14 ? x + 12 : Math.min(x - 12 - tip.offsetWidth, room))}px`;
  };
  const near = (event) => {
    const at = scales.back(event.clientX - root.getBoundingClientRect().left);
    point(stops.reduce((best, one, place) => (Math.abs(one - at) < Math.abs(stops[best] - at) ? place : best), 0));
  };
  root.addEventListener("pointermove", near);
  root.addEventListener("pointerdown", near);
  root.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
  root.addEventListener("blur", hide);
  root.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") hide();
    if (!by) return;
    event.preventDefault();
    point((box.at ?? stops.length - 1 - (by > 0)) + by);
  });
}

function tipRow(one, point, format) {
  if (!point || point[1] === null) return [];
  const text = point.length === 3 ? `${format(point[1])} to ${format(point[2])}` : format(point[1]);
  return [el("div", {}, el("span", { class: one.points[0].length === 2 ? one.style : "" }, one.name), el("span", {}, text))];
}

/** Labels of texts, and what each word does to them. */

import { ask, stop } from "./asking.js";
import { $, el, show, tell } from "./document.js";
import { labelOf, probabilities } from "./labels.js";
import { digits } from "./scales.js";

const MOST_WORDS = 200;
const MOST_CHARACTERS = 1_500_000;
const NOTES = {
  blank: "The text is blank: the label says nothing about it.",
  "no known word": "The model knows no word of this text: the label is a guess.",
};

export async function labelTexts(model) {
  const whole = $("texts").value;
  const texts = $("by-line").checked ? whole.split("\n").filter((line) => line.trim()) : [whole];
  if (!whole.trim()) {
    stop();
    show("nothing");
    return;
  }
  const answer = await ask(model, { texts });
  const boxes = texts.map((text, at) => textCard(model, text, answer, at));
  show("labelled");
  $("labelled").replaceChildren(...boxes.map((box) => box.card));
  await colourWords(model, boxes);
}

function textCard(model, text, answer, at) {
  const words = el("p", { class: "words" }, text);
  const told = el("p", { class: "soft" });
  const note = answer.note?.[at] ? [el("p", { class: "soft note" }, NOTES[answer.note[at]] ?? answer.note[at])] : [];
  const chances = probabilities(model, answer, at);
  const card = el("article", { class: "card" }, ...labelOf(answer, at, chances), ...note, words, told);
  return { card, words, told, text, answer, at, chances };
}

function segments(text) {
  if (!Intl.Segmenter) return (text.match(/\s+|\S+/g) ?? []).map((one) => ({ segment: one, isWordLike: /\S/.test(one) }));
  return [...new Intl.Segmenter("und", { granularity: "word" }).segment(text)];
}

/** Leave out each word in turn, and colour it by what that changes of the label's probability. */
async function colourWords(model, boxes) {
  let left = MOST_WORDS;
  let size = 0;
  const variants = [];
  for (const box of boxes) {
    box.parts = segments(box.text);
    box.places = [];
    box.parts.forEach((part, at) => {
      size += part.isWordLike ? box.text.length : 0;
      if (!part.isWordLike || left < 1 || size > MOST_CHARACTERS) return;
      left -= 1;
      box.places.push(at);
      variants.push(box.parts.map((one, k) => (k === at ? "" : one.segment)).join(""));
    });
  }
  if (!variants.length) return;
  const answer = await ask(model, { texts: variants });
  let first = 0;
  for (const box of boxes) {
    const { name } = box.chances[0] ?? {};
    const column = name === undefined ? "label" : `probability_${name}`;
    const effects = new Map(box.places.map((at, k) => [at, box.answer[column][box.at] - answer[column][first + k]]));
    first += box.places.length;
    paint(box, effects, name);
  }
}

function paint(box, effects, name) {
  const most = Math.max(0.02, ...[...effects.values()].map(Math.abs));
  const signed = (value) => `${value < 0 ? "−" : "+"}${name === undefined ? digits([most])(Math.abs(value)) : `${(100 * Math.abs(value)).toFixed(1)} points`}`;
  box.words.replaceChildren(...box.parts.map((part, at) => {
    const effect = effects.get(at);
    const depth = Math.min(4, Math.round((4.4 * Math.abs(effect ?? 0)) / most));
    if (!depth) return part.segment;
    return el("mark", { class: `${effect > 0 ? "pro" : "con"}${depth}`, title: signed(effect) }, part.segment);
  }));
  const what = name === undefined ? "the number" : `"${name}"`;
  const strongest = [...effects].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 3).filter(([, one]) => Math.abs(one) > 0.001);
  const listed = strongest.map(([at, effect]) => `${box.parts[at].segment} ${signed(effect)}`).join(", ");
  const words = box.parts.filter((part) => part.isWordLike).length;
  const rest = words > effects.size ? ` ${(words - effects.size).toLocaleString("en")} more words are not tried: at most ${MOST_WORDS} at once.` : "";
  box.told.replaceChildren(
    el("mark", { class: "pro3" }, "speaks for"), ` or `, el("mark", { class: "con3" }, "against"),
    ` ${what}: how much it changes when the word is left out. ${listed ? `Most: ${listed}.` : "No word changes it by much."}${rest}`,
  );
}

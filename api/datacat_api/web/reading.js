// How a question was understood: the query in strict syntax, each word, what else it may mean, and three numbers.

import { addressOf, linkTo, made, visible } from "/web/service.js";

const ANSWERS = [
  ["yes", "yes", (query) => query],
  ["no", "known not to be so", (query) => `NOT (${query})`],
  ["unknown", "nobody looked", (query) => `?(${query})`],
];

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// The query with another reading of one of its words; the other reading alone where it does not stand there as such.
function instead(query, reading, other) {
  const place = new RegExp(`(?<![\\p{L}\\p{N}_.])${escaped(reading.query)}(?![\\p{L}\\p{N}_.])`, "u");
  return reading.query && place.test(query) ? query.replace(place, () => other) : other;
}

function word(reading, query) {
  const item = made("li", {}, made("q", { text: reading.words }), " ");
  if (reading.kind === "unknown") {
    item.append("is in no label; pictures are ranked by it");
    reading.alternatives.forEach((other, place) => {
      item.append(place ? ", " : "; or is it ", linkTo(other, { text: other, name: "strict" }));
    });
    return item;
  }
  if (reading.kind === "comparison" || reading.kind === "relation" || reading.kind === "superlative") {
    if (!reading.query && !reading.is_used) {
      item.append("is in no label", reading.alternatives.length ? `; or is it ${reading.alternatives.join(", ")}?` : "");
      return item;
    }
    if (!reading.query) {
      item.append(reading.kind);
      return item;
    }
  }
  if (!reading.query) {
    const use = reading.is_used ? "" : ", which the query does not use";
    item.append(`the name of an attribute${use}: ${visible(reading.alternatives.join(", "))}`);
    return item;
  }
  item.append(made("span", { text: `${reading.kind}: ` }), linkTo(reading.query, { text: reading.query, name: "strict" }));
  reading.alternatives.forEach((other, place) => {
    item.append(place ? ", " : " or ", linkTo(instead(query, reading, other), { text: other, name: "strict" }));
  });
  return item;
}

// "Understood as car[color=red]", and how to have it read the other way.
export function understoodAs(query, { text, how }) {
  const line = made("p", { name: "understood" });
  if (query) line.append("Understood as ", linkTo(query, { text: query, name: "strict" }));
  else line.append("No word of this is in any label.");
  const other = how === "question" ? "query" : "question";
  const offer = other === "query" ? "read it as a strict query" : "read it as a plain question";
  line.append(" · ", made("a", { text: offer, href: addressOf(text, other), name: "quiet" }));
  return line;
}

export function words(understood) {
  const list = made("ul", { name: "words", "aria-label": "what each word was taken for" });
  list.append(...understood.readings.map((reading) => word(reading, understood.query)));
  const within = "counted within each label set; of all together: count(… across teams)";
  if (understood.is_counted) list.append(made("li", { text: within }));
  return list;
}

// Yes, known not to be, unknown: each leads to those assets.
export function numbers(answers, query) {
  const list = made("ul", { name: "numbers", "aria-label": "in assets" });
  for (const [name, meaning, queryOf] of ANSWERS) {
    const link = linkTo(queryOf(query), { name: `number ${name}` });
    link.append(made("b", { text: answers[name].toLocaleString("en") }), made("span", { text: meaning }));
    list.append(made("li", {}, link));
  }
  return list;
}

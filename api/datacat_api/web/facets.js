// What the hits divide into, as bars; each leads to the query narrowed to it.

import { counted, linkTo, made, read } from "/web/service.js";

const SHOWN = 6; // values of a facet, until more are asked for
const MANY = 100;
const CLASSES = 200; // of everything, and as often as more are asked for
const FIRST = ["class", "concept", "team", "label_set"];
const OPEN = 8; // facets that tell the hits apart; the others can be unfolded

function said(bucket) {
  const parts = [counted(bucket.assets, "asset")];
  if (bucket.annotations !== null) parts.push(counted(bucket.annotations, "annotation"));
  if (bucket.absent !== null) {
    parts.push(`looked for and absent on ${bucket.absent}`, `unknown on ${bucket.unknown}`);
  }
  return parts.join(", ");
}

const spaced = (query) => query.replaceAll(" AND ", " "); // inside brackets both are written

function bar(bucket, most, current) {
  const link = linkTo(bucket.query, { name: "bar", title: said(bucket) });
  if (spaced(bucket.query) === spaced(current ?? "")) link.setAttribute("aria-current", "true");
  const length = made("i", { "aria-hidden": "true" });
  length.style.width = `${Math.min(100, (100 * bucket.assets) / most)}%`;
  link.append(length, made("span", { text: bucket.value }), made("small", { text: bucket.assets.toLocaleString("en") }));
  const item = made("li", {}, link);
  if (bucket.absent !== null) {
    const numbers = `${bucket.absent.toLocaleString("en")} absent · ${bucket.unknown.toLocaleString("en")} unknown`;
    item.append(made("small", { text: numbers, name: "others" }));
  }
  return item;
}

const mostOf = (buckets) => Math.max(...buckets.map((bucket) => bucket.assets), 1);

function barsOf(facet, current) {
  const buckets = [...facet.values.toSorted((one, other) => other.assets - one.assets), ...facet.bins];
  const most = mostOf(buckets);
  return buckets.map((bucket) => bar(bucket, most, current));
}

function block(name, list, { isOpen }) {
  const short = name.replace(/^(attributes|metadata)\./, "");
  const whole = made("details", { name: "facet" }, made("summary", { text: short, title: name }), list);
  whole.open = isOpen;
  return whole;
}

function shown(facet, { query, current, isOpen }) {
  const list = made("ul", {}, ...barsOf(facet, current));
  const whole = block(facet.name, list, { isOpen });
  const hidden = facet.different - facet.values.length;
  if (hidden > 0) {
    const button = made("button", { text: counted(hidden, "more value"), type: "button", name: "plain" });
    button.addEventListener("click", async () => {
      const answer = await read("/v1/facets", { q: query, facet: facet.name, limit: MANY });
      const more = answer.facets.find((one) => one.name === facet.name);
      if (more) list.replaceChildren(...barsOf(more, current));
      button.remove();
    });
    whole.append(button);
  }
  if (facet.missing) whole.append(made("small", { text: `none: ${facet.missing.toLocaleString("en")}`, name: "quiet" }));
  return whole;
}

const quoted = (text) => `"${text.replace(/[\\"]/g, "\\$&")}"`;

// Of everything: the classes, the most used first, which are counted already. A bare word would ask for all that means the same.
async function classes() {
  const list = made("ul");
  const whole = block("class", list, { isOpen: true });
  const button = made("button", { text: "More classes", type: "button", name: "plain" });
  let most;
  let after;
  async function append() {
    button.disabled = true;
    const { items, next } = await read("/v1/classes", { limit: CLASSES, ...(after && { after }) });
    const rows = items.filter((row) => row.class).sort((one, other) => other.assets - one.assets);
    most ??= mostOf(rows);
    const buckets = rows.map((row) => ({ ...row, value: row.class, absent: null, query: `class:${quoted(row.class)}` }));
    list.append(...buckets.map((bucket) => bar(bucket, most, null)));
    after = next;
    button.disabled = false;
    if (next) whole.append(button);
    else button.remove();
  }
  button.addEventListener("click", append);
  await append();
  return [whole];
}

// Who says what, then the attributes, then the rest.
function place(facet) {
  const first = FIRST.indexOf(facet.name);
  if (first >= 0) return first;
  return FIRST.length + (facet.name.startsWith("attributes.") ? 0 : facet.name.startsWith("metadata.") ? 2 : 1);
}

const isOfNames = ({ values }) => values.length > 1 && values.every((value) => value.assets === 1);
const tellsApart = (facet) =>
  !isOfNames(facet) && (facet.missing > 0 || facet.values.length + facet.bins.length > 1);

// The blocks of all facets of a query in strict syntax; of the empty one, of everything.
export async function facetsOf(query) {
  if (!query) return classes();
  const answer = await read("/v1/facets", { q: query, limit: SHOWN });
  const facets = answer.facets.sort((one, other) => place(one) - place(other));
  const telling = new Set(facets.filter(tellsApart).slice(0, OPEN));
  return facets.map((facet) =>
    shown(facet, { query, current: answer.interpretation, isOpen: telling.has(facet) }),
  );
}

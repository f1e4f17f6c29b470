// What the hits divide into, as bars; each leads to the query narrowed to it.

import { counted, linkTo, made, read } from "/web/service.js";

const SHOWN = 6; // values of a facet, until more are asked for
const MANY = 100;
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
  length.style.width = `${(100 * bucket.assets) / most}%`;
  link.append(length, made("span", { text: bucket.value }), made("small", { text: bucket.assets.toLocaleString("en") }));
  const item = made("li", {}, link);
  if (bucket.absent !== null) {
    const numbers = `${bucket.absent.toLocaleString("en")} absent · ${bucket.unknown.toLocaleString("en")} unknown`;
    item.append(made("small", { text: numbers, name: "others" }));
  }
  return item;
}

function barsOf(facet, current) {
  const buckets = [...facet.values.toSorted((one, other) => other.assets - one.assets), ...facet.bins];
  const most = Math.max(...buckets.map((bucket) => bucket.assets), 1);
  return buckets.map((bucket) => bar(bucket, most, current));
}

function shown(facet, { query, current, isOpen }) {
  const list = made("ul");
  list.append(...barsOf(facet, current));
  const name = facet.name.replace(/^(attributes|metadata)\./, "");
  const block = made("details", { name: "facet" }, made("summary", { text: name, title: facet.name }), list);
  block.open = isOpen;
  const hidden = facet.different - facet.values.length;
  if (hidden > 0) {
    const button = made("button", { text: counted(hidden, "more value"), type: "button", name: "plain" });
    button.addEventListener("click", async () => {
      const answer = await read("/v1/facets", { q: query, facet: facet.name, limit: MANY });
      const whole = answer.facets.find((one) => one.name === facet.name);
      if (whole) list.replaceChildren(...barsOf(whole, current));
      button.remove();
    });
    block.append(button);
  }
  if (facet.missing) block.append(made("small", { text: `none: ${facet.missing.toLocaleString("en")}`, name: "quiet" }));
  return block;
}

// Of everything: the classes, which are counted already. A quoted word would be free text, so an odd one is named.
async function classes() {
  const { items } = await read("/v1/classes", { limit: 200 });
  const values = items
    .filter((row) => row.class)
    .map((row) => ({
      value: row.class,
      annotations: row.annotations,
      assets: row.assets,
      absent: null,
      query: /^[\p{L}\p{N}_]+$/u.test(row.class) ? row.class : `class:${JSON.stringify(row.class)}`,
    }));
  return [{ name: "class", values, bins: [], different: values.length, missing: 0 }];
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
  if (!query) return (await classes()).map((facet) => shown(facet, { query, current: null, isOpen: true }));
  const answer = await read("/v1/facets", { q: query, limit: SHOWN });
  const facets = answer.facets.sort((one, other) => place(one) - place(other));
  const telling = new Set(facets.filter(tellsApart).slice(0, OPEN));
  return facets.map((facet) =>
    shown(facet, { query, current: answer.interpretation, isOpen: telling.has(facet) }),
  );
}

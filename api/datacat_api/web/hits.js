// One hit: its picture with what matches drawn over it, and why it was found.

import { overlay } from "/web/overlay.js";
import { made, read, visible } from "/web/service.js";

const BOXES_SUFFICE = new Set(["none", "box", "mask", "keypoints"]);
const REASONS_SHOWN = 4;

// A match carries its box; polygons and lines are fetched with the asset when its picture is there.
async function draw(hit, picture, image) {
  const size = { width: image.naturalWidth || hit.width, height: image.naturalHeight || hit.height };
  let annotations = hit.matches;
  if (annotations.some((match) => !BOXES_SUFFICE.has(match.geometry_type))) {
    const wanted = new Set(annotations.map((match) => match.annotation));
    const whole = await read(`/v1/assets/${encodeURIComponent(hit.asset)}`).catch(() => null);
    if (whole) annotations = whole.annotations.filter((one) => wanted.has(one.annotation));
  }
  if (size.width && size.height) picture.append(overlay(annotations, size));
}

function pictureOf(hit) {
  const href = `/v1/assets/${encodeURIComponent(hit.asset)}/media`;
  const picture = made("a", { name: "picture", href, target: "_blank" });
  if (hit.media !== "image") {
    picture.append(made("span", { text: hit.media ?? "unknown", name: "quiet" }));
    return picture;
  }
  const image = new Image();
  image.loading = "lazy";
  image.alt = visible(hit.uri);
  image.addEventListener("load", () => draw(hit, picture, image));
  image.addEventListener("error", () =>
    image.replaceWith(made("span", { text: "the picture is missing", name: "quiet" })),
  );
  image.src = href;
  picture.append(image);
  return picture;
}

function card(hit) {
  const title = made("h3", { text: hit.uri.split("/").pop(), title: hit.uri });
  if (hit.score !== null) title.append(made("span", { text: `  ${Number(hit.score).toFixed(3)}`, name: "quiet" }));
  const reasons = made("ul", { "aria-label": "why it is here" });
  reasons.append(...hit.why.slice(0, REASONS_SHOWN).map((reason) => made("li", { text: reason })));
  const left = hit.why.slice(REASONS_SHOWN);
  if (left.length) {
    const rest = made("details", {}, made("summary", { text: `… and ${left.length} more` }));
    rest.append(...left.map((reason) => made("div", { text: reason })));
    reasons.append(made("li", {}, rest));
  }
  return made("li", { name: "hit" }, pictureOf(hit), title, reasons);
}

export const cards = (hits) => hits.map(card);

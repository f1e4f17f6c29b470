// The search page. All that comes from the catalog is set as text, never as markup.

import { overlay } from "/web/overlay.js";

const part = Object.fromEntries(
  ["ask", "query", "classes", "summary", "problem", "hits", "more"].map((id) => [id, document.getElementById(id)]),
);
const BOXES_SUFFICE = new Set(["none", "box", "mask", "keypoints"]);
const REASONS_SHOWN = 4;
let asked = 0; // answers to an earlier question are dropped
let next = null;

function made(kind, text = "", name = "") {
  const element = document.createElement(kind);
  element.textContent = text;
  element.className = name;
  return element;
}

async function read(path, parameters = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { problem: answer });
  return answer;
}

function showProblem(error) {
  const said = error.problem ?? { detail: `The service does not answer: ${error.message}` };
  const lines = [said.where ? `${said.where}: ${said.detail}` : said.detail];
  if (said.query !== undefined) {
    const before = [...said.query].slice(0, said.position).join("");
    lines.push("", `  ${said.query}`, `  ${" ".repeat([...before].length)}${"^".repeat(Math.max(1, said.end - said.position))}`);
  }
  if (said.hint) lines.push("", said.hint);
  part.problem.textContent = lines.join("\n");
  part.problem.hidden = false;
}

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
  const picture = made("a", "", "picture");
  picture.href = `/v1/assets/${encodeURIComponent(hit.asset)}/media`;
  picture.target = "_blank";
  if (hit.media !== "image") {
    picture.append(made("span", hit.media ?? "unknown", "quiet"));
    return picture;
  }
  const image = new Image();
  image.loading = "lazy";
  image.alt = hit.uri;
  image.addEventListener("load", () => draw(hit, picture, image));
  image.addEventListener("error", () => image.replaceWith(made("span", "the picture is missing", "quiet")));
  image.src = picture.href;
  picture.append(image);
  return picture;
}

function card(hit) {
  const item = made("li", "", "hit");
  const title = made("h3", hit.uri.split("/").pop());
  title.title = hit.uri;
  if (hit.score !== null) title.append(made("span", `  ${Number(hit.score).toFixed(3)}`, "quiet"));
  const reasons = made("ul");
  reasons.append(...hit.why.slice(0, REASONS_SHOWN).map((reason) => made("li", reason)));
  if (hit.why.length > REASONS_SHOWN) reasons.append(made("li", `… and ${hit.why.length - REASONS_SHOWN} more`));
  item.append(pictureOf(hit), title, reasons);
  return item;
}

async function search({ after = null } = {}) {
  const number = ++asked;
  part.problem.hidden = true;
  if (!after) part.hits.replaceChildren();
  const parameters = { q: part.query.value, limit: 24, ...(after ? { after } : { count: true }) };
  try {
    const answer = await read("/v1/search", parameters);
    if (number !== asked) return;
    if (!after) {
      const found = `${answer.total.toLocaleString()} ${answer.total === 1 ? "asset" : "assets"}`;
      part.summary.textContent = answer.interpretation ? `${found}  ·  ${answer.interpretation}` : found;
    }
    part.hits.append(...answer.hits.map(card));
    next = answer.next;
  } catch (error) {
    if (number !== asked) return;
    if (!after) part.summary.textContent = "";
    next = null;
    showProblem(error);
  }
  part.more.hidden = next === null;
}

function ask(query, { remember = true } = {}) {
  part.query.value = query;
  if (remember) history.pushState(null, "", `/?${new URLSearchParams({ q: query })}`);
  return search();
}

async function listClasses() {
  const { items } = await read("/v1/classes", { limit: 200 });
  for (const row of items.filter((one) => one.class)) {
    const link = made("a", row.class);
    // A quoted word would be free text, so the class is named as such.
    const query = /^[\p{L}\p{N}_]+$/u.test(row.class) ? row.class : `class:${JSON.stringify(row.class)}`;
    link.href = `/?${new URLSearchParams({ q: query })}`;
    link.title = row.teams.join(", ");
    link.append(made("small", row.annotations.toLocaleString()));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      ask(query);
    });
    const item = made("li");
    item.append(link);
    part.classes.append(item);
  }
}

const fromAddress = () => ask(new URLSearchParams(location.search).get("q") ?? "", { remember: false });
part.ask.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(part.query.value);
});
part.more.addEventListener("click", () => next && search({ after: next }));
addEventListener("popstate", fromAddress);
listClasses().catch(showProblem);
fromAddress();

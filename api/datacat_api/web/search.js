// The search page: one box for plain questions and for strict syntax. The address holds what is asked.

import { facetsOf } from "/web/facets.js";
import { cards } from "/web/hits.js";
import { problemOf } from "/web/problem.js";
import { numbers, understoodAs, words } from "/web/reading.js";
import { counted, linkTo, made, read, visible } from "/web/service.js";

const part = Object.fromEntries(
  ["ask", "query", "narrow", "facets", "summary", "reading", "problem", "results", "main"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
const PAGE = 24;
const OF_A_TIER = 8;
const STRICT = /[[\](){}"<>=:@|&~*^]|(^|\s)[-?]\S|\b(AND|OR|NOT)\b|\b(labelled by|left of|right of)\b/;
const TIERS = [
  ["labelled", "Labelled so", "No asset is labelled so."],
  ["related", "Labelled with something related", "Nothing that is labelled is related to it."],
  ["looks_so", "Not labelled, but looks so", "No picture here can be ranked: none is embedded, or all are labelled."],
];
let asked = 0; // answers to an earlier question are dropped

function section(title, ...children) {
  const heading = made("h2", { text: title });
  return made("section", {}, heading, ...children);
}

function listOf(hits) {
  const list = made("ol", { name: "hits" });
  list.append(...cards(hits));
  return list;
}

function tier(answer, [name, title, nothing]) {
  const hits = answer[name];
  if (!hits?.length) return section(title, made("p", { text: nothing, name: "quiet" }));
  const shown = section(title, listOf(hits));
  const { query } = answer.understood;
  if (name === "labelled" && answer.answers.yes > hits.length) {
    shown.append(linkTo(query, { text: `All ${counted(answer.answers.yes, "asset")}`, name: "all" }));
  }
  return shown;
}

// How many, and before it what of the question that does not say.
function headline({ understood, answers, objects }) {
  const unread = understood.unknown.map((words) => `“${words}”`).join(", ");
  const many = objects === null ? counted(answers.yes, "asset") : `${objects.toLocaleString("en")} in ${counted(answers.yes, "asset")}`;
  return unread ? `Not read: ${unread}. Without regard to that: ${many}` : many;
}

async function question(asking) {
  const answer = await read("/v1/ask", { q: asking.text, limit: OF_A_TIER });
  if (asking.number !== asked) return;
  const { understood, answers } = answer;
  part.summary.textContent = answers === null ? "No label knows these words" : headline(answer);
  part.reading.replaceChildren(understoodAs(understood.query, asking), words(understood));
  if (answers !== null) part.reading.append(numbers(answers, understood.query));
  part.results.replaceChildren(...TIERS.map((one) => tier(answer, one)));
  if (understood.query) await narrow(understood.query, asking);
}

function moreButton(asking, list, following) {
  const button = made("button", { text: "More", type: "button" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await read("/v1/search", { q: asking.text, limit: PAGE, after: following });
      if (asking.number !== asked) return;
      const added = cards(answer.hits);
      list.append(...added);
      added[0]?.querySelector("a").focus({ preventScroll: true });
      if (answer.next) button.replaceWith(moreButton(asking, list, answer.next));
      else button.remove();
    } catch (error) {
      fail(error, asking);
    }
  });
  return button;
}

async function strict(asking) {
  const answer = await read("/v1/search", { q: asking.text, limit: PAGE, count: true });
  if (asking.number !== asked) return;
  part.summary.textContent = answer.total === null ? "The likest first" : counted(answer.total, "asset");
  if (asking.text) part.reading.replaceChildren(understoodAs(answer.interpretation, asking));
  const list = listOf(answer.hits);
  part.results.replaceChildren(list);
  if (answer.hint) part.results.append(made("pre", { text: answer.hint, name: "hint" }));
  if (answer.next) part.results.append(moreButton(asking, list, answer.next));
  await Promise.all([narrow(answer.interpretation, asking), threeNumbers(answer.interpretation, asking)]);
}

async function threeNumbers(query, asking) {
  if (!query) return;
  const { answers } = await read("/v1/search", { q: query, limit: 1, answers: true });
  if (asking.number === asked && answers !== null) part.reading.append(numbers(answers, query));
}

async function narrow(query, asking) {
  const blocks = await facetsOf(query);
  if (asking.number === asked) part.facets.replaceChildren(...blocks);
}

function fail(error, asking) {
  if (asking.number !== asked) return;
  part.problem.replaceChildren(...problemOf(error, asking));
  part.problem.hidden = false;
  if (!part.results.childElementCount) part.summary.textContent = "";
}

async function show() {
  const address = new URLSearchParams(location.search);
  const text = (address.get("q") ?? "").trim();
  const how = address.get("as") || (!text || STRICT.test(text) ? "query" : "question");
  const asking = { text, how, number: ++asked };
  part.query.value = text;
  document.title = text ? `${visible(text)} – datacat` : "datacat";
  part.problem.hidden = true;
  for (const one of [part.reading, part.results, part.facets]) one.replaceChildren();
  part.summary.textContent = "Searching …";
  part.main.setAttribute("aria-busy", "true");
  try {
    await (how === "question" ? question(asking) : strict(asking));
  } catch (error) {
    fail(error, asking);
  }
  if (asking.number === asked) part.main.removeAttribute("aria-busy");
}

function go(address) {
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  scrollTo(0, 0);
  return show();
}

part.ask.addEventListener("submit", (event) => {
  event.preventDefault();
  go(`/?${new URLSearchParams({ q: part.query.value })}`);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/?']");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  part.summary.focus({ preventScroll: true }); // the link that had it will be gone
  go(link.getAttribute("href"));
});
addEventListener("popstate", show);
part.narrow.open = matchMedia("(min-width: 44rem)").matches;
show();

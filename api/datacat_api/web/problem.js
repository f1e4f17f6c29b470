// What is wrong with a query, the place underlined, and the nearest name one click away.

import { addressOf, made } from "/web/service.js";

function underlined(said) {
  const letters = [...said.query];
  const mark = " ".repeat(said.position) + "^".repeat(Math.max(1, said.end - said.position));
  return ["", `  ${letters.join("")}`, `  ${mark}`];
}

function nearest(said) {
  const [, name] = /^Did you mean `?(.+?)`?(?: \(| or |\?$)/.exec(said.hint ?? "") ?? [];
  if (!name || said.query === undefined) return null;
  const letters = [...said.query];
  const shown = letters[said.position] === '"' ? `"${name}"` : name;
  const corrected = [...letters.slice(0, said.position), shown, ...letters.slice(said.end)].join("");
  return made("a", { text: corrected, href: addressOf(corrected, "query"), name: "strict" });
}

export function problemOf(error, { text, how }) {
  const said = error.problem ?? { detail: `The service does not answer: ${error.message}` };
  const lines = [said.where ? `${said.where}: ${said.detail}` : said.detail];
  if (said.query !== undefined) lines.push(...underlined(said));
  if (said.hint) lines.push("", said.hint);
  const shown = [made("pre", { text: lines.join("\n") })];
  const near = nearest(said);
  if (near) shown.push(made("p", {}, "Try ", near));
  if (how === "query" && said.query !== undefined) {
    shown.push(made("p", {}, made("a", { text: "Ask it as a plain question", href: addressOf(text, "question") })));
  }
  return shown;
}

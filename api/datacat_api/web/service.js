// Asks the service and makes elements. What comes from the catalog is set as text, never as markup.

export async function read(path, parameters = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { problem: answer });
  return answer;
}

// Marks that turn text round, and what is not seen at all, as escapes: a label cannot pass for another.
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]/gu;
const escape = (letter) => `\\u${letter.codePointAt(0).toString(16).padStart(4, "0")}`;
export const visible = (text) => String(text).replace(HIDDEN, escape);

export function made(kind, { text = "", name = "", ...more } = {}, ...children) {
  const element = document.createElement(kind);
  element.textContent = visible(text);
  if (name) element.className = name;
  for (const [attribute, value] of Object.entries(more)) {
    element.setAttribute(attribute, attribute === "href" ? value : visible(value));
  }
  element.append(...children);
  return element;
}

// `how` is "query" for strict syntax, "question" for plain words, "" where the page finds out.
export const addressOf = (text, how = "") => `/?${new URLSearchParams(how ? { q: text, as: how } : { q: text })}`;

// A link that search.js follows without loading the page anew.
export const linkTo = (query, more) => made("a", { href: addressOf(query, "query"), ...more });

export const counted = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

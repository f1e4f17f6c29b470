// Shows openapi.json: each path with its parameters and the fields of its answer.

import { made } from "/web/service.js";

const page = document.getElementById("reference");

function typeOf(schema, document) {
  if (!schema) return "";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, document)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items, document)}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "any");
}

const nameOf = (reference) => reference.split("/").pop();

function table(headings, rows) {
  const head = made("tr", {}, ...headings.map((heading) => made("th", { text: heading })));
  const lines = rows.map((row) => made("tr", {}, ...row.map((cell) => made("td", { text: cell }))));
  return made("table", {}, head, ...lines);
}

function operation(path, method, told, document) {
  const anchor = made("h2", { text: `${method.toUpperCase()} ${path}` });
  const shown = [anchor, made("p", { text: told.description ?? told.summary ?? "" })];
  if (told.parameters?.length) {
    const rows = told.parameters.map((one) => {
      const standard = one.schema?.default === undefined || one.schema.default === null ? "" : String(one.schema.default);
      return [one.name, typeOf(one.schema, document), one.required ? "required" : standard, one.description ?? one.schema?.description ?? ""];
    });
    shown.push(table(["parameter", "type", "default", "meaning"], rows));
  }
  const answer = told.responses?.["200"]?.content?.["application/json"]?.schema;
  if (answer) shown.push(made("p", {}, "Answers ", made("code", { text: typeOf(answer, document) })));
  return shown;
}

function schema(name, told, document) {
  const rows = Object.entries(told.properties ?? {}).map(([field, one]) => [field, typeOf(one, document), one.description ?? ""]);
  return [made("h2", { text: name }), made("p", { text: told.description ?? "" }), table(["field", "type", "meaning"], rows)];
}

async function show() {
  const document = await (await fetch("/openapi.json")).json();
  page.append(made("h1", { text: `${document.info.title} ${document.info.version}` }), made("p", { text: document.info.summary ?? "" }));
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, told] of Object.entries(methods)) page.append(...operation(path, method, told, document));
  }
  page.append(made("h1", { text: "What is answered" }));
  for (const [name, told] of Object.entries(document.components?.schemas ?? {})) {
    page.append(...schema(name, told, document));
  }
}

show().catch((error) => page.append(made("p", { text: `The service does not answer: ${error.message}` })));

// Shows openapi.json: each path with its parameters and the fields of its answer.

const page = document.getElementById("reference");

function made(kind, text = "", ...children) {
  const element = document.createElement(kind);
  element.textContent = text;
  element.append(...children);
  return element;
}

function typeOf(schema, document) {
  if (!schema) return "";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, document)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items, document)}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "any");
}

const nameOf = (reference) => reference.split("/").pop();

function table(headings, rows) {
  const head = made("tr", "", ...headings.map((heading) => made("th", heading)));
  const lines = rows.map((row) => made("tr", "", ...row.map((cell) => made("td", cell))));
  return made("table", "", head, ...lines);
}

function operation(path, method, told, document) {
  const anchor = made("h2", `${method.toUpperCase()} ${path}`);
  const shown = [anchor, made("p", told.description ?? told.summary ?? "")];
  if (told.parameters?.length) {
    const rows = told.parameters.map((one) => {
      const standard = one.schema?.default === undefined || one.schema.default === null ? "" : String(one.schema.default);
      return [one.name, typeOf(one.schema, document), one.required ? "required" : standard, one.description ?? one.schema?.description ?? ""];
    });
    shown.push(table(["parameter", "type", "default", "meaning"], rows));
  }
  const answer = told.responses?.["200"]?.content?.["application/json"]?.schema;
  if (answer) shown.push(made("p", "Answers ", made("code", typeOf(answer, document))));
  return shown;
}

function schema(name, told, document) {
  const rows = Object.entries(told.properties ?? {}).map(([field, one]) => [field, typeOf(one, document), one.description ?? ""]);
  return [made("h2", name), made("p", told.description ?? ""), table(["field", "type", "meaning"], rows)];
}

async function show() {
  const document = await (await fetch("/openapi.json")).json();
  page.append(made("h1", `${document.info.title} ${document.info.version}`), made("p", document.info.summary ?? ""));
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, told] of Object.entries(methods)) page.append(...operation(path, method, told, document));
  }
  page.append(made("h1", "What is answered"));
  for (const [name, told] of Object.entries(document.components?.schemas ?? {})) {
    page.append(...schema(name, told, document));
  }
}

show().catch((error) => page.append(made("p", `The service does not answer: ${error.message}`)));

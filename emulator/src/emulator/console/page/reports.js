// A report of the project: fields, and the Markdown that its module printed.
import { make } from "./elements.js";

const bold = (text) => text.split(/\*\*([^*]+)\*\*/).map((part, n) => (n % 2 ? make("b", {}, part) : part));

const cells = (line, tag) =>
  line
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((text, n) => make(tag, { class: n ? "right" : "" }, ...bold(text.trim())));

function block(text) {
  const lines = text.split("\n");
  const heading = /^(#+) (.*)/.exec(text);
  if (heading) return make("h3", {}, heading[2]);
  if (!lines[0].startsWith("|")) return make("p", {}, ...bold(text));
  const [head, , ...rows] = lines;
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...cells(head, "th"))));
  table.append(make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row, "td")))));
  return make("div", { class: "card scroll" }, table);
}

export function report(found) {
  const fields = Object.entries(found.fields).map(([name, value]) =>
    make("label", { class: "time" }, `${name.replaceAll("_", " ")} `, make("input", { name, value, inputMode: "decimal", autocomplete: "off" })),
  );
  return [
    make("form", { class: "search" }, ...fields, make("button", { class: "main" }, "Compute")),
    ...found.text.trim().split(/\n{2,}/).map(block),
  ];
}

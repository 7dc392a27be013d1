// Connections, phones, functions, queues and tables: rows that change in place.
import { $, ago, make, number, platform, put, ROOT } from "./elements.js";
import { well } from "./lanes.js";

const text = (name, read) => ({ name, read });
const linked = (name, read, to) => ({ name, read, link: (row) => `${ROOT}view/${to(row)}` });
const right = (name, read) => ({ name, read, class: () => "right" });
const count = (name, read) => right(name, (row) => number(read(row) ?? 0));
const alarming = (name, read) => ({
  ...count(name, read),
  class: (row) => (read(row) ? "right bad" : "right"),
});

// The page of an alarm, where its description ends with one: docs/runbooks/x.md (fingerprint).
const RUNBOOK = /\s*(\S+\.md)(?: \(\w+\))?$/;

const TABLES = [
  {
    id: "alarms",
    rows: (state) => (state.alarms ?? []).filter((a) => a.state === "ALARM" || a.composite || a.unsupported),
    key: (a) => a.name,
    empty: "The template has no alarms that notify, and none is on.",
    columns: [
      text("alarm", (a) => (a.composite ? `${a.name} (notifies)` : a.id)),
      { words: true, ...text("state", (a) => (a.unsupported ? `not evaluated: ${a.unsupported}` : a.suppressed ? `${a.state}, silent` : a.state)), class: (a) => (a.state === "ALARM" ? "bad wraps" : "wraps") },
      right("for", (a) => (a.since_at ? ago(a.since_at) : "–")),
      { words: true, ...text("meaning", (a) => a.description.replace(RUNBOOK, "")), class: () => "wraps" },
      text("runbook", (a) => RUNBOOK.exec(a.description)?.[1] ?? ""),
    ],
  },
  {
    id: "connections",
    rows: (state) => state.connections,
    key: (c) => c.id,
    empty: "Nobody is connected.",
    columns: [
      linked("user / device", (c) => (c.user ? `${c.user} / ${c.device}` : c.id), (c) => `connections/${encodeURIComponent(c.id)}`),
      right("open for", (c) => ago(c.connected_at)),
      right("quiet for", (c) => ago(c.last_active_at)),
      count("frames in", (c) => c.received),
      count("out", (c) => c.sent),
    ],
  },
  {
    id: "phones",
    rows: (state) => state.pushes,
    key: (p) => p.token,
    empty: "No phone has been pushed to.",
    columns: [
      { ...text("device token", (p) => p.token), button: (p) => ({ phone: p.token }) },
      text("platform", (p) => platform(p.platform)),
      count("pushes", (p) => p.count),
      right("last", (p) => `${ago(p.last_at)} ago`),
    ],
  },
  {
    id: "functions",
    rows: (state) => state.functions,
    key: (f) => f.name,
    empty: "The template has no functions.",
    columns: [
      linked("function", (f) => f.label ?? f.name, (f) => `functions/${encodeURIComponent(f.name)}`),
      count("calls", (f) => f.invocations),
      alarming("errors", (f) => f.errors),
      right("busy / workers", (f) => `${f.busy ?? 0} / ${f.workers ?? 0}`),
    ],
  },
  {
    id: "queues",
    rows: (state) => state.queues,
    key: (q) => q.name,
    empty: "The template has no queues.",
    columns: [
      linked("queue", (q) => q.name, (q) => `queues/${encodeURIComponent(q.name)}`),
      count("visible", (q) => q.visible),
      count("in flight", (q) => q.in_flight),
    ],
  },
  {
    id: "tables",
    rows: (state) => state.tables,
    key: (t) => t.name,
    empty: "The template has no tables.",
    columns: [
      linked("table", (t) => t.name, (t) => `tables/${encodeURIComponent(t.name)}`),
      count("items", (t) => t.items),
    ],
  },
];

export function showTables(state) {
  for (const table of TABLES) showTable($(table.id), table, table.rows(state) ?? []);
  showFaults(state.functions ?? []);
  put($("connections-count"), state.connections?.length || "");
  put($("phones-count"), state.pushes?.length || "");
}

// The last error of each function's code, in one line with its place.
function showFaults(functions) {
  const failing = functions.filter((each) => each.error);
  const shown = failing.map((each) => `${each.label ?? each.name}: ${each.error.text}`);
  if ($("faults").dataset.shown === shown.join("\n")) return;
  $("faults").dataset.shown = shown.join("\n");
  $("faults").replaceChildren(...shown.map((line) => make("li", {}, line)));
}

function showTable(holder, table, rows) {
  if (!holder.firstElementChild) holder.append(...newTable(table));
  const body = holder.querySelector("tbody");
  holder.querySelector("table").hidden = rows.length === 0;
  holder.querySelector(".empty").hidden = rows.length > 0;
  const keys = rows.map((row) => String(table.key(row)));
  const existing = new Map();
  for (const element of [...body.rows]) {
    if (keys.includes(element.dataset.key)) existing.set(element.dataset.key, element);
    else element.remove();
  }
  rows.forEach((row, n) => {
    const element = existing.get(keys[n]) ?? newRow(table, row, keys[n]);
    if (body.rows[n] !== element) body.insertBefore(element, body.rows[n] ?? null);
    table.columns.forEach((column, c) => {
      const cell = element.cells[c];
      put(cell.querySelector("button, a") ?? cell, column.read(row) ?? "–");
      if (column.class) cell.className = column.class(row);
    });
  });
}

function newTable(table) {
  const heads = table.columns.map((column) =>
    make("th", { scope: "col", class: column.class && !column.words ? "right" : "" }, column.name),
  );
  return [
    make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody")),
    make("p", { class: "empty" }, table.empty),
  ];
}

function newRow(table, row, key) {
  const cells = table.columns.map((column) => {
    if (column.link) return make("td", {}, make("a", { href: column.link(row) }));
    if (!column.button) return make("td");
    const data = column.button(row);
    return make("td", {}, make("button", { type: "button", class: "link", data }));
  });
  return make("tr", { data: { key } }, ...cells);
}

export function showTotals(state) {
  const targets = (state.target_groups ?? []).flatMap((group) => group.targets);
  const requests = targets.reduce((sum, target) => sum + target.requests, 0);
  const pushes = (state.pushes ?? []).reduce((sum, phone) => sum + phone.count, 0);
  put($("total-targets"), `${targets.filter(well).length} of ${targets.length} well`);
  put($("total-requests"), number(requests));
  put($("total-connections"), number((state.connections ?? []).length));
  put($("total-pushes"), number(pushes));
}

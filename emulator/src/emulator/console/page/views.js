// The content of each view, drawn from the JSON of its address.
import { asked, choose, further, inOrder, own } from "./query.js";
import { dashboard } from "./dashboard.js";
import { ago, make, number, platform, ROOT } from "./elements.js";
import { report } from "./reports.js";
import { cipher, json, link, listed, named, pretty, timeline, tools, traced, unfolding } from "./steps.js";
import { clock } from "./times.js";

const head = (kind, name, ...beside) =>
  make("div", { class: "head" }, make("p", { class: "kind" }, kind), make("h2", {}, name), ...beside);
const empty = (text) => make("p", { class: "empty card" }, text);

// Fields for a range of time, with the values in the address.
function range() {
  const query = new URLSearchParams(location.search);
  const end = (name) =>
    make("label", { class: "time" }, `${name} `, make("input", { type: "datetime-local", name, step: 1, value: query.get(name) ?? "" }));
  return [end("from"), end("to")];
}

// Of lists that grow: which end is shown first.
function ordering() {
  const oldest = own("order") === "oldest";
  const button = make("button", { type: "button" }, oldest ? "Oldest first" : "Newest first");
  button.addEventListener("click", () => choose("order", oldest ? "" : "oldest"));
  return button;
}

function search(id) {
  const form = make("form", { class: "search", action: `${ROOT}view/trace` });
  form.append(
    make("label", {}, "a message's id, or any text ", make("input", { name: "id", value: id ?? "", autocomplete: "off" })),
    ...range(),
    make("button", { class: "main" }, "Trace"),
  );
  return form;
}

function trace(found) {
  const retained = `${number(found.retained)} records are retained, ${number(found.dropped)} older ones are not.`;
  if (found.recent) {
    const rows = inOrder(found.recent).map((each) =>
      make("li", { class: each.error ? "bad" : "" }, clock(each.at), " ", traced(each.id), ` ${each.function}`, each.error ? `: ${each.error}` : ""),
    );
    return [
      head("messages", "What was sent last", ordering()),
      search(),
      rows.length ? make("ol", { class: "card list" }, ...rows) : empty(`No frame with a ${found.field} has been sent ${asked() ? "then" : "yet"}.`),
      make("p", { class: "facts" }, retained),
    ];
  }
  const failed = found.steps.filter((each) => each.error).length;
  return [
    head("trace", found.id),
    search(found.id),
    ...(found.steps.length ? [tools()] : []),
    found.steps.length
      ? make("div", { class: `card steps ${own("show")}` }, ...timeline(found.steps, found.encrypted))
      : empty("This text is in no record that is retained."),
    make("p", { class: "facts" }, `${number(found.steps.length)} steps, ${failed} of them failed. `, retained),
  ];
}

function functionView(found, { name, more, act }) {
  const event = make("textarea", { name: "event", rows: 6, spellcheck: false, value: found.invocations[0] ? pretty(found.invocations[0].given) : "{}" });
  const invoke = make("button", { type: "button", class: "main" }, "Invoke");
  // its result is unfolded, and the address has that
  const run = async (given) => {
    const result = await act(`functions/${encodeURIComponent(name)}`, { event: given });
    const made = document.querySelector(`[data-key="r${result?.number}"]`);
    if (made) made.open = true;
    made?.scrollIntoView({ block: "nearest" });
  };
  invoke.addEventListener("click", () => {
    try {
      run(JSON.parse(event.value));
    } catch {
      event.setCustomValidity("this is no JSON");
      event.reportValidity();
      event.setCustomValidity("");
    }
  });
  const titled = found.invocations.map((each) => ({ ...each, title: each.error || each.id }));
  const rows = listed(titled, found.encrypted, (details, each) => {
    const again = make("button", { type: "button" }, "Invoke again");
    again.addEventListener("click", () => run(JSON.parse(each.given)));
    const edit = make("button", { type: "button" }, "Edit and invoke");
    edit.addEventListener("click", () => {
      event.value = pretty(each.given);
      event.closest("details").open = true;
      event.focus();
    });
    details.append(again, " ", edit);
  });
  const older = found.before ? [link(`functions/${encodeURIComponent(name)}?${further({ before: found.before })}`, "earlier invocations")] : [];
  return [
    head("function", found.label, ordering()),
    unfolding("invoke", "Invoke it with an event", make("label", {}, "event ", event), invoke),
    filter(new URLSearchParams(location.search).get("text") ?? ""),
    make("h3", {}, "Invocations"),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty(asked() ? "It was not invoked then." : "It was not invoked yet."),
    ...older,
    make("h3", {}, "Log"),
    logOf(more?.lines ?? []),
  ];
}

// The newest line first. A line that is JSON is put into words, with its other fields beside;
// one with metrics alone is no use to people.
function logOf(lines) {
  const rows = lines.filter((line) => !line.startsWith('{"_aws"')).map(lineOf);
  if (!rows.length) return empty("It has printed nothing that fits.");
  return make("ol", { class: "card log", tabIndex: 0, ariaLabel: "log" }, ...inOrder(rows.reverse()));
}

function lineOf(line, n) {
  const failed = /"level":\s*"(ERROR|CRITICAL)"|\[ERROR\]|Traceback/.test(line) ? "bad" : "";
  try {
    const { level, timestamp, message, location: place, service: _, xray_trace_id: __, ...rest } = JSON.parse(line);
    const text = `${String(timestamp).slice(11, 23)} ${level} ${typeof message === "string" ? message : JSON.stringify(message)}`;
    const facts = Object.entries(rest).map(([key, value]) => make("span", {}, ` ${key} `, key.endsWith("message_id") ? traced(value) : make("code", {}, typeof value === "string" ? value : JSON.stringify(value))));
    return make("li", { class: failed, title: place ?? "" }, text, ...facts);
  } catch {
    return make("li", { class: failed, data: { line: n } }, line);
  }
}

function filter(text) {
  const form = make("form", { class: "search" });
  form.append(
    make("label", {}, "lines with ", make("input", { name: "text", value: text, autocomplete: "off" })),
    ...range(),
    make("button", {}, "Show"),
  );
  return form;
}

function queue(found, { name, act }) {
  const redrive = (which, text) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => act(`queues/${encodeURIComponent(name)}`, { redrive: which }));
    return button;
  };
  const dead = found.sources.length === 1;
  const rows = found.messages.map((each) =>
    unfolding(
      each.id,
      make("span", {}, clock(each.sent_at), ` ${each.state}, received ${number(each.receives)} times`, each.group ? `, group ${each.group}` : ""),
      make("p", { class: "facts" }, traced(each.id)),
      json(each.body, found.encrypted),
      ...(dead ? [redrive(each.id, "Redrive")] : []),
    ),
  );
  return [
    head("queue", name, ...(dead && rows.length ? [redrive("all", "Redrive all")] : [])),
    ...(dead ? [make("p", { class: "facts" }, "the dead letters of ", named("queues", found.sources[0]))] : []),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("No message is in it."),
    make("p", { class: "facts" }, `${number(found.total)} messages`),
  ];
}

const value = (typed) => {
  const [type, inner] = Object.entries(typed)[0] ?? ["", ""];
  if (type === "S" || type === "N") return inner;
  return type.endsWith("S") ? inner.join(", ") : JSON.stringify(inner);
};

// Changes need the switch, which the address has: a reload of a view that only shows allows none.
function changes(item, { name, act }) {
  if (own("writes") !== "on") return [];
  const path = `tables/${encodeURIComponent(name)}`;
  const text = make("textarea", { name: `item ${JSON.stringify(item)}`, rows: 8, spellcheck: false, value: JSON.stringify(item, null, 2), ariaLabel: "the item as JSON" });
  const put = make("button", { type: "button" }, "Put");
  put.addEventListener("click", () => {
    try {
      act(path, { put: JSON.parse(text.value) });
    } catch {
      text.setCustomValidity("this is no JSON");
      text.reportValidity();
      text.setCustomValidity("");
    }
  });
  const remove = make("button", { type: "button" }, "Delete");
  remove.addEventListener("click", () => act(path, { delete: item }));
  return [unfolding(`edit ${JSON.stringify(item)}`, "change it", text, put, " ", remove)];
}

function writes() {
  const on = make("input", { type: "checkbox", name: "writes", checked: own("writes") === "on" });
  on.addEventListener("change", () => choose("writes", on.checked && "on"));
  return make("label", {}, on, " allow changes");
}

function attribute(key, typed, encrypted) {
  const shown = make("dd", {}, make("span", { class: "type" }, Object.keys(typed)[0]), " ");
  if (encrypted.includes(key)) shown.append(cipher(), " ");
  shown.append(typed.S && /id$/i.test(key) ? traced(typed.S) : make("code", {}, value(typed)));
  return shown;
}

function table(found, { name, act }) {
  const rows = found.items.map((item) =>
    unfolding(
      found.keys.map((key) => JSON.stringify(item[key])).join(),
      found.keys.map((key) => value(item[key])).join("  "),
      make(
        "dl",
        { class: "attributes" },
        ...Object.entries(item).flatMap(([key, typed]) => [
          make("dt", {}, key),
          attribute(key, typed, found.encrypted),
        ]),
      ),
      ...changes(item, { name, act }),
    ),
  );
  const next = found.next ? [link(`tables/${encodeURIComponent(name)}?${further({ start: JSON.stringify(found.next) })}`, "next page")] : [];
  const first = asked() ? [named("tables", name, "first page"), " "] : [];
  return [
    head("table", name, writes()),
    make("p", { class: "facts" }, `${number(found.count)} items, by ${found.keys.join(" and ")}`),
    byKey(found),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty(asked() ? "It has no such items." : "It has no items."),
    make("p", {}, ...first, ...next),
  ];
}

// A query as DynamoDB has it: one partition key, and perhaps the beginning of the sort key.
function byKey({ keys: [partition, sort], types }) {
  const query = new URLSearchParams(location.search);
  const field = (label, name, required) =>
    make("label", {}, label, make("input", { name, value: query.get(name) ?? "", required, autocomplete: "off" }));
  const form = make("form", { class: "search" });
  form.append(field(`${partition} is `, "partition", true));
  if (sort) form.append(field(types[1] === "N" ? `${sort} is ` : `${sort} begins with `, "begins", false));
  form.append(make("button", {}, "Query"));
  return form;
}

function connection(found) {
  return [
    head("connection", found.id, ordering()),
    found.steps.length
      ? make("div", { class: "card steps" }, ...listed(found.steps, found.encrypted))
      : empty("Nothing was received or posted on it."),
  ];
}

const HELD = { enforce: "Calls without a permission fail, as on AWS.", warn: "Calls without a permission succeed here, and would fail on AWS.", off: "Permissions are not checked." };

// Each denied call once, with its count and its last time.
function denials(found) {
  const same = new Map();
  for (const each of found.denials) {
    const key = `${each.user} ${each.action} ${each.resource}`;
    same.set(key, { ...each, key, times: (same.get(key)?.times ?? 0) + 1 });
  }
  const rows = inOrder([...same.values()].sort((a, b) => b.at - a.at)).map((each) =>
    unfolding(
      each.key,
      make("span", {}, clock(each.at), " ", make("code", {}, each.action), ` on ${each.resource}`),
      make("p", { class: "facts" }, `by ${each.by}, ${number(each.times)} times; the role is ${each.user}`),
      make("p", {}, each.message),
      make("p", { class: "facts" }, link(`trace?id=${encodeURIComponent(each.action.split(":").at(-1))}`, "calls of this kind")),
    ),
  );
  return [
    head("permissions", "Denied calls", ordering()),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("No call was denied."),
    make("p", { class: "facts" }, HELD[found.iam] ?? ""),
  ];
}

// Each phone with its owner, which the project's items name, and its pushes, the newest first.
function phones(found) {
  const rows = found.phones.map((each) =>
    unfolding(
      each.token,
      make("span", {}, make("b", {}, each.owner ?? "nobody's"), ` ${platform(each.platform)}, ${number(each.count)} ${each.count === 1 ? "push" : "pushes"}, the last ${ago(each.last_at)} ago`, each.uninstalled ? ", uninstalled since" : ""),
      make("p", { class: "facts" }, "device token ", named("phones", each.token)),
      ...each.newest.flatMap((push) => [make("p", { class: "label" }, clock(push.received_at)), json(JSON.stringify(push.message), found.encrypted)]),
    ),
  );
  return [
    head("phones", "What was pushed to"),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("No phone has been pushed to."),
  ];
}

function phone(found) {
  const rows = inOrder([...found.pushes].reverse()).map((push) => {
    const at = make("span", {}, clock(push.received_at), ` ${platform(push.platform)}`);
    return unfolding(String(push.received_at), at, json(JSON.stringify(push.message), found.encrypted));
  });
  return [
    head("phone", found.token, ordering()),
    ...(found.owner ? [make("p", { class: "facts" }, `of ${found.owner}`)] : []),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("Nothing was pushed to it."),
  ];
}

function reports(found) {
  const rows = found.reports.map((name) => make("li", {}, named("reports", name)));
  return [
    head("reports", "What the project computes"),
    rows.length ? make("ul", { class: "card list" }, ...rows) : empty("The project has no reports."),
  ];
}

const log = async (_, name) => {
  const response = await fetch(`${ROOT}functions/${encodeURIComponent(name)}/log?${asked()}`);
  return response.json();
};

export const VIEWS = {
  trace: { draw: trace },
  functions: { draw: functionView, more: log },
  queues: { draw: queue },
  tables: { draw: table },
  connections: { draw: connection },
  phones: { draw: (found) => (found.phones ? phones(found) : phone(found)) },
  reports: { draw: (found, { name }) => (found.text === undefined ? reports(found) : [head("report", name), ...report(found)]), once: true },
  denials: { draw: denials },
  dashboard: { draw: dashboard },
};

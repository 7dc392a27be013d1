// What each view draws, from the JSON of its address.
import { dashboard } from "./dashboard.js";
import { ago, make, number, platform, ROOT } from "./elements.js";

const link = (to, text) => make("a", { href: `${ROOT}view/${to}` }, text);
const named = (kind, name, text = name) => link(`${kind}/${encodeURIComponent(name)}`, text);
const clock = (at) =>
  make("time", { title: new Date(at * 1000).toISOString() }, new Date(at * 1000).toLocaleTimeString());
const traced = (id) => link(`trace?id=${encodeURIComponent(id)}`, id);
const head = (kind, name, ...beside) =>
  make("div", { class: "head" }, make("p", { class: "kind" }, kind), make("h2", {}, name), ...beside);
const empty = (text) => make("p", { class: "empty card" }, text);

// The address has times as people write them; the emulator takes seconds since 1970.
export function asked() {
  const query = new URLSearchParams(location.search);
  for (const end of ["from", "to"]) {
    const at = Date.parse(query.get(end) ?? "") / 1000;
    if (Number.isNaN(at)) query.delete(end);
    else query.set(end, at + (end === "to" ? 0.999 : 0)); // that second is meant as a whole
  }
  return query.toString();
}

// Fields for a range of time, with what the address says.
function range() {
  const query = new URLSearchParams(location.search);
  const end = (name) =>
    make("label", { class: "time" }, `${name} `, make("input", { type: "datetime-local", name, step: 1, value: query.get(name) ?? "" }));
  return [end("from"), end("to")];
}

// JSON as it is read: indented, and texts that are JSON themselves opened.
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text, opened), null, 2);
  } catch {
    return text;
  }
}

function opened(_, value) {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value, opened);
  } catch {
    return value;
  }
}

function unfolding(key, summary, ...content) {
  return make("details", { data: { key } }, make("summary", {}, summary), ...content);
}

const labelled = (label, text) =>
  text ? [make("p", { class: "label" }, label), make("pre", {}, pretty(text))] : [];

// One record: a line, with what went in and what came out under it.
function step(each) {
  const line = make(
    "summary",
    {},
    make("span", { class: "after" }, `${number(each.after_ms ?? 0)} ms`),
    make("span", { class: `dot ${each.kind}` }),
    make("span", { class: "title" }, each.title ?? each.name),
    make("span", { class: "took" }, each.ms === null ? "" : `${number(each.ms)} ms`),
  );
  const bar = make("span", { class: "bar-of-time" });
  const details = make("details", { class: each.error ? "bad step" : "step", data: { key: `r${each.number}` } }, line, bar);
  if (each.of) details.classList.add("inner");
  const facts = make("p", { class: "facts" }, clock(each.at), each.by ? ` by ${each.by}` : "", each.id ? ` request ${each.id}` : "");
  if (each.kind === "invocation") facts.append(" ", named("functions", each.name, `all of ${each.name}`));
  if (each.kind === "request") facts.append(" It serves several requests at a time: what it did meanwhile may belong to another one.");
  if (each.kind === "post") facts.append(" ", named("connections", each.name, "the connection"));
  details.append(
    ...(each.error ? [make("p", { class: "bad" }, each.error)] : []),
    facts,
    ...labelled("in", each.given),
    ...labelled("out", each.result),
  );
  return { details, bar };
}

// The steps of a trace; each has a bar of its time along that of the whole.
function timeline(steps) {
  const whole = Math.max(1, ...steps.map((each) => each.after_ms + (each.ms ?? 0)));
  return steps.map((each) => {
    const { details, bar } = step(each);
    const share = (value) => `${(100 * value) / whole}%`;
    bar.style.setProperty("--from", share(each.after_ms));
    bar.style.setProperty("--long", share(each.ms ?? 0));
    return details;
  });
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
    const rows = found.recent.map((each) =>
      make("li", { class: each.error ? "bad" : "" }, clock(each.at), " ", traced(each.id), ` ${each.function}`, each.error ? `: ${each.error}` : ""),
    );
    return [
      head("messages", "What was sent last"),
      search(),
      rows.length ? make("ol", { class: "card list" }, ...rows) : empty(`No frame with a ${found.field} has been sent ${asked() ? "then" : "yet"}.`),
      make("p", { class: "facts" }, retained),
    ];
  }
  const failed = found.steps.filter((each) => each.error).length;
  return [
    head("trace", found.id),
    search(found.id),
    found.steps.length
      ? make("div", { class: "card steps" }, ...timeline(found.steps))
      : empty("This text is in no record that is retained."),
    make("p", { class: "facts" }, `${number(found.steps.length)} steps, ${failed} of them failed. `, retained),
  ];
}

function functionView(found, { name, more, act }) {
  const event = make("textarea", { name: "event", rows: 6, spellcheck: false, value: found.invocations[0] ? pretty(found.invocations[0].given) : "{}" });
  const invoke = make("button", { type: "button", class: "main" }, "Invoke");
  // its result is unfolded
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
  const rows = found.invocations.map((each) => {
    const { details } = step({ ...each, after_ms: null, title: each.error || each.id });
    details.querySelector(".after").replaceChildren(clock(each.at));
    const again = make("button", { type: "button" }, "Invoke again");
    again.addEventListener("click", () => run(JSON.parse(each.given)));
    details.append(again);
    return details;
  });
  const earlier = new URLSearchParams(location.search);
  earlier.set("before", found.before);
  const older = found.before ? [link(`functions/${encodeURIComponent(name)}?${earlier}`, "earlier invocations")] : [];
  return [
    head("function", found.label),
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
// one of metrics alone says nothing to people.
function logOf(lines) {
  const rows = lines.filter((line) => !line.startsWith('{"_aws"')).map(lineOf);
  if (!rows.length) return empty("It has printed nothing that fits.");
  return make("ol", { class: "card log", tabIndex: 0, ariaLabel: "log" }, ...rows.reverse());
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
      make("pre", {}, pretty(each.body)),
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

function table(found, { name }) {
  const rows = found.items.map((item) =>
    unfolding(
      found.keys.map((key) => JSON.stringify(item[key])).join(),
      found.keys.map((key) => value(item[key])).join("  "),
      make(
        "dl",
        { class: "attributes" },
        ...Object.entries(item).flatMap(([key, typed]) => [
          make("dt", {}, key),
          make("dd", {}, make("span", { class: "type" }, Object.keys(typed)[0]), " ", make("code", {}, value(typed))),
        ]),
      ),
    ),
  );
  const further = new URLSearchParams(location.search);
  further.set("start", JSON.stringify(found.next));
  const next = found.next ? [link(`tables/${encodeURIComponent(name)}?${further}`, "next page")] : [];
  const first = location.search ? [named("tables", name, "first page"), " "] : [];
  return [
    head("table", name),
    make("p", { class: "facts" }, `${number(found.count)} items, by ${found.keys.join(" and ")}`),
    byKey(found),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty(location.search ? "It has no such items." : "It has no items."),
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
    head("connection", found.id),
    found.steps.length
      ? make("div", { class: "card steps" }, ...found.steps.map((each) => {
          const { details } = step(each);
          details.querySelector(".after").replaceChildren(clock(each.at));
          return details;
        }))
      : empty("Nothing was received or posted on it."),
  ];
}

const HELD = { enforce: "Calls without a permission fail, as on AWS.", warn: "Calls without a permission succeed here, and would fail on AWS.", off: "Permissions are not checked." };

// Of what was refused, the same thing once, with how often and when last.
function denials(found) {
  const same = new Map();
  for (const each of found.denials) {
    const key = `${each.user} ${each.action} ${each.resource}`;
    same.set(key, { ...each, key, times: (same.get(key)?.times ?? 0) + 1 });
  }
  const rows = [...same.values()].sort((a, b) => b.at - a.at).map((each) =>
    unfolding(
      each.key,
      make("span", {}, clock(each.at), " ", make("code", {}, each.action), ` on ${each.resource}`),
      make("p", { class: "facts" }, `by ${each.by}, ${number(each.times)} times; the role is ${each.user}`),
      make("p", {}, each.message),
      make("p", { class: "facts" }, link(`trace?id=${encodeURIComponent(each.action.split(":").at(-1))}`, "calls of this kind")),
    ),
  );
  return [
    head("permissions", "What was refused"),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("Nothing was refused."),
    make("p", { class: "facts" }, HELD[found.iam] ?? ""),
  ];
}

function phones(found) {
  const rows = found.phones.map((each) =>
    make(
      "p",
      { class: "facts" },
      named("phones", each.token),
      ` ${platform(each.platform)}, ${number(each.count)} pushes, the last ${ago(each.last_at)} ago`,
      each.uninstalled ? ", uninstalled since" : "",
    ),
  );
  return [
    head("phones", "What was pushed to"),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("No phone has been pushed to."),
  ];
}

function phone(found) {
  const rows = [...found.pushes].reverse().map((push, n) => {
    const at = make("span", {}, clock(push.received_at), ` ${platform(push.platform)}`);
    return unfolding(`${push.received_at}-${n}`, at, make("pre", {}, JSON.stringify(push.message, null, 2)));
  });
  return [
    head("phone", found.token),
    rows.length ? make("div", { class: "card steps" }, ...rows) : empty("Nothing was pushed to it."),
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
  denials: { draw: denials },
  dashboard: { draw: dashboard },
};

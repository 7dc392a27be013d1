// Records, as rows that unfold: what went in, what came out, and links to what they name.
import { choose, inOrder, own } from "./query.js";
import { make, number, ROOT } from "./elements.js";
import { clock } from "./times.js";

export const link = (to, text) => make("a", { href: `${ROOT}view/${to}` }, text);
export const named = (kind, name, text = name) => link(`${kind}/${encodeURIComponent(name)}`, text);
export const traced = (id) => link(`trace?id=${encodeURIComponent(id)}`, id);

// JSON as it is read: indented, and texts that are JSON themselves opened.
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text, unpacked), null, 2);
  } catch {
    return text;
  }
}

function unpacked(_, value) {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value, unpacked);
  } catch {
    return value;
  }
}

// A field with an id, in JSON: what is known of it is a click away.
const ID = /("(\w*(?:[iI]d|ID))": )"([^"\\\s]{2,128})"/g;
// A field of this project's that holds ciphertext; see `encrypted_fields` in the settings.
const sealed = (fields) => new RegExp(`("(?:${fields.map((name) => name.replaceAll(/\W/g, "\\$&")).join("|")})": )`, "g");

export function json(text, encrypted = []) {
  const shown = make("pre");
  const content = pretty(text);
  let from = 0;
  for (const { index, 0: whole, 1: before, 2: field, 3: id } of content.matchAll(ID)) {
    const to = field === "connectionId" ? named("connections", id) : traced(id);
    shown.append(content.slice(from, index), `${before}"`, to, '"');
    from = index + whole.length;
  }
  shown.append(content.slice(from));
  if (encrypted.length) mark(shown, sealed(encrypted));
  return shown;
}

function mark(shown, pattern) {
  for (const node of [...shown.childNodes].filter((each) => each.nodeType === Node.TEXT_NODE)) {
    const parts = node.data.split(pattern);
    if (parts.length < 2) continue;
    node.replaceWith(...parts.flatMap((part, n) => (n % 2 ? [part, cipher(), " "] : [part])));
  }
}

export const cipher = () => make("span", { class: "cipher", title: "encrypted by a client; nothing here can read it" }, "ciphertext");

export function unfolding(key, summary, ...content) {
  return make("details", { data: { key } }, make("summary", {}, summary), ...content);
}

const labelled = (label, text, encrypted) =>
  text ? [make("p", { class: "label" }, label), json(text, encrypted)] : [];

const LACKING = /not authorized to perform: (\S+) on resource: (\S+)/;

function failure(error) {
  if (!error) return [];
  const lacking = LACKING.exec(error);
  const missing = lacking
    ? [make("p", { class: "bad lacking" }, "missing permission: ", make("code", {}, lacking[1]), " on ", make("code", {}, lacking[2]), " ", link("denials", "all denied calls"))]
    : [];
  return [...missing, make("p", { class: "bad" }, error)];
}

function facts(each) {
  const found = make("p", { class: "facts" }, clock(each.at), each.by ? ` by ${each.by}` : "");
  if (each.kind === "invocation") {
    if (each.id) found.append(" request ", traced(each.id), " ", link(`functions/${encodeURIComponent(each.name)}?text=${encodeURIComponent(each.id)}`, "its log lines"));
    found.append(" ", named("functions", each.name, `all of ${each.name}`));
  }
  if (each.kind === "request") found.append(" It serves several requests at a time: what it did meanwhile may belong to another one.");
  if (each.kind === "post") found.append(" ", named("connections", each.name, "the connection"));
  if (each.kind === "push") found.append(" ", named("phones", each.name, "the phone"));
  if (each.kind === "waiting") found.append(" ", named("queues", each.name, "the queue"));
  return found;
}

// One record: a line, with what went in and what came out under it.
export function step(each, encrypted = []) {
  const bar = make("span", { class: "bar-of-time" });
  const line = make(
    "summary",
    {},
    make("span", { class: "after" }, `${number(each.after_ms ?? 0)} ms`),
    make("span", { class: `dot ${each.kind}` }),
    make("span", { class: "title" }, each.title ?? each.name, each.attempt > 1 ? make("b", { class: "attempt" }, ` attempt ${each.attempt}`) : ""),
    make("span", { class: "took" }, each.ms === null ? "" : `${number(each.ms)} ms`),
    bar,
  );
  const details = make("details", { class: each.error ? "bad step" : "step", data: { key: `r${each.number}` } }, line);
  if (each.of) details.classList.add("inner");
  details.append(...failure(each.error), facts(each), ...labelled("in", each.given, encrypted), ...labelled("out", each.result, encrypted));
  return { details, bar };
}

// The steps of a trace; each has a bar of its time along that of the whole.
export function timeline(steps, encrypted) {
  const whole = Math.max(1, ...steps.map((each) => each.after_ms + (each.ms ?? 0)));
  return fitting(steps).map((each) => {
    const { details, bar } = step(each, encrypted);
    const share = (value) => `${(100 * value) / whole}%`;
    bar.style.setProperty("--from", share(each.after_ms));
    bar.style.setProperty("--long", share(each.ms ?? 0));
    if (own("show") === "raw") details.open = true;
    return details;
  });
}

const fitting = (steps) =>
  steps.filter((each) => (own("only") !== "failed" || each.error) && JSON.stringify(each).toLowerCase().includes(own("find").toLowerCase()));

const SHOWN = { compact: "", waterfall: "waterfall", raw: "raw" };

// Compact, waterfall or raw, of the steps that have a text or failed.
export function tools() {
  const shown = own("show");
  const buttons = Object.entries(SHOWN).map(([text, value]) => {
    const button = make("button", { type: "button", title: `the key ${text[0]}` }, text);
    button.setAttribute("aria-pressed", String(shown === value));
    button.addEventListener("click", () => choose("show", value));
    return button;
  });
  const find = make("input", { name: "find", value: own("find"), autocomplete: "off", type: "search" });
  find.addEventListener("input", () => choose("find", find.value));
  const failed = make("input", { type: "checkbox", name: "only", checked: own("only") === "failed" });
  failed.addEventListener("change", () => choose("only", failed.checked && "failed"));
  return make("div", { class: "tools" }, make("span", { class: "buttons" }, ...buttons), make("label", {}, "steps with ", find), make("label", {}, failed, " failures only"));
}

export function bindKeys() {
  document.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey }) => {
    if (ctrlKey || metaKey || altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
    const chosen = Object.keys(SHOWN).find((text) => text[0] === key);
    if (chosen && document.querySelector(".tools")) choose("show", SHOWN[chosen]);
  });
}

// Invocations, or what was posted: with the clock in the place of the time since the first.
export const listed = (records, encrypted, dressed = () => {}) =>
  inOrder(records).map((each) => {
    const { details } = step({ ...each, after_ms: null }, encrypted);
    details.querySelector(".after").replaceChildren(clock(each.at));
    dressed(details, each);
    return details;
  });

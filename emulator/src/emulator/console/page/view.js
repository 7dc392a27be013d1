// The page of one view: its address names it, and GET /_local/<the same> has its data.
import { $, make, put, ROOT } from "./elements.js";
import { post } from "./sending.js";
import { asked, choose, opened, own, whenChanged } from "./query.js";
import { bindKeys } from "./steps.js";
import { refreshTimes } from "./times.js";
import { VIEWS } from "./views.js";

const PERIOD = 2000; // milliseconds between two looks
const FIELDS = 'input[name]:not([type="checkbox"]), textarea[name]';

const parts = location.pathname.slice(`${ROOT}view/`.length).split("/");
const kind = parts[0];
const name = decodeURIComponent(parts.slice(1).join("/"));
const view = VIEWS[kind];
let shown = "";
let last = []; // what was drawn
let paused = false;

function source() {
  const path = name ? `${kind}/${encodeURIComponent(name)}` : kind;
  const query = asked();
  return `${ROOT}${path}${query ? `?${query}` : ""}`;
}

async function refresh() {
  try {
    const response = await requested();
    const found = await response.json();
    if (!response.ok) throw new Error(found.error?.message ?? `status ${response.status}`);
    const more = view.more ? await view.more(found, name) : undefined;
    const text = JSON.stringify([found, more]);
    if (text !== shown) show(found, more);
    shown = text;
    live(true, "live");
  } catch (error) {
    live(false, error.message);
  }
}

async function requested() {
  try {
    return await fetch(source());
  } catch {
    throw new Error("no response: it has ended, or starts again");
  }
}

// What was unfolded stays so, also after a reload, and so do the place and the typed text.
function show(found, more) {
  last = [found, more];
  const open = opened();
  const typed = new Map([...document.querySelectorAll(FIELDS)].map((each) => [each.name, each.value]));
  const focused = document.activeElement?.name;
  const caret = focused ? document.activeElement.selectionStart : null;
  const place = scrollY;
  $("view").replaceChildren(...view.draw(found, { name, more, act }));
  for (const each of document.querySelectorAll("details")) {
    if (open.has(each.dataset.key)) each.open = true;
  }
  for (const each of document.querySelectorAll(FIELDS)) {
    if (typed.has(each.name)) each.value = typed.get(each.name);
    if (focused && each.name === focused) {
      each.focus();
      if (typeof caret === "number") each.setSelectionRange(caret, caret);
    }
  }
  scrollTo(0, place);
}

// Of the address: which ones are unfolded.
document.addEventListener(
  "toggle",
  ({ target }) => {
    const key = target.dataset?.key;
    if (key === undefined || own("show") === "raw" || !target.isConnected) return;
    const open = opened();
    if (open.has(key) === target.open) return;
    if (target.open) open.add(key);
    else open.delete(key);
    choose("open", ...open);
  },
  true, // it does not bubble
);

// Sends a command and fetches the state again; returns the response.
async function act(path, body) {
  try {
    const result = await post(`${ROOT}${path}`, body);
    shown = "";
    await refresh();
    return result;
  } catch (error) {
    put($("notice"), error.message);
    $("notice").hidden = false;
    setTimeout(() => ($("notice").hidden = true), 6000);
    return undefined;
  }
}

function live(is, text) {
  document.body.classList.toggle("lost", !is);
  put($("live"), paused ? "paused" : text);
}

// A form is an address with a query; the policy of the page lets none be sent.
document.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = [...new FormData(event.target)].filter(([, value]) => value !== "");
  location.assign(`${event.target.getAttribute("action") ?? location.pathname}?${new URLSearchParams(given)}`);
});

function showTimes() {
  put($("times"), own("times") === "ago" ? "Times: ago" : "Times: clock");
  refreshTimes();
}

$("times").addEventListener("click", () => {
  choose("times", own("times") === "ago" ? "" : "ago");
  showTimes();
});

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  put($("pause"), paused ? "Go on" : "Pause");
  if (paused) put($("live"), "paused");
  else refresh();
});

async function run() {
  const titles = { denials: "Permissions", phones: "Phones", reports: "Reports", dashboard: "Dashboard" };
  const title = name || (titles[kind] ?? "Messages");
  document.title = `${title} · Emulator`;
  $(`to-${kind}`)?.setAttribute("aria-current", "page");
  if (!view) {
    $("view").append(make("p", { class: "empty" }, "There is no such view."));
    return;
  }
  for (;;) {
    if (!document.hidden && !paused && !(view.once && name && last.length)) await refresh(); // it would compute again
    showTimes();
    await new Promise((done) => setTimeout(done, PERIOD));
  }
}

whenChanged(() => last.length && show(...last));
bindKeys();
run();

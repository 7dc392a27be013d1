// Runs in a phone's page before the client does, which stays as it is built. It sets the clock, signs
// in by the page's own form, does what the demonstration's page asks for, and reports what is on the
// screen. DEMO is set in front of it.
"use strict";

if (DEMO.clock !== 0) {
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...given) {
      super(...(given.length === 0 ? [Right.now() + DEMO.clock] : given));
    }
    static now() {
      return Right.now() + DEMO.clock;
    }
  };
}

// What an earlier demonstration left at this port is of a system that is gone.
if (localStorage.getItem("demo.run") !== DEMO.run) {
  localStorage.clear();
  localStorage.setItem("demo.run", DEMO.run);
  localStorage.setItem("switchboard.theme", "dark");
  void indexedDB.databases().then((all) => {
    for (const { name } of all) {
      if (!name.startsWith(`switchboard/${DEMO.user}/`) || name !== current()) {
        indexedDB.deleteDatabase(name);
      }
    }
  });
}

function current() {
  const { user, device } = JSON.parse(localStorage.getItem("switchboard.device") ?? "{}");
  return `switchboard/${user}/${device}`;
}

const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];

// An app can't take the focus from another device: here, from the other frame or the page around it.
const take = HTMLElement.prototype.focus;
HTMLElement.prototype.focus = function (...given) {
  if (document.hasFocus()) take.apply(this, given);
};

// -- signing in

let tried = false;
function signIn() {
  const form = find("form:has(input[name=user]):has(input[name=password])");
  if (tried || form === null) return;
  tried = true;
  fill(find("input[name=user]", form), DEMO.user);
  fill(find("input[name=password]", form), DEMO.password);
  form.requestSubmit();
}

function fill(field, text) {
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

// -- what the demonstration asks for

const acts = {
  open: ({ chat }) => {
    opening = `#/chat/${encodeURIComponent(chat)}`;
    report();
  },
  write: ({ text }) => {
    const field = find("form.composer textarea");
    if (field === null) return;
    fill(field, text);
    field.form.requestSubmit();
  },
  look: () => {
    focus();
    document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  },
};

// The chat with the other one: from the list, or by way of the contacts while it has no message yet.
let opening;
function open(list) {
  if (opening === undefined || list === null) return;
  const person = findAll("button.person").find((each) => find("bdi", each)?.textContent === DEMO.peer);
  if (location.hash === opening || find(`a.chat[href="${opening}"]`) !== null) {
    location.hash = opening;
  } else if (person === undefined) {
    location.hash = "#/new";
    return;
  } else {
    person.click();
  }
  opening = undefined;
}

addEventListener("message", (event) => {
  if (event.origin === DEMO.demo && event.data?.act in acts) acts[event.data.act](event.data);
});

// -- what is on the screen

function screen() {
  const rows = findAll("[data-key]").flatMap((row) => {
    const text = find(".text:not(.set-apart)", row)?.textContent.trim();
    return text ? [[row.dataset.key, text]] : [];
  });
  const chats = findAll("a.chat").map((row) => ({
    name: find(".chat-name bdi", row)?.textContent ?? "",
    text: find(".chat-text bdi", row)?.textContent.trim() ?? "",
    unread: Number(find(".badge", row)?.textContent ?? 0),
  }));
  const link = /link-(connect\S*|catching-up|waiting|stopped)/.exec(find(".link-bar")?.className);
  const writes = find("form.composer textarea") !== null;
  return { at: writes ? "chat" : "list", rows, chats, link: link?.[1] ?? null };
}

let reported = "";
let due;
function report() {
  due = undefined;
  signIn();
  open(find(".panes"));
  const now = JSON.stringify(screen());
  if (now === reported) return;
  reported = now;
  void fetch("/-demo/shown", { method: "POST", body: now, keepalive: true }).catch(() => {});
}

new MutationObserver(() => {
  due ??= setTimeout(report, 20);
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
parent.postMessage({ phone: DEMO.user, loaded: true }, DEMO.demo);

/** Finding in an open chat, and where what is typed goes. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { ConversationView } from "../../src/app/views/conversation.ts";
import { en } from "../../src/app/words/en.ts";
import { actions, drawn, enter, press, said, settled, submit } from "./drawn.ts";
import { entry, made, sessionWith, uiOf } from "./view-scene.ts";

const message = (n: number, text: string) => ({
  sender: "ravi",
  senderDevice: "phone",
  messageId: `m${n}`,
  text,
});
const OLDER = [message(1, "Tea?"), message(2, "no")];
const NEWER = [message(3, "green tea"), message(4, undefined as never), message(5, "TEA")];

/** What hears keys in the window. */
let heard: Set<(event: object) => void>;
let dialog: object | null;

beforeEach(() => {
  heard = new Set();
  dialog = null;
  vi.stubGlobal("addEventListener", (_: string, hears: () => void) => heard.add(hears));
  vi.stubGlobal("removeEventListener", (_: string, hears: () => void) => heard.delete(hears));
  vi.stubGlobal("document", { querySelector: () => dialog });
});
afterEach(() => vi.unstubAllGlobals());

function scene() {
  const conversation = Object.assign(new Model(), {
    chat: "c1",
    messages: NEWER,
    loadUntil: async () => {
      conversation.messages = [...OLDER, ...NEWER];
    },
  });
  const shown: string[] = [];
  const focused: string[] = [];
  const at: Record<string, object> = {
    "switchboard-messages": { jumpTo: (key: string) => shown.push(key.slice(-2)) },
    "switchboard-composer": {
      focusUnlessTouch: () => focused.push("field"),
      focusIfSeen: () => focused.push("typed"),
    },
    ".find input": { focus: () => focused.push("find") },
  };
  const { session } = sessionWith([entry("c1")]);
  const view = made(new ConversationView(), { ui: uiOf().ui, session, conversation });
  Object.assign(view, { querySelector: (what: string) => at[what] ?? null });
  Object.defineProperty(view, "updateComplete", { value: Promise.resolve(true) });
  const draw = () => view.render();
  const find = async (sought: string) => {
    enter(draw(), "input", sought);
    await settled();
  };
  return { view, draw, shown, focused, find };
}

test("all of the chat is searched, however it is written, and the newest is shown first", async () => {
  const { draw, shown, find, focused } = scene();
  press(draw(), en.find);
  await settled();
  expect(focused).toEqual(["find"]);
  await find(" tea ");
  expect(said(draw())).toContain(en.matches(1, 3));
  press(draw(), en.findPrevious);
  submit(draw());
  expect(said(draw())).toContain(en.matches(3, 3));
  submit(draw()); // and from the beginning
  press(draw(), en.findNext);
  expect(shown).toEqual(["m5", "m3", "m1", "m5", "m1"]);
});

test("another search begins at its newest, and one for nothing shows nothing", async () => {
  const { draw, shown, find } = scene();
  press(draw(), en.find);
  await find("tea");
  submit(draw());
  await find("green");
  expect(said(draw())).toContain(en.matches(1, 1));
  await find("  ");
  expect(said(draw())).not.toMatch(/\d of \d/);
  submit(draw());
  expect(shown).toEqual(["m5", "m3", "m3"]);
});

test("Escape ends it: what was found is forgotten, and the field has the focus", async () => {
  const { draw, find, focused } = scene();
  press(draw(), en.find);
  await find("tea");
  const ends = { key: "Escape", isComposing: false, keyCode: 27 };
  (actions(draw(), "keydown").at(-1) as (event: object) => void)(ends);
  await settled();
  expect(drawn(draw())).not.toContain('role="search"');
  expect(focused).toEqual(["find", "field"]);
  press(draw(), en.find);
  expect(said(draw())).not.toMatch(/\d of \d/);
});

test("what is typed where nothing takes it goes into the field, as long as the chat is open", () => {
  const { view, focused } = scene();
  view.connectedCallback();
  const type = (into: string | undefined) => {
    const closest = (taken: string) => (into && taken.split(", ").includes(into) ? {} : null);
    for (const hears of heard) hears({ key: "a", target: { closest } });
  };
  for (const into of ["input", "textarea", "select", "dialog"]) type(into);
  expect(focused).toEqual([]);
  type(undefined);
  dialog = {};
  type(undefined);
  expect(focused).toEqual(["typed"]);
  view.disconnectedCallback();
  expect(heard.size).toBe(0);
});

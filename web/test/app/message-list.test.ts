/** Where the list of messages is scrolled to, with the sizes that a browser would give it. */

import { ReactiveElement } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { MessageList } from "../../src/app/views/message-list.ts";
import { en } from "../../src/app/words/en.ts";
import type { StoredMessage } from "../../src/client/index.ts";
import { actions, drawn, press, said, settled } from "./drawn.ts";
import { entry, NOON, sessionWith, uiOf } from "./view-scene.ts";

const watching = vi.hoisted(() => new Set<object>());
vi.mock("../../src/app/views/attention.ts", () => ({
  attention: {
    watch: (watcher: object) => {
      watching.add(watcher);
      return () => watching.delete(watcher);
    },
  },
}));

class FakeElement {}

/** What scrolls: as in a browser, never beyond its end. */
class Scroller extends FakeElement {
  readonly firstElementChild = new FakeElement();
  scrollHeight = 0;
  clientHeight = 100;
  #top = 0;
  get scrollTop(): number {
    return Math.min(this.#top, this.scrollHeight - this.clientHeight);
  }
  set scrollTop(top: number) {
    this.#top = Math.min(top, this.scrollHeight - this.clientHeight);
  }
  querySelectorAll = () => [];
  getBoundingClientRect = () => ({ top: 0 });
  checkVisibility = () => false;
}

const message = {
  chat: "c1",
  seq: 1,
  messageId: "m1",
  sender: "ravi",
  reference: { by: "ravi/phone", id: "m1" },
  sentAt: NOON,
  text: "Hey",
  kind: "text",
  reactions: [],
} as unknown as StoredMessage;
const conversation = (chat: string, unread?: { messageId: string; count: number }) =>
  Object.assign(new Model(), { chat, messages: [message], unread, complete: true, arrived: 0 });

function scene(kind: "direct" | "group" = "direct") {
  const view = new Scroller();
  const row = {
    scrollIntoView: () => {
      view.scrollTop = view.scrollHeight;
    },
  };
  void MessageList.observedAttributes; // as where an element is defined: its properties are watched
  const list = new MessageList();
  const update = (changes: object) => {
    (ReactiveElement.prototype as unknown as { update(of: object): void }).update.call(
      list,
      changes,
    );
  };
  const querySelector = (what: string) => (what === ".messages" ? view : row);
  const { session } = sessionWith([entry("c1", { kind }), entry("c2", { kind })]);
  Object.assign(list, { ui: uiOf().ui, session, update, querySelector });
  list.connectedCallback();
  const show = async (of: object) => {
    Object.assign(list, { conversation: of });
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  const draw = () => (list as unknown as { render(): unknown }).render();
  const scrolled = () => actions(draw(), "scroll")[0]?.();
  return { list, view, show, scrolled, draw };
}

beforeEach(() => {
  vi.stubGlobal("HTMLElement", FakeElement);
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe(): void {}
      disconnect(): void {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

test("a chat that is opened at its end stays there when the composer grows, after a longer one", async () => {
  const { view, show, scrolled } = scene();
  view.scrollHeight = 1_000;
  await show(conversation("long"));
  expect(view.scrollTop).toBe(900);
  view.scrollHeight = 300;
  await show(conversation("c1", { messageId: "m1", count: 1 }));
  expect(view.scrollTop).toBe(200);
  view.clientHeight = 40;
  scrolled();
  expect(view.scrollTop).toBe(260);
});

/** Of a chat with these messages, the last one of which has just come. */
const chatOf = (messages: Partial<StoredMessage>[], more: object = {}) =>
  Object.assign(conversation("c1"), {
    messages: messages.map((each, n) => ({ ...message, messageId: `m${n + 1}`, ...each })),
    lastArrival: performance.now(),
    loadUntil: async () => {},
    ...more,
  });

test("what others write is announced, and not what the user writes", async () => {
  vi.spyOn(performance, "now").mockReturnValue(10_000);
  const { show, draw } = scene();
  const chat = chatOf([{}]);
  await show(chat);
  const comes = async (more: Partial<StoredMessage>) => {
    const messageId = `n${chat.messages.length}`;
    chat.messages = [...chat.messages, { ...message, messageId, ...more } as StoredMessage];
    chat.changed();
    await settled();
    return said(draw());
  };
  expect(await comes({ sender: "raju", text: "mine" })).not.toContain(en.received("raju", "mine"));
  expect(await comes({ text: "tea?" })).toContain(en.received("ravi", "tea?"));
  vi.restoreAllMocks();
});

test("the line stands above one message, and names in a group above the first of others' alone", async () => {
  const { show, draw } = scene("group");
  const unread = { messageId: "m2", count: 1 };
  await show(chatOf([{ sender: "raju" }, {}, {}], { unread }));
  const rows = drawn(draw()).split("<li ").slice(1);
  expect(rows.map((row) => row.includes("unread-line"))).toEqual([false, true, false]);
  expect(rows.map((row) => row.includes('class="sender'))).toEqual([false, true, false]);
});

test("the first row that is drawn continues the one before, which is not", async () => {
  const { show, draw } = scene("group");
  await show(chatOf(Array.from({ length: 121 }, () => ({}))));
  const rows = drawn(draw()).split("<li ").slice(1);
  expect([rows.length, rows.some((row) => row.includes('class="sender'))]).toEqual([120, false]);
});

test("the message that a reply answers is found, and in another chat none is", async () => {
  const { show, draw } = scene();
  const of = { by: "ravi/phone", id: "m1" };
  const senderDevice = "phone";
  const reply = { of, sender: "ravi", text: "tea?", here: true } as never;
  const found = () =>
    drawn(draw())
      .split("<li ")
      .slice(1)
      .map((row) => / found"?[ >]/.test(row));
  await show(chatOf([{ senderDevice }, { senderDevice, reply }]));
  press(draw(), "tea?");
  await settled();
  expect(found()).toEqual([true, false]);
  await show(chatOf([{ senderDevice }], { chat: "c2" }));
  expect(found()).toEqual([false]);
});

test("the reader who is away from the end can go there, and sees how much is new until then", async () => {
  const { view, show, scrolled, draw } = scene();
  view.scrollHeight = 1_000;
  const chat = chatOf([{}]);
  await show(chat);
  view.scrollTop = 200;
  scrolled();
  chat.arrived = 2;
  expect(said(draw())).toContain(en.newBelow(2));
  press(draw(), en.newBelow(2));
  await settled();
  expect(view.scrollTop).toBe(900);
  view.scrollTop = 200;
  scrolled();
  expect(said(draw())).not.toContain(en.newBelow(2));
  chat.arrived = 3;
  expect(said(draw())).toContain(en.newBelow(1));
  view.scrollTop = 900;
  scrolled();
  view.scrollTop = 200;
  scrolled();
  expect(said(draw())).not.toContain(en.newBelow(1));
});

test("nothing is taken for read by a list that has gone", async () => {
  watching.clear();
  const { list, show } = scene();
  await show(conversation("c1"));
  expect(watching.size).toBe(1);
  list.disconnectedCallback();
  expect(watching.size).toBe(0);
});

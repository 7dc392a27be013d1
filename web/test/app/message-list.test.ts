/** Where the list of messages is scrolled to, with the sizes that a browser would give it. */

import { ReactiveElement } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { MessageList } from "../../src/app/views/message-list.ts";
import type { StoredMessage } from "../../src/client/index.ts";
import { actions } from "./drawn.ts";
import { NOON, sessionWith, uiOf } from "./view-scene.ts";

vi.mock("../../src/app/views/attention.ts", () => ({ attention: { watch: () => () => {} } }));

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

function scene() {
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
  const { session } = sessionWith([]);
  Object.assign(list, { ui: uiOf().ui, session, update, querySelector });
  list.connectedCallback();
  const show = async (of: object) => {
    Object.assign(list, { conversation: of });
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  const scrolled = () => {
    const drawing = (list as unknown as { render(): unknown }).render();
    actions(drawing, "scroll")[0]?.();
  };
  return { view, show, scrolled };
}

beforeEach(() => {
  vi.stubGlobal("HTMLElement", FakeElement);
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe(): void {}
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

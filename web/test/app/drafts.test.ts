/** Drafts of several tabs, while the device passes from one to the next. */

import { afterEach, expect, test, vi } from "vitest";
import { type Draft, Drafts } from "../../src/app/model/drafts.ts";
import { Store } from "../../src/client/store/store.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

let databases = 0;
const nameOf = () => `drafts-${databases++}/page`;

/** Two tabs that tell each other what is typed, unless `apart`. */
function two(apart: { is: boolean }): [Drafts, Drafts] {
  const tabs: [Drafts, Drafts] = [new Drafts(new Map()), new Drafts(new Map())];
  const tell = (to: Drafts) => (chat: string, draft: Draft) => {
    if (!apart.is) to.typedElsewhere(chat, structuredClone(draft));
  };
  tabs[0].typedHere = tell(tabs[1]);
  tabs[1].typedHere = tell(tabs[0]);
  return tabs;
}

test.each([
  ["what the next one has", (_: Drafts, next: Drafts) => next.typed("c1", "more"), "more"],
  ["what is typed here", (here: Drafts) => here.typed("c1", "more"), "more"],
  ["what is deleted here", (here: Drafts) => here.typed("c1", ""), ""],
  ["what the next one deleted", (_: Drafts, next: Drafts) => next.typed("c1", ""), ""],
])(
  "nobody is notified of what is typed while no tab has the device: %s counts",
  (_what, type, text) => {
    const apart = { is: false };
    const [here, next] = two(apart);
    here.typed("c1", "some");
    expect(next.of("c1")).toBe("some");
    apart.is = true;
    type(here, next);
    apart.is = false;
    here.handedOn(structuredClone(next.all));
    expect([here.of("c1"), next.of("c1")]).toEqual([text, text]);
  },
);

test("the next tab stores its own, deletes what was deleted, and keeps what it was not notified of", async () => {
  const name = nameOf();
  const first = await Drafts.open(name);
  first.typed("stays", "unknown to the next");
  first.typed("goes", "deleted later");
  first.typed("changes", "old");
  await first.close();
  const next = new Drafts(new Map([["goes", { text: "deleted later", changes: 1 }]]));
  next.typed("goes", "");
  next.typed("changes", "new");
  await next.moveTo(name);
  await next.close();
  const stored = await Drafts.open(name);
  expect(["stays", "goes", "changes"].map((chat) => stored.of(chat))).toEqual([
    "unknown to the next",
    "",
    "new",
  ]);
  await stored.close();
});

test("what is typed is stored within a moment, also while somebody goes on typing", async () => {
  const drafts = await Drafts.open(nameOf());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const stored = vi.spyOn(Store.prototype, "transaction");
  drafts.typed("c1", "so");
  vi.advanceTimersByTime(300);
  drafts.typed("c1", "some");
  expect(stored).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  await drafts.flush();
  expect(stored).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
  await drafts.close();
});

test("what could not be stored is stored with what is typed next", async () => {
  const name = nameOf();
  const drafts = await Drafts.open(name);
  const fails = vi.spyOn(Store.prototype, "transaction");
  fails.mockRejectedValueOnce(new Error("no space"));
  drafts.typed("c1", "some");
  await drafts.flush();
  drafts.typed("c2", "more");
  await drafts.close();
  const again = await Drafts.open(name);
  expect([again.of("c1"), again.of("c2")]).toEqual(["some", "more"]);
  await again.close();
});

test("the same text again is no change, and nobody is notified of it", () => {
  const drafts = new Drafts(new Map());
  const heard = vi.fn();
  drafts.typedHere = heard;
  drafts.typed("c1", "some");
  drafts.typed("c1", "some");
  expect(heard).toHaveBeenCalledTimes(1);
  drafts.typedElsewhere("c1", { text: "older", changes: 1 });
  expect(drafts.of("c1")).toBe("some");
  expect(heard).toHaveBeenCalledTimes(1);
});

test("what was typed is stored when the page is hidden, until the drafts are closed", async () => {
  const page = new EventTarget();
  vi.stubGlobal("document", page);
  const drafts = await Drafts.open(nameOf());
  const stored = vi.spyOn(drafts, "flush");
  drafts.typed("c1", "some");
  page.dispatchEvent(new Event("visibilitychange"));
  expect(stored).toHaveBeenCalledOnce();
  await drafts.close();
  stored.mockClear();
  page.dispatchEvent(new Event("visibilitychange"));
  expect(stored).not.toHaveBeenCalled();
});

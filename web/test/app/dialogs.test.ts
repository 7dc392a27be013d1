/** Dialogs, notices, and what all views share: what they follow, and the arrow keys of lists. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../src/app/model/app.ts";
import { Model } from "../../src/app/model/model.ts";
import type { Session } from "../../src/app/model/session.ts";
import { ChatList, moveFocus } from "../../src/app/views/chat-list.ts";
import { Dialogs } from "../../src/app/views/dialogs.ts";
import { gate } from "../../src/app/views/gates.ts";
import { type Question, Ui } from "../../src/app/views/ui.ts";
import { View } from "../../src/app/views/view.ts";
import { en } from "../../src/app/words/en.ts";
import type { StoredMessage } from "../../src/client/index.ts";
import { actions, drawn, enter, Fields, press, said, settled, submit } from "./drawn.ts";
import { entry, made, sessionWith, uiOf } from "./view-scene.ts";

const page = () => Object.assign(new Model(), { phase: { at: "opening" } }) as unknown as App;
let asked: string[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("FormData", Fields);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("location", { hash: "" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a dialog", () => {
  const scene = () => {
    const ui = new Ui(page());
    const view = made(new Dialogs(), { ui, session: {} as Session });
    const dialog = { open: true, close: () => asked.push("close"), showModal: () => {} };
    const draw = () => view.render();
    const closed = (target: object) =>
      (actions(draw(), "close")[0] as (event: object) => void)({ target });
    Object.assign(view, { querySelector: () => dialog });
    return { ui, view, dialog, draw, closed };
  };
  const question = (run: Question["run"]): Question => ({
    title: "t",
    text: "x",
    action: "a",
    run,
  });

  test("shows why what it asked for failed, and that of its own question only", async () => {
    const { ui, dialog, draw, closed } = scene();
    ui.ask(
      question(async () => {
        throw new TypeError("away");
      }),
    );
    submit(draw());
    expect(drawn(draw())).toContain("?disabled=true");
    await settled();
    expect(said(draw())).toContain(en.failed("away"));
    expect(drawn(draw())).toContain("?disabled=false");
    expect(asked).toEqual([]);
    closed(dialog);
    expect(ui.question).toBeUndefined();
    ui.ask(question(() => {}));
    expect(said(draw())).not.toContain(en.failed("away"));
  });
  test("that what was chosen opens stays when the menu before it closes", () => {
    const { ui, draw, closed } = scene();
    const next = question(() => {});
    const run = () => ui.ask(next);
    ui.choose({ title: "m", items: [{ label: "delete", run }] });
    press(draw(), "delete");
    expect([ui.question, ui.menu, asked]).toEqual([next, undefined, ["close"]]);
    closed({});
    expect(ui.question).toBe(next);
  });
  test("closes before a reaction is sent, and shows the one that is chosen", () => {
    const { ui, draw } = scene();
    const react = (emoji: string) => void asked.push(emoji);
    ui.choose({ title: "m", items: [], emoji: ["👍", "🙏"], chosen: "🙏", react });
    expect(drawn(draw()).match(/aria-pressed=\w+/g)).toEqual([
      "aria-pressed=false",
      "aria-pressed=true",
    ]);
    press(draw(), "👍");
    expect([asked, ui.menu]).toEqual([["close", "👍"], undefined]);
  });
  test("with a picture closes when its message is gone", () => {
    const { ui, view } = scene();
    let fetched: object | undefined = { at: "loading", done: 0, size: 1 };
    const files = { of: () => fetched, fetch: async () => {} };
    Object.assign(ui.app, { phase: { at: "in", session: { files } } });
    const content = { kind: "file", file: { id: "f", name: "a.png" } };
    const looking = () => {
      (view as unknown as { updated(): void }).updated();
      return ui.looking !== undefined;
    };
    ui.look({ content } as StoredMessage);
    expect(looking()).toBe(true);
    fetched = undefined;
    expect(looking()).toBe(false);
  });
});

test("a dialog is gone with the page on which it was opened", () => {
  let go = () => {};
  vi.stubGlobal("addEventListener", (_: string, hears: typeof go) => {
    go = hears;
  });
  const ui = new Ui(page());
  const drawings = vi.fn();
  ui.ask({} as Question);
  ui.choose({ title: "m", items: [] });
  ui.watch(drawings);
  vi.stubGlobal("location", { hash: "#/chat/c2" });
  go();
  expect([ui.route, ui.question, ui.menu]).toEqual([
    { at: "chat", chat: "c2" },
    undefined,
    undefined,
  ]);
  expect(drawings).toHaveBeenCalledOnce();
});

test("what fails is shown for six seconds, and what is shown next for as long", async () => {
  vi.useFakeTimers();
  const ui = new Ui(page());
  const drawings = vi.fn();
  ui.run(async () => {
    throw new TypeError("away");
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(ui.notice).toBe(en.failed("away"));
  ui.say("next");
  await vi.advanceTimersByTimeAsync(5_999);
  expect(ui.notice).toBe("next");
  ui.watch(drawings);
  await vi.advanceTimersByTimeAsync(1);
  expect([ui.notice, drawings.mock.calls.length]).toEqual([undefined, 1]);
});

test("a tab that waits for another one offers no second time to take over", () => {
  const app = { takeOver: () => asked.push("takes over") };
  const reload = () => asked.push("reloads");
  vi.stubGlobal("location", { reload });
  const ui = { app } as unknown as Ui;
  expect(drawn(gate({ at: "elsewhere", taking: true }, ui))).not.toContain("<button");
  press(gate({ at: "elsewhere", taking: false }, ui), en.useHere);
  press(gate({ at: "ended", why: "displaced" }, ui), en.useHere);
  expect(asked).toEqual(["takes over", "reloads"]);
});

test("a view is drawn again for what it shows now, and for nothing once it has gone", () => {
  class Shows extends View {
    override requestUpdate = () => void asked.push("drawn");
    shows(...models: Model[]): void {
      this.follow(...models);
    }
  }
  const [before, now] = [new Model(), new Model()];
  const view = new Shows();
  view.shows(before);
  view.shows(now);
  asked.length = 0;
  before.changed();
  now.changed();
  expect(asked).toEqual(["drawn"]);
  view.disconnectedCallback();
  now.changed();
  expect(asked).toEqual(["drawn"]);
});

test("the arrow keys go through a list of chats, and stop at its ends", () => {
  const links = [0, 1, 2].map((at) => ({ focus: () => void asked.push(`${at}`) }));
  const list = { querySelectorAll: () => links };
  const from = (activeElement: object, key: string) => {
    vi.stubGlobal("document", { activeElement });
    moveFocus({ key, currentTarget: list, preventDefault: () => {} } as never);
  };
  for (const [at, key] of [
    [0, "ArrowDown"],
    [2, "ArrowUp"],
    [2, "ArrowDown"],
    [0, "ArrowUp"],
    [0, "x"],
  ] as const) {
    from(links[at] as object, key);
  }
  from({}, "ArrowDown");
  expect(asked).toEqual(["1", "1", "2", "0"]);
});

test("a search for what no chat is called shows so, and an entry shows when it was written", () => {
  const day = 86_400_000;
  const last = { sender: "ravi", sentAt: Date.now() - day, text: "Hey", kind: "text" };
  const { session } = sessionWith([entry("c1", { last: last as StoredMessage })]);
  const list = made(new ChatList(), { ui: uiOf().ui, session });
  expect(said(list.render())).toContain(en.yesterday);
  enter(list.render(), "input", "Nobody");
  expect(said(list.render())).toContain(en.noneFound);
  expect(said(list.render())).not.toContain(en.noChats);
});

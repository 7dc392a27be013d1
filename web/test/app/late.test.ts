/** What comes late acts on nothing that the user has changed meanwhile. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../src/app/model/app.ts";
import { ChatEntries } from "../../src/app/model/chat-entries.ts";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Model } from "../../src/app/model/model.ts";
import { Session } from "../../src/app/model/session.ts";
import { ChatInfo } from "../../src/app/views/chat-info.ts";
import { ConversationView } from "../../src/app/views/conversation.ts";
import { Dialogs } from "../../src/app/views/dialogs.ts";
import { LinkDevice } from "../../src/app/views/link-device.ts";
import { SettingsView } from "../../src/app/views/settings.ts";
import { SignIn } from "../../src/app/views/sign-in.ts";
import { type Question, Ui } from "../../src/app/views/ui.ts";
import { Verify } from "../../src/app/views/verify.ts";
import { en } from "../../src/app/words/en.ts";
import type { ChatClient } from "../../src/client/index.ts";
import { actions, drawn, enter, Fields, press, said, settled, submit } from "./drawn.ts";
import { entry, made, sessionWith, uiOf } from "./view-scene.ts";

/** Responses that a test gives, in the order in which they were asked for. */
class Responses<T> {
  readonly #asked: PromiseWithResolvers<T>[] = [];
  readonly ask = (): Promise<T> => {
    const asked = Promise.withResolvers<T>();
    this.#asked.push(asked);
    return asked.promise;
  };
  async give(at: number, response: T): Promise<void> {
    await settled();
    this.#asked[at]?.resolve(response);
    await settled();
  }
  async fail(at: number): Promise<void> {
    await settled();
    this.#asked[at]?.reject(new TypeError("away"));
    await settled();
  }
}

beforeEach(() => {
  vi.stubGlobal("FormData", Fields);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  vi.stubGlobal("document", { querySelector: () => null });
  vi.stubGlobal("localStorage", { getItem: () => null });
  vi.stubGlobal("location", { hash: "", origin: "https://chat.example", pathname: "/" });
});
afterEach(() => vi.unstubAllGlobals());

const page = () => {
  const app = Object.assign(new Model(), { phase: { at: "in", session: {} as object } });
  return { app, ui: new Ui(app as unknown as App) };
};

describe("a question that ends late", () => {
  const scene = () => {
    const { ui } = page();
    const responses = new Responses<void>();
    const question = (): Question => ({ title: "", text: "", action: "", run: responses.ask });
    const view = made(new Dialogs(), { ui, session: {} as Session });
    const closed = vi.fn();
    Object.assign(view, { querySelector: () => ({ close: closed }) });
    ui.ask(question());
    submit(view.render());
    ui.dismiss();
    ui.ask(question());
    return { ui, responses, closed, draw: () => view.render() };
  };

  test("closes no other one, whose button can be pressed", async () => {
    const { responses, closed, draw } = scene();
    expect(drawn(draw())).toContain("?disabled=false");
    submit(draw());
    await responses.give(0, undefined);
    expect(closed).not.toHaveBeenCalled();
    expect(drawn(draw())).toContain("?disabled=true");
    await responses.give(1, undefined);
    expect(closed).toHaveBeenCalledTimes(1);
  });
  test("shows why it failed in no other one, also where it was removed without being closed", async () => {
    const { ui, responses, draw } = scene();
    submit(draw());
    await responses.fail(1);
    expect(said(draw())).toContain(en.failed("away"));
    ui.dismiss();
    ui.ask({ title: "", text: "", action: "", run: () => {} });
    expect(said(draw())).not.toContain(en.failed("away"));
  });
  test("reports beside the other one why it failed", async () => {
    const { ui, responses, draw } = scene();
    await responses.fail(0);
    expect(said(draw())).not.toContain(en.failed("away"));
    expect(ui.notice).toBe(en.failed("away"));
    ui.say("");
  });
});

test("who has left is asked nothing, shown nothing and led nowhere any more", async () => {
  const { app, ui } = page();
  const responses = new Responses<void>();
  const go = ui.goAfter();
  ui.run(responses.ask);
  ui.ask({} as Question);
  app.phase = { at: "in", session: {} };
  app.changed();
  expect(ui.question).toBeUndefined();
  await responses.fail(0);
  go({ at: "settings" });
  expect([ui.notice, location.hash]).toEqual([undefined, ""]);
});

test("an older response about people takes no place of a newer one", async () => {
  const chats = new Responses<object[]>();
  const people = { chats: chats.ask, invitations: async () => [], contacts: async () => new Map() };
  const client = { user: "raju", listen: () => () => {}, people } as unknown as ChatClient;
  const session = new Session(client, {} as Drafts);
  const [older, newer] = [session.refreshPeople(), session.refreshPeople()];
  await chats.give(1, [{ chat: "c2" }]);
  await chats.give(0, [{ chat: "c1" }]);
  await Promise.all([older, newer]);
  expect([...session.listed.keys()]).toEqual(["c2"]);
});

test("the list of chats is read one time after another", async () => {
  const history = new Responses<object[]>();
  let chats = ["c1"];
  const client = {
    chats: { all: async () => chats.map((chat) => ({ chat })) },
    messages: { history: history.ask },
  };
  const list = new ChatEntries(client as unknown as ChatClient, async () => {});
  const first = list.refresh();
  await settled();
  chats = ["c1", "c2"];
  const second = list.refresh("c2");
  await history.give(0, []);
  await history.give(1, []);
  await Promise.all([first, second]);
  expect(list.entries.map(({ chat }) => chat).sort()).toEqual(["c1", "c2"]);
});

describe("the settings", () => {
  const SETTINGS = { receipts: true, presence: "contacts", groups: "nobody", requests: "nobody" };
  const scene = () => {
    const settings = new Responses<object>();
    const asked: unknown[] = [];
    const ask = (changes?: object) => {
      asked.push(changes);
      return settings.ask();
    };
    const profiles = new Map([["raju", { name: "Raju", picture: "pic" }]]);
    const saved: unknown[][] = [];
    const { session } = sessionWith([], {
      client: { device: "web", people: { settings: ask } },
      profiles,
      setProfile: async (...given: unknown[]) => void saved.push(given),
    });
    const { ui, failed } = uiOf();
    Object.assign(ui, { app: { notifications: new Model() }, say: () => {} });
    const view = made(new SettingsView(), { ui, session });
    view.connectedCallback();
    return { settings, asked, profiles, saved, failed, draw: () => view.render() };
  };

  test.each(["succeeds", "fails"])(
    "are changed one after another, also where a change %s",
    async (ends) => {
      const { settings, asked, failed, draw } = scene();
      await settings.give(0, SETTINGS);
      const at = drawn(draw())
        .split("@change=")
        .findIndex((part) => part.includes(en.receipts));
      enter(draw(), "change", false, at - 1);
      enter(draw(), "change", "everybody", at);
      await settled();
      expect(asked.slice(1)).toEqual([{ receipts: false }]);
      await (ends === "fails" ? settings.fail(1) : settings.give(1, SETTINGS));
      expect(failed).toHaveLength(ends === "fails" ? 1 : 0);
      expect(asked.slice(2)).toEqual([{ presence: "everybody" }]);
      await settings.give(2, { ...SETTINGS, receipts: false });
      expect(drawn(draw())).toContain('.checked=false aria-describedby="receipts');
    },
  );
  test("keep a name that was saved while a picture was chosen", async () => {
    const { profiles, saved, draw } = scene();
    const before = draw();
    profiles.set("raju", { name: "R.", picture: "new" });
    press(before, en.removePicture);
    submit(before, { name: "Raj" });
    await settled();
    expect(saved).toEqual([
      ["R.", null],
      ["Raj", "new"],
    ]);
  });
});

describe("finding", () => {
  const message = (messageId: string) => ({
    sender: "ravi",
    senderDevice: "d",
    messageId,
    text: "tea",
  });
  const scene = () => {
    const loads = new Responses<void>();
    const chat = (of: string) =>
      Object.assign(new Model(), { chat: of, messages: [message("m1")], loadUntil: loads.ask });
    const { session } = sessionWith([entry("c1"), entry("c2")]);
    const view = made(new ConversationView(), { ui: uiOf().ui, session, conversation: chat("c1") });
    const shown = vi.fn();
    Object.assign(view, {
      querySelector: () => ({ jumpTo: shown, focus: () => {}, focusUnlessTouch: () => {} }),
    });
    Object.defineProperty(view, "updateComplete", { value: Promise.resolve(true) });
    press(view.render(), en.find);
    enter(view.render(), "input", "tea");
    return { view, loads, shown, other: () => Object.assign(view, { conversation: chat("c2") }) };
  };

  test.each(["another search", "its end", "another chat"])("is over with %s", async (what) => {
    const { view, loads, shown, other } = scene();
    if (what === "another search") enter(view.render(), "input", "coffee");
    else if (what === "its end") press(view.render(), en.find);
    else other();
    expect(drawn(view.render()).includes('role="search"')).toBe(what === "another search");
    await loads.give(0, undefined);
    expect(shown).not.toHaveBeenCalled();
    expect(said(view.render())).not.toContain(en.matches(1, 1));
  });
});

describe("keys", () => {
  const scene = () => {
    const [devices, compared] = [new Responses<object[]>(), new Responses<boolean>()];
    const accepted = vi.fn();
    const { session } = sessionWith([entry("c1")], { accepted });
    Object.assign(session.client, { devices: { of: devices.ask } });
    Object.assign(session.client.verification, {
      safetyNumber: async () => ({ digits: "12345", qr: "code" }),
      compareSafetyNumber: compared.ask,
    });
    const view = made(new Verify(), { ui: uiOf().ui, session, chat: "c1", user: "ravi" });
    view.willUpdate(new Map());
    return { view, devices, compared, accepted, text: () => said(view.render()) };
  };
  const changed = [{ device: "phone", pending: { ed25519: "NEWKEY" } }];

  test("are those of the last response that was asked for", async () => {
    const { view, devices, compared, accepted, text } = scene();
    await devices.give(0, changed);
    actions(view.render())[1]?.(); // accepted: they are asked for again
    submit(view.render(), { number: "1" });
    await compared.give(0, true);
    accepted.mockClear();
    await devices.give(2, changed);
    await devices.give(1, []);
    expect(text()).toContain("NEWKEY");
    expect(accepted).not.toHaveBeenCalled();
  });
  test("that were compared are the user's for whom they were", async () => {
    const { view, devices, compared, text } = scene();
    await devices.give(0, []);
    submit(view.render(), { number: "1" });
    view.user = "meena";
    view.willUpdate(new Map());
    await devices.give(1, []);
    await compared.give(0, true);
    await devices.give(2, []);
    expect(text()).not.toContain(en.same);
    submit(view.render(), { number: "1" });
    await compared.give(1, true);
    expect(text()).toContain(en.same);
  });
});

test.each(["another code", "the pane gone", "another question"])(
  "a device that is looked up is let in by nobody with %s",
  async (what) => {
    const offers = new Responses<object>();
    const { session } = sessionWith([], { client: { linking: { offer: offers.ask } } });
    const { ui, questions } = uiOf();
    const view = made(new LinkDevice(), { ui, session });
    submit(view.render(), { code: "CODE" });
    if (what === "another code") submit(view.render(), { code: "OTHER" });
    else if (what === "the pane gone") view.disconnectedCallback();
    else ui.question = {} as Question;
    await offers.give(0, { label: "Chrome" });
    await offers.fail(0);
    expect(questions).toEqual([]);
    await offers.give(1, { label: "Firefox" });
    expect(questions.map(({ text }) => text)).toEqual(
      what === "another code" ? [en.letInText("Firefox")] : [],
    );
  },
);

test.each([true, false])(
  "the end of a form that was left changes nothing in the next one: %s",
  async (sent) => {
    const codes = new Responses<void>();
    const ui = { app: { forgotPassword: codes.ask } };
    const view = made(new SignIn(), { ui: ui as never, session: {} as Session });
    Object.assign(view, { querySelector: () => null });
    press(view.render(), en.forgot);
    submit(view.render(), { user: "raju" });
    press(view.render(), en.signIn);
    await (sent ? codes.give(0, undefined) : codes.fail(0));
    expect(said(view.render())).toContain(en.newHere);
    expect(said(view.render())).not.toContain(en.failed("away"));
  },
);

test("who is added comes into the group in which that was asked for", async () => {
  const asked: unknown[] = [];
  const { session } = sessionWith(
    [entry("c1", { kind: "group" }), entry("c2", { kind: "group" })],
    {
      listed: new Map(),
      client: { chats: { changeMembers: async (chat: string) => void asked.push(chat) } },
      known: async (chat: string) => void asked.push(chat),
    },
  );
  const { ui, questions } = uiOf();
  const view = made(new ChatInfo(), { ui, session, chat: "c1" });
  press(view.render(), en.addMembers);
  view.chat = "c2";
  await questions[0]?.run("meena");
  expect(asked).toEqual(["c1", "c2"]);
});

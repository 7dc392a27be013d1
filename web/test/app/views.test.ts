/** What the views show of a session, and what their buttons do, without a browser. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../src/app/model/app.ts";
import type { Link } from "../../src/app/model/link.ts";
import { Model } from "../../src/app/model/model.ts";
import type { ChatEntry, Session } from "../../src/app/model/session.ts";
import { ChatList } from "../../src/app/views/chat-list.ts";
import { ConversationView } from "../../src/app/views/conversation.ts";
import { Devices } from "../../src/app/views/devices.ts";
import { LinkBar } from "../../src/app/views/link-bar.ts";
import { pictureOf, titleOf, usersIn } from "../../src/app/views/names.ts";
import { requests } from "../../src/app/views/requests.ts";
import { type Question, reasonIn, type Ui } from "../../src/app/views/ui.ts";
import { Verify } from "../../src/app/views/verify.ts";
import type { View } from "../../src/app/views/view.ts";
import { en } from "../../src/app/words/en.ts";
import {
  ApiError,
  CannotLink,
  State,
  type StoredMessage,
  Unreachable,
} from "../../src/client/index.ts";
import { actions, drawn, said } from "./drawn.ts";

const NOON = new Date(2026, 10, 29, 12, 0).getTime();

const entry = (chat: string, more: Partial<ChatEntry> = {}): ChatEntry =>
  ({
    chat,
    kind: "direct",
    members: ["raju", "ravi"],
    unread: 0,
    left: false,
    last: { sender: "ravi", sentAt: NOON, text: "Hey", kind: "text" } as StoredMessage,
    ...more,
  }) as ChatEntry;

/** A session with these chats, of which a test says what is special. */
function sessionWith(chats: ChatEntry[], more: object = {}) {
  const asked: string[] = [];
  const note = (what: string) => async (of: string) => void asked.push(`${what} ${of}`);
  const verification = {
    compare: async (chat: string, device: string) => void asked.push(`compare ${chat} ${device}`),
    decide: async (device: string, same: boolean) => void asked.push(`${device} ${same}`),
    cancel: note("cancel"),
    accept: note("believe"),
  };
  const people = {
    block: note("block"),
    decline: note("decline"),
    accept: note("accept"),
    forget: note("forget"),
  };
  const session = Object.assign(new Model(), {
    user: "raju",
    chats,
    registeredAt: 0,
    invitations: [] as object[],
    blocked: new Set<string>(),
    changedKeys: new Set<string>(),
    presence: new Map<string, object>(),
    comparisons: new Map<string, object>(),
    link: { at: "connected" } as Link,
    storeFailing: false,
    drafts: { of: (_: string) => "" },
    files: new Model(),
    entry: (chat: string) => chats.find((each) => each.chat === chat),
    peer: (chat: string) =>
      chats.find((each) => each.chat === chat && each.kind === "direct") && "ravi",
    nameOf: (user: string) => user,
    pictureOf: (user: string) => `picture of ${user}`,
    typing: (_: string): string[] => [],
    isRequest: (_: string) => false,
    isMuted: (_: string) => false,
    refreshPeople: async () => void asked.push("refresh"),
    known: async () => {},
    connectNow: () => void asked.push("now"),
    client: { device: "web", people, verification },
    ...more,
  });
  return { session: session as unknown as Session, asked };
}

let ui: Ui;
let went: object[];
let questions: Question[];
let notifications: { updateWaits: boolean };

beforeEach(() => {
  went = [];
  questions = [];
  notifications = Object.assign(new Model(), { updateWaits: false });
  ui = Object.assign(new Model(), {
    app: { notifications } as unknown as App,
    route: { at: "list" },
    go: (route: object) => void went.push(route),
    ask: (question: Question) => void questions.push(question),
    run: (act: () => Promise<unknown>) => void act(),
  }) as unknown as Ui;
});

/** Of what Lit calls by itself in a page. */
interface Drawing {
  render(): unknown;
  willUpdate(changes: Map<string, unknown>): void;
}

/** It is drawn when a test asks for it: there is no page to put it into. */
function made<V extends View>(view: V, session: Session, more: object = {}): V & Drawing {
  const given = { ui, session, ...more };
  return Object.assign(view, { performUpdate: () => {}, ...given }) as unknown as V & Drawing;
}

const shown = <V extends View>(view: V, session: Session, more: object = {}): unknown =>
  made(view, session, more).render();

describe("the list of chats", () => {
  const list = (chats: ChatEntry[], more: object = {}) =>
    shown(new ChatList(), sessionWith(chats, more).session);

  test.each([
    [0, undefined],
    [1, "1"],
    [999, "999"],
    [1_000, "999+"],
  ])("shows that %d are unread as %s", (unread, badge) => {
    const row = drawn(list([entry("c1", { unread })]));
    expect(/class="badge" aria-hidden="true">([^<]*)</.exec(row)?.[1]).toBe(badge);
    expect(row.includes("has-unread")).toBe(unread > 0);
    expect(row.includes(en.unread(unread))).toBe(unread > 0);
  });
  test("shows what was written last: who in a group, and how far one's own is", () => {
    const last = { sender: "raju", sentAt: NOON, text: "Hi", kind: "text", state: State.READ };
    expect(said(list([entry("c1")]))).toContain("Hey");
    expect(said(list([entry("c1")]))).not.toContain("ravi: Hey");
    expect(said(list([entry("c1", { kind: "group" })]))).toContain("ravi: Hey");
    const own = drawn(list([entry("c1", { kind: "group", last: last as StoredMessage })]));
    expect(own).toContain("ticks state-4");
    expect(own).not.toContain("raju: ");
    expect(said(list([entry("c1", { last: undefined })]))).toContain(en.noTextYet);
  });
  test("shows who types before all else, and a draft of what is not open", () => {
    const drafts = { of: (chat: string) => (chat === "c1" ? "not sent" : "") };
    expect(said(list([entry("c1")], { drafts }))).toContain(`${en.draft}: not sent`);
    expect(said(list([entry("c1")], { drafts, typing: () => ["ravi"] }))).toContain(en.typing);
    Object.assign(ui, { route: { at: "chat", chat: "c1" } });
    expect(said(list([entry("c1")], { drafts }))).toContain("Hey");
  });
  test("marks the open one, who is online, and what is muted", () => {
    expect(drawn(list([entry("c1")]))).not.toContain("aria-current=true");
    expect(said(list([entry("c1")]))).not.toContain(en.muted);
    Object.assign(ui, { route: { at: "info", chat: "c1" } });
    expect(drawn(list([entry("c1")]))).toContain("aria-current=true");
    expect(said(list([entry("c1")], { isMuted: () => true }))).toContain(en.muted);
    const presence = (online: boolean) => ({ presence: new Map([["ravi", { online }]]) });
    expect(said(list([entry("c1")], presence(true)))).toContain(en.online);
    expect(said(list([entry("c1")], presence(false)))).not.toContain(en.online);
  });
  test("has what strangers and groups ask for behind one row, and not among the chats", () => {
    const isRequest = (chat: string) => chat === "c1";
    const both = list([entry("c1"), entry("c2")], { isRequest, invitations: [{}] });
    expect(said(both)).toContain(en.requestsWaiting(2));
    expect(drawn(both)).not.toContain("#/chat/c1");
    expect(drawn(list([entry("c2")]))).not.toContain("requests-row");
  });
});

describe("what is below a chat", () => {
  const foot = (more: object, of: Partial<ChatEntry> = {}) => {
    const given = sessionWith([entry("c1", of)], more);
    const conversation = { chat: "c1" };
    return { ...given, view: shown(new ConversationView(), given.session, { conversation }) };
  };

  test("is where one writes, unless the user has left or has blocked the other one", async () => {
    expect(drawn(foot({}).view)).toContain("<switchboard-composer");
    const left = foot({ blocked: new Set(["ravi"]), isRequest: () => true }, { left: true });
    expect(said(left.view)).toContain(en.notMember);
    expect(drawn(left.view)).not.toContain("<switchboard-composer");
    const blocked = foot({ blocked: new Set(["ravi"]) });
    expect(said(blocked.view)).toContain(en.blockedText("ravi"));
    expect(drawn(blocked.view)).not.toContain("<switchboard-composer");
    await actions(blocked.view).at(-1)?.();
    await vi.waitFor(() => expect(blocked.asked).toEqual(["forget ravi", "refresh"]));
    const other = foot({ blocked: new Set(["meena"]) });
    expect(drawn(other.view)).toContain("<switchboard-composer");
  });
  test("is a choice where a stranger asks: block, decline, accept", async () => {
    for (const [at, acts, goes] of [
      [-3, "block ravi", true],
      [-2, "decline c1", true],
      [-1, "accept c1", false],
    ] as const) {
      const { view, asked } = foot({ isRequest: () => true });
      went = [];
      expect(drawn(view)).not.toContain("<switchboard-composer");
      actions(view).at(at)?.();
      await vi.waitFor(() => expect(asked).toEqual([acts, "refresh"]));
      if (goes) await vi.waitFor(() => expect(went).toEqual([{ at: "list" }]));
      else expect(went).toEqual([]);
    }
  });
  test("and above it a warning where somebody's keys have changed, and only theirs", () => {
    expect(drawn(foot({}).view)).not.toContain('role="alert"');
    expect(drawn(foot({ changedKeys: new Set(["meena"]) }).view)).not.toContain('role="alert"');
    const { view } = foot({ changedKeys: new Set(["ravi"]) });
    expect(drawn(view)).toContain('role="alert"');
    expect(said(view)).toContain(en.held("ravi"));
    for (const act of actions(view)) act();
    expect(went).toContainEqual({ at: "verify", chat: "c1", user: "ravi" });
  });
  test.each([
    [{ presence: new Map([["ravi", { online: true }]]) }, en.online],
    [{ presence: new Map([["ravi", { online: true }]]), typing: () => ["ravi"] }, en.typing],
    [{ presence: new Map([["ravi", { online: false, lastSeen: 1 }]]) }, en.lastSeen("")],
  ])("says under its title who is there: %#", (more, expected) => {
    expect(said(foot(more).view)).toContain(expected.trim());
  });
});

describe("the state of the connection", () => {
  const bar = (link: Link, more: object = {}) => {
    const given = sessionWith([], { link, ...more });
    return { ...given, view: shown(new LinkBar(), given.session) };
  };

  test.each<[Link, string]>([
    [{ at: "connecting" }, en.connecting],
    [{ at: "catching-up" }, en.catchingUp],
    [{ at: "connected" }, en.connected],
    [{ at: "stopped" }, en.stopped],
  ])("%j is said, and there is nothing to press", (link, state) => {
    expect(said(bar(link).view)).toContain(state);
    expect(actions(bar(link).view)).toEqual([]);
  });
  test("that is waited for has the seconds that are left, which are not read out, and a button", () => {
    const { view, asked } = bar({ at: "waiting", until: Date.now() + 4_500 });
    expect(drawn(view)).toContain(`role="status">${en.noConnection}<`);
    expect(said(view)).toContain(en.waitingFor("in 5 seconds"));
    actions(view)[0]?.();
    expect(asked).toEqual(["now"]);
    expect(said(bar({ at: "waiting", until: 0 }).view)).toContain(en.connecting);
  });
  test("has above it that nothing is kept, and that a newer page waits", () => {
    const connected: Link = { at: "connected" };
    expect(said(bar(connected).view)).not.toContain(en.storeFailing);
    expect(said(bar(connected, { storeFailing: true }).view)).toContain(en.storeFailing);
    expect(said(bar(connected).view)).not.toContain(en.updateWaits);
    notifications.updateWaits = true;
    expect(said(bar(connected).view)).toContain(en.updateWaits);
  });
});

test("a group that invites is joined and opened, or declined", async () => {
  const { session, asked } = sessionWith([], { invitations: [{ chat: "c9", by: "ravi" }] });
  const view = requests(ui, session);
  expect(said(view)).toContain(en.invitationFrom("ravi"));
  const [, decline, accept] = actions(view);
  decline?.();
  await vi.waitFor(() => expect(asked).toEqual(["decline c9", "refresh"]));
  accept?.();
  await vi.waitFor(() => expect(went).toEqual([{ at: "chat", chat: "c9" }]));
  expect(said(requests(ui, sessionWith([]).session))).toContain(en.noRequests);
});

test("this device is not removed here, another one after a question", async () => {
  const removed: string[] = [];
  const client = {
    device: "web",
    devices: async () => [
      { device: "web", verified: true },
      { device: "old", verified: false },
    ],
    listen: () => () => {},
    removeDevice: async (device: string) => void removed.push(device),
  };
  const { session } = sessionWith([], { client });
  const view = made(new Devices(), session);
  view.connectedCallback();
  const text = () => said(view.render());
  await vi.waitFor(() => expect(text()).toContain("old"));
  expect(text()).toContain(`web ${en.thisDevice}`);
  expect(text()).toContain(`old ${en.notVerified}`);
  actions(view.render()).at(-1)?.();
  expect(removed).toEqual([]);
  expect(questions).toMatchObject([{ danger: true }]);
  await questions[0]?.run("");
  expect(removed).toEqual(["old"]);
});

describe("a comparison of emoji", () => {
  const EMOJI = [{ picture: "🐶", name: "Dog" }];

  async function compared(stage: string | undefined, more: object = {}, device: object = {}) {
    const comparison = { stage, emoji: EMOJI, reason: undefined, ...more };
    const known = stage && [["ravi/phone", { chat: "c1", comparison }] as const];
    const given = sessionWith([entry("c1")], { comparisons: new Map(known || []) });
    Object.assign(given.session.client, {
      devices: async () => [{ device: "phone", verified: false, pending: undefined, ...device }],
    });
    Object.assign(given.session.client.verification, {
      safetyNumber: async () => ({ digits: "12345 67890", qr: "code" }),
    });
    const view = made(new Verify(), given.session, { chat: "c1", user: "ravi" });
    view.willUpdate(new Map());
    await vi.waitFor(() => expect(said(view.render())).toContain("12345 67890"));
    return { ...given, view: view.render() };
  }
  const buttons = (view: unknown) =>
    [...drawn(view).matchAll(/<button[^>]*>(.*?)<\/button>/g)].map(([, text]) => text?.trim());

  test.each([
    [undefined, [en.askDevice("phone")]],
    ["requested", [en.cancel]],
    ["asked", [en.accept, en.cancel]],
    ["comparing", [en.theyDiffer, en.theySame, en.cancel]],
    ["confirmed", [en.cancel]],
    ["verified", [en.askDevice("phone")]],
    ["cancelled", [en.askDevice("phone")]],
  ])("that is %s can go on by: %j", async (stage, expected) => {
    const { view } = await compared(stage);
    expect(buttons(view).slice(-expected.length)).toEqual(expected);
    expect(drawn(view).includes("🐶")).toBe(stage === "comparing" || stage === "confirmed");
  });
  test("is decided by what its buttons say", async () => {
    const { view, asked } = await compared("comparing");
    for (const act of actions(view).slice(-3)) act();
    await vi.waitFor(() =>
      expect(asked).toEqual(["ravi/phone false", "ravi/phone true", "cancel ravi/phone"]),
    );
  });
  test("that proves nothing is said to, whatever it was that differed", async () => {
    for (const reason of ["mismatched_sas", "mismatched_commitment", "mismatched_mac"]) {
      expect(said((await compared("cancelled", { reason })).view)).toContain(en.stage.mismatch);
    }
    const { view } = await compared("cancelled", { reason: "user" });
    expect(said(view)).not.toContain(en.stage.mismatch);
  });
  test("is not begun with changed keys, which are named and believed by a button", async () => {
    const pending = { ed25519: "NEWKEY", curve25519: "c" };
    const { view, session, asked } = await compared(undefined, {}, { pending });
    expect(said(view)).toContain("NEWKEY");
    expect(said(view)).toContain(en.keysChanged);
    expect(buttons(view)).not.toContain(en.askDevice("phone"));
    session.changedKeys.add("ravi");
    actions(view)[1]?.();
    await vi.waitFor(() => expect(asked).toEqual(["believe ravi"]));
    expect(session.changedKeys.has("ravi")).toBe(true); // the directory still shows them
  });
  test.each([
    [{ verified: true }, en.verified],
    [{ verified: false }, en.notVerified],
    [{ verified: true, pending: { ed25519: "NEWKEY" } }, en.keysChanged],
  ])("is with a device that says how far it is trusted: %#", async (device, expected) => {
    expect(said((await compared(undefined, {}, device)).view)).toContain(`phone ${expected}`);
  });
});

test.each([
  [{ name: "Trip", members: ["raju", "ravi"] }, "Trip"],
  [{ name: "", members: ["raju", "ravi"] }, "ravi"],
  [{ name: undefined, members: ["raju", "a", "b", "c", "d"] }, "a, b, c, d"],
  [{ name: undefined, members: ["raju", "a", "b", "c", "d", "e"] }, en.andMore("a, b, c", 2)],
  [{ name: undefined, members: ["raju"] }, en.group],
])("a chat is called what it is named, or by the others in it: %#", (chat, title) => {
  const of = entry("c1", chat as Partial<ChatEntry>);
  expect(titleOf(of, sessionWith([of]).session)).toBe(title);
});

test("a group has its own picture or none, and a direct chat that of the other one", () => {
  const of = entry("c1");
  expect(pictureOf(of, sessionWith([of]).session)).toBe("picture of ravi");
  const group = entry("c1", { kind: "group", picture: undefined });
  expect(pictureOf(group, sessionWith([group]).session)).toBeUndefined();
  expect(pictureOf({ ...group, picture: "x" }, sessionWith([group]).session)).toBe("x");
});

test("users are read as they are typed, each once", () => {
  expect(usersIn(" Raju, meena;raju  MIRA ")).toEqual(["raju", "meena", "mira"]);
});

test.each([
  [new Unreachable("x"), en.unreachable],
  [new CannotLink("expired"), en.notLinked.expired],
  [new ApiError("rate_limited", "x", 429, 5), en.limited],
  [new RangeError("x"), en.failed("x")],
])("%s is said in a sentence", (error, sentence) => {
  expect(reasonIn(error)).toBe(sentence);
});

/** What the views show of a session, and what their buttons do, without a browser. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatEntry } from "../../src/app/model/chat-entries.ts";
import { HandedOver } from "../../src/app/model/guest.ts";
import type { Link } from "../../src/app/model/link.ts";
import type { Session } from "../../src/app/model/session.ts";
import { ChatInfo } from "../../src/app/views/chat-info.ts";
import { ChatList } from "../../src/app/views/chat-list.ts";
import { ConversationView } from "../../src/app/views/conversation.ts";
import { Devices } from "../../src/app/views/devices.ts";
import { LinkBar } from "../../src/app/views/link-bar.ts";
import { requests } from "../../src/app/views/requests.ts";
import { Problem, reasonIn } from "../../src/app/views/ui.ts";
import type { View } from "../../src/app/views/view.ts";
import { en } from "../../src/app/words/en.ts";
import {
  ApiError,
  CannotLink,
  FileDamaged,
  NotAMember,
  State,
  type StoredMessage,
  StoreUnavailable,
  Unreachable,
} from "../../src/client/index.ts";
import { actions, drawn, press, said, settled } from "./drawn.ts";
import { entry, made, NOON, sessionWith, uiOf } from "./view-scene.ts";

let page: ReturnType<typeof uiOf>;

beforeEach(() => {
  page = uiOf();
});

const shown = <V extends View>(view: V, session: Session, more: object = {}): unknown =>
  made(view, { ui: page.ui, session, ...more }).render();

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
    Object.assign(page.ui, { route: { at: "chat", chat: "c1" } });
    expect(said(list([entry("c1")], { drafts }))).toContain("Hey");
  });
  test("is searched by what chats are called and who is in them, however it is typed", () => {
    const session = sessionWith([
      entry("c1", { name: "Trip" }),
      entry("c2", { name: "Work" }),
    ]).session;
    const view = made(new ChatList(), { ui: page.ui, session });
    for (const [typed, found] of [
      ["TRI", true],
      ["ravi", true],
      ["work", false],
    ] as const) {
      const [input] = actions(view.render(), "input") as ((event: object) => void)[];
      input?.({ target: { value: typed } });
      expect(said(view.render()).includes("Trip")).toBe(found);
    }
  });
  test("marks the open one, who is online, and what is muted", () => {
    expect(drawn(list([entry("c1")]))).not.toContain("aria-current=true");
    expect(said(list([entry("c1")]))).not.toContain(en.muted);
    Object.assign(page.ui, { route: { at: "info", chat: "c1" } });
    expect(drawn(list([entry("c1")]))).toContain("aria-current=true");
    expect(said(list([entry("c1")], { isMuted: () => true }))).toContain(en.muted);
    const presence = (online: boolean) => ({ presence: new Map([["ravi", { online }]]) });
    expect(said(list([entry("c1")], presence(true)))).toContain(en.online);
    expect(said(list([entry("c1")], presence(false)))).not.toContain(en.online);
  });
  test("has what strangers and groups ask for behind one row, and not among the chats", () => {
    const isRequest = (chat: string) => chat === "c1";
    const more = { isRequest, requests: [entry("c1")], invitations: [{}] };
    const both = list([entry("c1"), entry("c2")], more);
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
      page.went.length = 0;
      expect(drawn(view)).not.toContain("<switchboard-composer");
      actions(view).at(at)?.();
      await vi.waitFor(() => expect(asked).toEqual([acts, "refresh"]));
      if (goes) await vi.waitFor(() => expect(page.went).toEqual([{ at: "list" }]));
      else expect(page.went).toEqual([]);
    }
  });
  test.each([-3, -2])("leads nobody away who went elsewhere meanwhile: %#", async (at) => {
    const done = Promise.withResolvers<void>();
    const { view, asked } = foot({ isRequest: () => true, refreshPeople: () => done.promise });
    actions(view).at(at)?.();
    page.ui.route = { at: "requests" };
    done.resolve();
    await settled();
    expect(asked).toHaveLength(1);
    expect(page.went).toEqual([]);
  });
  test("and above it a warning where somebody's keys have changed, and only theirs", () => {
    expect(drawn(foot({}).view)).not.toContain('role="alert"');
    expect(drawn(foot({ changedKeys: new Set(["meena"]) }).view)).not.toContain('role="alert"');
    const { view } = foot({ changedKeys: new Set(["ravi"]) });
    expect(drawn(view)).toContain('role="alert"');
    expect(said(view)).toContain(en.held("ravi"));
    for (const act of actions(view)) act();
    expect(page.went).toContainEqual({ at: "verify", chat: "c1", user: "ravi" });
  });
  test.each([
    [{ presence: new Map([["ravi", { online: true }]]) }, en.online],
    [{ presence: new Map([["ravi", { online: true }]]), typing: () => ["ravi"] }, en.typing],
    [{ presence: new Map([["ravi", { online: false, lastSeen: 1 }]]) }, en.lastSeen("")],
  ])("shows under its title who is there: %#", (more, expected) => {
    expect(said(foot(more).view)).toContain(expected.trim());
  });
});

test("what is about a chat leads to verification, but not of a stranger's request", () => {
  for (const asked of [false, true]) {
    const { session } = sessionWith([entry("c1")], { isRequest: () => asked });
    const view = drawn(shown(new ChatInfo(), session, { chat: "c1" }));
    expect(view.includes("#/chat/c1/verify/ravi")).toBe(!asked);
    expect(view).toContain(en.block);
  }
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
  ])("%j is shown, and there is nothing to press", (link, state) => {
    expect(said(bar(link).view)).toContain(state);
    expect(actions(bar(link).view)).toEqual([]);
  });
  test("that is waited for has the seconds that are left, which are not read out, and a button", () => {
    const { view, asked } = bar({ at: "waiting", until: Date.now() + 4_500, notBefore: 0 });
    expect(drawn(view)).toContain(`role="status">${en.noConnection}<`);
    expect(drawn(view)).toContain(`aria-hidden="true">${en.waitingFor("in 5 seconds")}<`);
    actions(view)[0]?.();
    expect(asked).toEqual(["now"]);
    expect(said(bar({ at: "waiting", until: 0, notBefore: 0 }).view)).toContain(en.connecting);
  });
  test.each([
    ["rate_limited", en.goesOn.rate_limited],
    ["conflict", en.tooManyDevices],
    ["bad_request", en.errors.bad_request],
    ["of_a_newer_server", en.failed("why")],
  ])("that was rejected with %s shows why, and when it is tried again", (code, why) => {
    const rejected = { code, message: "why" };
    const until = Date.now() + 4_500;
    const { view } = bar({ at: "waiting", until, notBefore: until, rejected });
    expect(actions(view)).toEqual([]); // nothing is tried before the backend allows it
    expect(drawn(view)).toContain(`role="status">${why}<`);
    expect(drawn(view)).toContain(`aria-hidden="true">${why} ${en.nextTry("in 5 seconds")}<`);
  });
  test("has above it that nothing is kept, and that a newer page waits", () => {
    const connected: Link = { at: "connected" };
    expect(said(bar(connected).view)).not.toContain(en.storeFailing);
    expect(said(bar(connected, { storeFailing: true }).view)).toContain(en.storeFailing);
    expect(said(bar(connected).view)).not.toContain(en.updateWaits);
    page.notifications.updateWaits = true;
    expect(said(bar(connected).view)).toContain(en.updateWaits);
  });
});

test("a group that invites is joined and opened, or declined", async () => {
  const { session, asked } = sessionWith([], { invitations: [{ chat: "c9", by: "ravi" }] });
  const view = requests(page.ui, session);
  expect(said(view)).toContain(en.invitationFrom("ravi"));
  const [, decline, accept] = actions(view);
  decline?.();
  await vi.waitFor(() => expect(asked).toEqual(["decline c9", "refresh"]));
  expect(page.went).toEqual([]);
  accept?.();
  await vi.waitFor(() => expect(page.went).toEqual([{ at: "chat", chat: "c9" }]));
  expect(said(requests(page.ui, sessionWith([]).session))).toContain(en.noRequests);

  page.went.length = 0;
  accept?.();
  page.ui.route = { at: "settings" };
  await settled();
  expect(asked.at(-1)).toBe("refresh");
  expect(page.went).toEqual([]);
});

test("the list of devices is there also where the backend has no names for them", async () => {
  const client = {
    device: "web",
    devices: {
      of: async () => [
        { device: "web", verified: true },
        { device: "old", verified: false },
      ],
      own: async () => Promise.reject(new Error("no such route")),
    },
    listen: () => () => {},
  };
  const { session } = sessionWith([], { client });
  const view = made(new Devices(), { ui: page.ui, session });
  view.connectedCallback();
  await vi.waitFor(() => expect(said(view.render())).toContain(`old ${en.notVerified}`));
  actions(view.render()).at(-1)?.();
  expect(page.questions).toMatchObject([{ text: en.removeDeviceText("old") }]);
});

test("this device is not removed here, another one after a question", async () => {
  const removed: string[] = [];
  const there = ["web", "new", "old"].map((device) => ({ device, verified: device === "web" }));
  const client = {
    device: "web",
    devices: {
      of: async () => [...there],
      own: async () => [
        { device: "web", label: "Chrome on Linux", connected: true, seen: 1 },
        { device: "new", label: "A browser on macOS", connected: false, seen: 0 },
        { device: "old", label: "Firefox on Linux", connected: false, seen: Date.now() },
      ],
      remove: async (device: string) => void removed.push(device),
    },
    listen: () => () => {},
  };
  const { session } = sessionWith([], { client });
  const view = made(new Devices(), { ui: page.ui, session });
  view.connectedCallback();
  const text = () => said(view.render());
  await vi.waitFor(() => expect(text()).toContain("old"));
  expect(text()).toMatch(new RegExp(`Chrome on Linux ${en.thisDevice} web +A browser on macOS`));
  expect(text()).toContain(`A browser on macOS ${en.notVerified} new ${en.remove}`);
  expect(text()).toMatch(new RegExp(`Firefox on Linux ${en.notVerified} old, last seen `));
  expect(drawn(view.render()).match(/class="danger"/g)).toHaveLength(2);
  actions(view.render()).at(-1)?.();
  expect(removed).toEqual([]);
  expect(page.questions).toMatchObject([
    { danger: true, text: en.removeDeviceText("Firefox on Linux (old)") },
  ]);
  there.pop();
  await page.questions[0]?.run("");
  expect(removed).toEqual(["old"]);
  expect(text()).not.toContain("old");
});

test("of lists of devices that are asked for at once the newest is shown, whatever comes of the others", async () => {
  const lists: PromiseWithResolvers<object[]>[] = [];
  let changed = (_: { type: string }) => {};
  const client = {
    device: "web",
    devices: {
      of: () => {
        const list = Promise.withResolvers<object[]>();
        lists.push(list);
        return list.promise;
      },
      own: async () => [],
    },
    listen: (take: typeof changed) => {
      changed = take;
      return () => {
        changed = () => {};
      };
    },
  };
  const { session } = sessionWith([], { client });
  const view = made(new Devices(), { ui: page.ui, session });
  view.connectedCallback();
  for (const type of ["device_added", "message", "devices_changed"]) changed({ type });
  expect(lists).toHaveLength(3);
  lists[2]?.resolve([{ device: "newest", verified: true }]);
  await vi.waitFor(() => expect(said(view.render())).toContain("newest"));
  lists[0]?.resolve([{ device: "oldest", verified: true }]);
  lists[1]?.reject(new Error("lost"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(said(view.render())).toContain("newest");
  expect(said(view.render())).not.toContain("oldest");
  expect(drawn(view.render())).not.toContain('role="alert"');
  changed({ type: "devices_changed" });
  lists[3]?.reject(new Error("away"));
  await vi.waitFor(() => expect(said(view.render())).toContain(en.failed("away")));
  changed({ type: "devices_changed" });
  lists[4]?.resolve([]);
  await vi.waitFor(() => expect(drawn(view.render())).not.toContain('role="alert"'));
  view.disconnectedCallback();
  changed({ type: "devices_changed" });
  expect(lists).toHaveLength(5);
});

test("what is typed is stored before a newer page takes over", async () => {
  const done: string[] = [];
  const drafts = { flush: async () => void done.push("stored") };
  page.notifications.updateWaits = true;
  Object.assign(page.notifications, { update: () => done.push("takes over") });
  press(shown(new LinkBar(), sessionWith([], { drafts }).session), en.update);
  await vi.waitFor(() => expect(done).toEqual(["stored", "takes over"]));
});

test.each([
  [new Unreachable("x"), en.unreachable],
  [new CannotLink("expired"), en.notLinked.expired],
  [new ApiError("of_a_newer_server", "x", 418), en.failed("x")],
  [new FileDamaged(), en.fileDamaged],
  [new NotAMember(), en.notMember],
  [new StoreUnavailable("full"), en.notKept],
  [new RangeError("x"), en.failed("x")],
  [new HandedOver(), en.handedOver],
  [new Problem("a sentence"), "a sentence"],
])("%s is reported in a sentence", (error, sentence) => {
  expect(reasonIn(error)).toBe(sentence);
});

/** What a session makes of the client's events, and what it asks for: a client without a backend. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Comparison } from "../../src/client/index.ts";
import { device, direct, listed, NOW, session, times, useSession } from "./session-device.ts";

useSession();
const soon = () => vi.advanceTimersByTimeAsync(100);
const order = () => session.chats.map(({ chat }) => chat);

describe("the list of chats", () => {
  test("has the newest first, and above all what waits for its place", async () => {
    device.summaries = ["c1", "c2", "c3", "c4"].map((chat) => direct(chat, `peer_${chat}`));
    device.histories.set("c1", [{ sentAt: 1 }]);
    device.histories.set("c2", [{ sentAt: 3 }]);
    device.histories.set("c3", [{ sentAt: undefined }]);
    await session.begin();
    expect(order()).toEqual(["c3", "c2", "c1", "c4"]);
    device.histories.set("c1", [{ sentAt: 4 }]);
    device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
    await soon();
    expect(order()).toEqual(["c3", "c1", "c2", "c4"]);
    expect(session.entry("c1")?.last).toEqual({ sentAt: 4 });
  });
  test("reads again what has changed, and that once for what changes together", async () => {
    device.summaries = [direct("c1", "ravi"), direct("c2", "meena")];
    await session.begin();
    await soon();
    device.asked.length = 0;
    for (const type of ["message", "state", "watermarks"]) {
      device.tell({ type, chat: "c1", sender: "ravi", user: "ravi" });
    }
    await soon();
    expect([times("history c1"), times("history c2")]).toEqual([1, 0]);
  });
  test("reads again what changes while it is being read", async () => {
    device.summaries = [direct("c1", "ravi")];
    await session.begin();
    await soon();
    const { all } = device.chats;
    device.chats.all = async () => {
      device.chats.all = all;
      device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
      return device.summaries;
    };
    device.histories.set("c1", [{ sentAt: 1 }]);
    await session.known("c2");
    device.histories.set("c1", [{ sentAt: 2 }]);
    await soon();
    expect(session.entry("c1")?.last).toEqual({ sentAt: 2 });
  });
  test("watches the others of direct chats, each once, and nobody of a chat that was left", async () => {
    device.summaries = [
      direct("c1", "ravi"),
      direct("c2", "meena", { left: true }),
      { ...direct("c3", "lena"), kind: "group" },
    ];
    await session.begin();
    device.summaries.push(direct("c4", "mira"));
    await session.known("c4");
    expect(device.asked.filter((each) => each.startsWith("watch"))).toEqual([
      "watch ravi",
      "watch mira",
    ]);
  });
  test("is asked about a chat of which the kind is not known, once", async () => {
    device.summaries = [direct("c1", "ravi")];
    device.listed = [listed("c1")];
    await session.begin();
    await soon();
    device.asked.length = 0;
    device.summaries.push(direct("c2", "meena"), direct("c3", "mira", { left: true }));
    for (const _ of [1, 2]) {
      await session.known("c2");
      await soon();
    }
    expect(times("people")).toBe(1);
  });
});

describe("who is there", () => {
  test("is what was reported last, and nobody's once the connection is lost", async () => {
    device.tell({ type: "presence", user: "ravi", online: true, lastSeen: undefined });
    expect(session.presence.get("ravi")?.online).toBe(true);
    device.tell({ type: "presence", user: "ravi", online: false, lastSeen: 7 });
    expect(session.presence.get("ravi")).toEqual({ online: false, lastSeen: 7 });
    device.tell({ type: "disconnected", reason: "", retryIn: 2_000 });
    expect(session.presence.size).toBe(0);
    expect(session.link).toEqual({ at: "waiting", until: NOW + 2_000, notBefore: NOW });
  });
  test("and types is shown for six seconds after the last word of it, or until the text is there", async () => {
    const types = (user: string) => device.tell({ type: "typing", chat: "c1", user });
    types("ravi");
    await vi.advanceTimersByTimeAsync(5_000);
    types("ravi");
    types("meena");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(session.typing("c1")).toEqual(["ravi", "meena"]);
    expect(session.typing("c2")).toEqual([]);
    device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
    expect(session.typing("c1")).toEqual(["meena"]);
    await vi.advanceTimersByTimeAsync(999);
    const drawn = vi.fn();
    session.watch(drawn);
    await vi.advanceTimersByTimeAsync(1);
    expect([session.typing("c1"), drawn.mock.calls.length]).toEqual([[], 1]);
  });
});

test("a profile that changes is shown, and a name that nobody gave is the user's", async () => {
  device.summaries = [direct("c1", "ravi")];
  device.names.set("ravi", "Ravi K.").set("raju", "Raju");
  await session.begin();
  expect([session.nameOf("ravi"), session.nameOf("meena")]).toEqual(["Ravi K.", "meena"]);
  expect([session.nameOf("raju"), session.pictureOf("raju")]).toEqual(["Raju", undefined]);
  await session.setProfile("R.", null);
  expect(session.nameOf("raju")).toBe("R.");
  device.names.set("ravi", "Ravi");
  device.tell({ type: "profile_changed", user: "ravi" });
  await soon();
  expect(session.nameOf("ravi")).toBe("Ravi");
});

test("changed keys are known of whoever they are of, and of all for whom texts wait", () => {
  device.tell({ type: "identity_changed", user: "ravi", device: "phone" });
  device.tell({ type: "held", chat: "c1", users: ["meena", "mira"] });
  expect([...session.changedKeys]).toEqual(["ravi", "meena", "mira"]);
  const changes = vi.fn();
  session.changedHere = changes;
  session.accepted("meena");
  expect(changes.mock.calls).toEqual([[{ type: "accepted", user: "meena" }]]);
  session.changedElsewhere({ type: "accepted", user: "mira" });
  expect([...session.changedKeys]).toEqual(["ravi"]);
});

test("a comparison is known by the device that it is with", () => {
  const comparison = { peer: { name: "ravi/phone" } } as Comparison;
  device.tell({ type: "comparison", chat: "c1", comparison });
  expect(session.comparisons.get("ravi/phone")).toMatchObject({ chat: "c1", comparison });
});

test("a session that is over reads nothing again, and keeps no file that it has shown", async () => {
  device.summaries = [direct("c1", "ravi")];
  await session.begin();
  await soon();
  const closes = vi.spyOn(session.files, "close");
  device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
  await session.close();
  device.asked.length = 0;
  await soon();
  expect([times("history c1"), closes.mock.calls.length]).toEqual([0, 1]);
});

test("that nothing can be kept is shown until something was", () => {
  const failing = ["store_failing", "connected", "store_working"].map((type) => {
    device.tell({ type, reason: "" });
    return session.storeFailing;
  });
  expect(failing).toEqual([true, true, false]);
});

test("what the backend alone keeps is read: requests, mutes in seconds, blocks", async () => {
  device.listed = [
    listed("c1", { request: true }),
    listed("c2", { mutedUntil: NOW / 1_000 + 60 }),
    listed("c3"),
  ];
  device.contacts = new Map([
    ["ravi", "contact"],
    ["meena", "blocked"],
    ["lena", "declined"],
  ]);
  await session.refreshPeople();
  expect(["c1", "c2", "of nobody"].map((chat) => session.isRequest(chat))).toEqual([
    true,
    false,
    false,
  ]);
  const muted = [0, 59_999, 60_000].map((later) => session.isMuted("c2", NOW + later));
  expect(muted).toEqual([true, true, false]);
  expect(session.isMuted("c3", NOW)).toBe(false);
  expect([...session.blocked]).toEqual(["meena"]);
});

test("a request waits until whoever asks is declined or blocked", async () => {
  device.summaries = ["c1", "c2", "c3"].map((chat) => direct(chat, `peer_${chat}`));
  device.listed = [
    listed("c1", { request: true }),
    listed("c2", { request: true, blocked: true }),
    listed("c3"),
  ];
  await session.begin();
  await session.refreshPeople();
  expect(session.requests.map(({ chat }) => chat)).toEqual(["c1"]);
});

describe("whether a request was answered on another device is asked", () => {
  beforeEach(async () => {
    device.summaries = [direct("c1", "ravi"), direct("c2", "meena")];
    device.listed = [listed("c1", { request: true }), listed("c2")];
    await session.begin();
    await session.refreshPeople();
    await soon();
    device.asked.length = 0;
  });

  test.each([
    ["the user writes in it", "c1", true, 1],
    ["the other one does", "c1", false, 0],
    ["the user writes in another chat", "c2", true, 0],
  ])("where %s: %s, %s", async (_what, chat, own, times_) => {
    device.tell({ type: "message", chat, sender: own ? "raju" : "ravi", own });
    await soon();
    expect(times("people")).toBe(times_);
  });
  test.each([
    ["c1", 1],
    ["c2", 0],
  ])("when it is opened: %s", async (chat, times_) => {
    await session.openChat(chat);
    await soon();
    expect(times("people")).toBe(times_);
  });
});

test.each(["caught_up", "chat_changed", "invited"])(
  "%s has the backend asked again",
  async (type) => {
    device.tell({ type });
    await soon();
    expect(times("people")).toBe(1);
  },
);

test.each([
  [3, []],
  [5, []],
  [6, ["read c1 6", "history c1"]],
])("what was seen up to %d, of what is read up to 5, leads to %j", async (seq, asked) => {
  device.summaries = [direct("c1", "ravi", { read: 5 })];
  await session.begin();
  await soon();
  device.asked.length = 0;
  const changes = vi.fn();
  session.changedHere = changes;
  await session.sawUpTo("c1", seq);
  await soon();
  expect(device.asked).toEqual(asked);
  expect(changes).toHaveBeenCalledTimes(asked.length > 0 ? 1 : 0);
});

test("the peer is the other one of a direct chat, and of no other chat", async () => {
  device.summaries = [direct("c1", "ravi"), { ...direct("c2", "meena"), kind: "group" }];
  await session.begin();
  const peers = ["c1", "c2", "c3"].map((chat) => session.peer(chat));
  expect(peers).toEqual(["ravi", undefined, undefined]);
});

test("a chat whose kind is not known is asked about, and then known", async () => {
  device.summaries = [direct("c1", "ravi", { kind: undefined })];
  device.listed = [listed("c1", { request: true })];
  device.chats.refresh = async () => {
    device.summaries = [direct("c1", "ravi")];
  };
  await session.begin();
  await soon();
  expect(session.entry("c1")?.kind).toBe("direct");
  expect(session.isRequest("c1")).toBe(true);
});

test("what comes into an open chat is shown in it, and what comes into others is not", async () => {
  device.summaries = [direct("c1", "ravi"), direct("c2", "meena")];
  await session.begin();
  await session.openChat("c1");
  device.tell({ type: "message", chat: "c2", sender: "meena", own: false });
  expect(session.open?.arrived).toBe(0);
  device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
  expect(session.open?.arrived).toBe(1);
});

test("when something last came into a chat is known when it is opened", async () => {
  vi.advanceTimersByTime(500);
  device.tell({ type: "message", chat: "c1", sender: "raju", own: true });
  await session.openChat("c1");
  expect(session.open?.lastArrival).toBe(0);
  await session.openChat(undefined);
  const at = performance.now();
  device.tell({ type: "message", chat: "c1", sender: "ravi", own: false });
  await session.openChat("c1");
  expect(session.open?.lastArrival).toBe(at);
});

test("drafts that are typed here reach the other tabs", () => {
  const draft = (text: string, changes: number) =>
    ({ type: "draft", chat: "c1", draft: { text, changes } }) as const;
  const reported = vi.fn();
  session.changedHere = reported;
  session.drafts.typed("c1", "some");
  session.changedElsewhere(draft("more", 2));
  expect(session.drafts.of("c1")).toBe("more");
  expect(reported.mock.calls).toEqual([[draft("some", 1)]]);
});

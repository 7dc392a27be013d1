/** Several tabs of one device: one has it, and the others work through that one. */

import { afterEach, expect, test, vi } from "vitest";
import type { Change, Snapshot } from "../../src/app/model/calls.ts";
import { channelOf, fromRaised, toRaised } from "../../src/app/model/calls.ts";
import { Guest, HandedOver } from "../../src/app/model/guest.ts";
import { Holder } from "../../src/app/model/holder.ts";
import { Model } from "../../src/app/model/model.ts";
import type { Session } from "../../src/app/model/session.ts";
import { Tabs } from "../../src/app/model/tabs.ts";
import {
  ApiError,
  CannotLink,
  type ChatClient,
  type Event,
  NotAMember,
  Unreachable,
} from "../../src/client/index.ts";

const NOW: Snapshot = {
  link: { at: "connected" },
  presence: new Map([["raju", { online: true, lastSeen: undefined }]]),
  comparisons: new Map(),
  changedKeys: new Set(["meena"]),
  problem: undefined,
  storeFailing: false,
  drafts: new Map([["c1", { text: "a draft", changes: 1 }]]),
};
const OF = { user: "ravi", device: "web-1" };
let database = 0;
const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A client that says what it was asked, as `by`. */
function clientOf(by: string) {
  const listeners = new Set<(event: Event) => void>();
  const asked: string[] = [];
  const stuck = new Set<string>();
  const does = async (what: string) => {
    asked.push(what);
    if (stuck.has(what)) await new Promise(() => {});
    return `${what} by ${by}`;
  };
  const client = {
    ...OF,
    connecting: true,
    send: (chat: string, text: string) => does(`send ${chat} ${text}`),
    signOut: () => does("never asked here"),
    chats: {
      direct: async () => {
        throw new NotAMember();
      },
    },
    messages: {
      history: (chat: string) => does(`history ${chat}`),
      fetchFile: async (_chat: string, _file: object, progress: (...how: number[]) => void) => {
        progress(1, 2);
        return new Uint8Array([7]);
      },
    },
    people: { add: (user: string) => does(`add ${user}`) },
    listen: (listener: (event: Event) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {},
  };
  const tell = (event: Event) => {
    for (const each of listeners) each(event);
  };
  return { client: client as unknown as ChatClient, asked, stuck, tell };
}

function holderOf(name: string, by: string) {
  const device = clientOf(by);
  const changes: Change[] = [];
  const session = Object.assign(new Model(), {
    client: device.client,
    now: NOW,
    link: NOW.link,
    changedHere: undefined as ((change: Change) => void) | undefined,
    changedElsewhere: (change: Change) => void changes.push(change),
    connectNow: () => void device.asked.push("now"),
  });
  const leaving = {
    signOut: async (everywhere: boolean) => void device.asked.push(`left ${everywhere}`),
    deleteAccount: async (password: string) => void device.asked.push(`deleted ${password}`),
  };
  const holder = new Holder(name, session as unknown as Session, leaving);
  ends.push(() => holder.close());
  return { ...device, holder, session, changes };
}

function guestOf(name: string) {
  const heard = { joined: vi.fn(), changed: vi.fn(), linkIs: vi.fn(), left: vi.fn() };
  const guest = new Guest(OF, name, heard);
  ends.push(() => guest.close());
  return { guest, client: guest.client, heard };
}

async function both() {
  const name = `d${database++}`;
  const there = holderOf(name, "the first");
  const here = guestOf(name);
  await vi.waitFor(() => expect(here.heard.joined).toHaveBeenCalled());
  return { name, there, here };
}

test("a tab joins whoever has the device, also one that gets it later", async () => {
  const name = `d${database++}`;
  const { heard } = guestOf(name);
  holderOf(name, "the first");
  await vi.waitFor(() => expect(heard.joined).toHaveBeenCalledWith(NOW));
});

test("calls are carried out by the tab that has the device, and events come from it", async () => {
  const { there, here } = await both();
  const { client, heard } = here;
  expect([client.user, client.device, client.connecting]).toEqual(["ravi", "web-1", true]);
  expect(await client.messages.history("c1")).toBe("history c1 by the first");
  expect(await client.people.add("raju")).toBe("add raju by the first");
  await expect(client.chats.direct("raju")).rejects.toBeInstanceOf(NotAMember);
  const progress = vi.fn();
  expect(await client.messages.fetchFile("c1", {} as never, progress)).toEqual(new Uint8Array([7]));
  expect(progress).toHaveBeenCalledWith(1, 2);
  const events: Event[] = [];
  client.listen((event) => events.push(event));
  there.holder.setUserLeaving(true);
  there.tell({ type: "displaced" }); // `left` follows
  there.tell({ type: "connected" });
  there.session.link = { at: "connecting" };
  there.session.changed();
  await vi.waitFor(() => expect(heard.linkIs).toHaveBeenCalledWith({ at: "connecting" }));
  expect(events).toEqual([{ type: "connected" }]);
});

test("what one tab changes the others are notified of, and not the one that did it", async () => {
  const { name, there, here } = await both();
  const other = guestOf(name);
  await vi.waitFor(() => expect(other.heard.joined).toHaveBeenCalled());
  const change: Change = {
    type: "draft",
    chat: "c1",
    draft: { text: "as typed", changes: 2 },
  };
  here.guest.notify(change);
  await vi.waitFor(() => expect(other.heard.changed).toHaveBeenCalledWith(change));
  expect(there.changes).toEqual([change]);
  expect(here.heard.changed).not.toHaveBeenCalled();
  for (const other of [
    { type: "wrote", chat: "c1", what: "tail" },
    { type: "accepted", user: "raju" },
  ] as const) {
    there.session.changedHere?.(other);
    await vi.waitFor(() => expect(here.heard.changed).toHaveBeenCalledWith(other));
  }
});

test("signing out is done by the tab that has the device, and all others leave with it", async () => {
  const { there, here } = await both();
  await here.client.signOut(true);
  await here.client.signOut();
  await here.client.deleteAccount("secret");
  expect(there.asked).toEqual(["left true", "left false", "deleted secret"]);
  there.holder.left();
  await vi.waitFor(() => expect(here.heard.left).toHaveBeenCalled());
});

test("a tab of an older page asks for its own device alone, until nobody listens any more", async () => {
  const [asks, has] = [new Tabs(), new Tabs()];
  const gives = vi.fn();
  const ends = ["one", "two"].map((name) => has.listen(name, () => gives(name)));
  asks.ask("two");
  await vi.waitFor(() => expect(gives.mock.calls).toEqual([["two"]]));
  ends[1]?.();
  asks.ask("two");
  asks.ask("one");
  await vi.waitFor(() => expect(gives.mock.calls).toEqual([["two"], ["one"]]));
  ends[0]?.();
});

test("what was asked for when the user left is over, and nothing that is under way is lost before", async () => {
  const { name, there, here } = await both();
  there.stuck.add("send c1 hello");
  const settled = vi.fn();
  const sending = here.client.send("c1", "hello").then(settled, settled);
  await vi.waitFor(() => expect(there.asked).toHaveLength(1));
  const all = new BroadcastChannel(channelOf(name));
  ends.push(() => all.close());
  all.postMessage({ type: "here" }); // of the same tab once more
  await vi.waitFor(() => expect(here.heard.joined).toHaveBeenCalledTimes(2));
  await here.client.messages.history("c1");
  expect(settled).not.toHaveBeenCalled();
  expect(there.asked).toEqual(["send c1 hello", "history c1"]);
  there.holder.left();
  await sending;
  expect(settled.mock.calls).toEqual([[undefined]]);
});

test.each(["signed_out", "displaced"] as const)(
  "%s ends the session on all tabs, also where the session hears of it first and lets go",
  async (why) => {
    const { there, here } = await both();
    const events: Event[] = [];
    here.client.listen((event) => events.push(event));
    there.holder.ended(why);
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual([why]));
  },
);

test.each(["here", "elsewhere"])(
  "when the device comes %s, what may be done twice is done again and the rest is reported",
  async (where) => {
    const { name, there, here } = await both();
    there.stuck.add("history c1").add("send c1 hello");
    const history = here.client.messages.history("c1");
    const sending = here.client.send("c1", "hello");
    const failed = expect(sending).rejects.toBeInstanceOf(HandedOver);
    await vi.waitFor(() => expect(there.asked).toHaveLength(2));
    there.holder.close();
    const next = where === "here" ? clientOf("the next") : holderOf(name, "the next");
    if (where === "here") here.guest.moveTo(next.client);
    expect(await history).toBe("history c1 by the next");
    await failed;
    expect(next.asked).toEqual(["history c1"]);
    expect(await here.client.send("c1", "hello")).toBe("send c1 hello by the next");
  },
);

test.each([
  new ApiError("rate_limited", "too much", 429, 5),
  new CannotLink("expired"),
  new Unreachable("no"),
  new RangeError("an empty text is no message"),
])("$name is the same error on another tab", (error) => {
  const there = fromRaised(structuredClone(toRaised(error)));
  expect(there).toBeInstanceOf(error.constructor);
  expect({ ...there, name: there.name, message: there.message }).toMatchObject({
    ...error,
    name: error.name,
    message: error.message,
  });
});

/** What a device that was away asks for, and what it takes a response for: pages, and client rule 1. */

import { beforeEach, expect, test } from "vitest";
import type { Cipher } from "../src/client/core/cipher.ts";
import { Engine } from "../src/client/core/engine.ts";
import { ulid } from "../src/client/core/ids.ts";
import type { Output } from "../src/client/core/outputs.ts";
import { parse } from "../src/client/core/parsing.ts";
import { DEFAULTS, type Settings } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import type { Self } from "../src/client/crypto/envelope.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const START = 1_700_000_000_000;
const STEADY: Settings = { ...DEFAULTS, syncJitter: [1, 1] };

let store: Store;
let engine: Engine;
let time: number;
let outputs: Output[];
let count = 0;

beforeEach(async () => {
  store = await Store.open(`catch-up-${count++}`, tables.VERSION, tables.TABLES);
  time = START;
  await start(STEADY);
});

async function start(settings: Settings, random = 0.5): Promise<void> {
  engine = new Engine("ravi", "web", () => random, settings);
  outputs = [];
  await step((each) => engine.restore(each));
}

/** Opens each message as a text that says its seq. */
function fakeCipher(ledger: Ledger): Cipher {
  const self = { user: "ravi", device: "web", name: "ravi/web" } as Self;
  const real = new Encryption(self, ledger, time - START, time);
  const nothing = async () => ({ lists: [], claims: [], blocked: [] });
  return Object.assign(real, {
    wants: nothing,
    open: async () => ({ unreadable: "no_session" as const }),
  });
}

async function step<T>(act: (step: Step) => Promise<T> | T): Promise<T> {
  const result = await store.transaction(async (work) => {
    const ledger = new Ledger(work, "ravi", "web");
    return act({ now: time - START, time, ledger, cipher: fakeCipher(ledger) });
  });
  outputs.push(...engine.outputs());
  return result;
}

async function receive(...frames: object[]): Promise<void> {
  for (const frame of frames) {
    const parsed = parse(JSON.stringify(frame));
    if (parsed === undefined) throw new Error("no frame that is known");
    await step((each) => engine.received(each, parsed));
  }
}

async function after(ms: number): Promise<void> {
  time += ms;
  await step((each) => engine.due(each));
}

const online = () => step((each) => engine.opened(each));

const stored = (seq: number, chat = "c") => ({
  chat,
  seq,
  message_id: ulid(START + seq),
  sender: "raju",
  sender_device: "phone",
  sent_at: START,
  alg: "olm.v1",
  payload: "1.AAAA",
});
const messages = (...all: object[]) => ({ type: "messages", messages: all });
const synced = (seq: number, complete_to: number, more: object = {}) => {
  const { after = 0, missing = [], ...rest } = more as { after?: number; missing?: number[][] };
  const place = { seq, after, complete_to, missing, members: { ravi: {}, raju: {} } };
  return { type: "synced", chats: { c: place }, more: false, ...rest };
};
const nothing = (cursor?: string) => ({ type: "synced", chats: {}, more: false, cursor });
const failed = (code: string) => ({ type: "error", code, message: "", action: "sync" });

/** What was asked, without the name of the frame. */
const asked = () =>
  outputs.flatMap((each) => {
    const frame = each.type === "transmit" ? JSON.parse(each.text) : {};
    const { action, ...rest } = frame;
    return action === "sync" ? [rest] : [];
  });
const watches = () =>
  outputs.flatMap((each) => (each.type === "transmit" && each.text.includes('"watch"') ? [1] : []));
const events = (type: string) =>
  outputs.flatMap((each) =>
    each.type === "event" && each.event.type === type ? [each.event] : [],
  );
const shown = () => events("message").map((each) => ("seq" in each ? each.seq : 0));

test("messages that come together are taken as if one by one", async () => {
  await online();
  await receive(messages(stored(1), stored(2), stored(1, "d"), stored(4)));
  expect(shown()).toEqual([1, 2, 1]);
  await receive(synced(4, 4));
  expect(shown()).toEqual([1, 2, 1, 4]);
});

test("the pages of all chats are followed, and then it has caught up", async () => {
  await online();
  await receive(synced(1, 0, { more: true, cursor: "d" }));
  await receive(messages(stored(1)), synced(1, 1));
  expect(engine.resumed).toBe(false);
  await receive(nothing("x"), nothing());
  expect(asked()).toEqual([{}, { chats: { c: 0 } }, { cursor: "d" }, { cursor: "x" }]);
  expect(engine.resumed).toBe(true);
  expect(events("caught_up")).toHaveLength(1);
});

test("a page that failed is asked for again, and not the first one", async () => {
  await online();
  await receive(nothing("d"), failed("internal"));
  await after(DEFAULTS.syncBackoff);
  await receive(failed("bad_request")); // a cursor that is none any more
  await after(2 * DEFAULTS.syncBackoff);
  expect(asked()).toEqual([{}, { cursor: "d" }, { cursor: "d" }, {}]);
});

test.each(["rate_limited", "internal"])(
  "a chat whose sync gets %s is not left but asked for again",
  async (code) => {
    await online();
    await receive(synced(4, 4, { after: 3 }), failed(code));
    expect(events("chat_left")).toEqual([]);
    await after(DEFAULTS.syncBackoff);
    expect(asked()).toEqual([{}, { chats: { c: 0 } }, { chats: { c: 0 } }]);
  },
);

test("a new connection begins with the first page", async () => {
  await online();
  await receive(nothing("d"));
  await step((each) => engine.closed(each));
  await online();
  expect(asked()).toEqual([{}, { cursor: "d" }, {}]);
});

test("a device that lost its store asks from the beginning", async () => {
  await online();
  await receive(messages(stored(4)), synced(4, 4, { after: 3 }));
  expect(shown()).toEqual([]);
  await receive(messages(stored(2), stored(3)), synced(4, 4, { missing: [[1, 1]] }));
  expect(shown()).toEqual([2, 3, 4]);
  expect(asked()).toEqual([{}, { chats: { c: 0 } }]);
});

test("it does so again after a connection was lost in the middle", async () => {
  await online();
  await receive(synced(2, 2, { after: 2 }), messages(stored(1)));
  await step((each) => engine.closed(each));
  await online();
  await receive(synced(2, 2, { after: 2 }));
  expect(shown()).toEqual([1]);
  await receive(messages(stored(2)), synced(2, 2, { after: 1 }));
  expect(shown()).toEqual([1, 2]);
  expect(asked()).toEqual([{}, { chats: { c: 0 } }, {}, { chats: { c: 1 } }]);
});

test("after a backup was restored, what the server has no more is a gap", async () => {
  await online();
  await receive(messages(stored(1)), synced(1, 1));
  await step((each) => engine.closed(each));
  await online();
  await receive(messages(stored(7)), synced(7, 7, { after: 6 }));
  expect(shown()).toEqual([1]);
  await receive(messages(stored(7)), synced(7, 7, { after: 1, missing: [[2, 6]] }));
  expect(shown()).toEqual([1, 7]);
  expect(events("expired")).toMatchObject([{ first: 2, last: 6 }]);
});

test("a server that begins too far on also by name is not asked in a loop", async () => {
  await online();
  for (let number = 0; number < 5; number++) await receive(synced(4, 4, { after: 3 }));
  expect(asked()).toHaveLength(2);
  expect(shown()).toEqual([]);
});

test("nothing for lack of time is asked for later and later, and never at once", async () => {
  await online();
  const times = [time];
  for (const more of [
    { retry_after: 1 },
    { retry_after: 1 },
    { more: true },
    { more: true },
    { retry_after: 1, more: true },
  ]) {
    await receive(synced(5, 0, more));
    while (asked().length === times.length) await after(100);
    times.push(time);
  }
  const pauses = times.slice(1).map((each, place) => each - (times[place] ?? 0));
  expect(pauses).toEqual([1_000, 1_000, 4_000, 8_000, 8_000]);
});

test("a limit is shown once, and the next sync waits until its `retry_after`", async () => {
  await online();
  const limit = { type: "error", code: "rate_limited", message: "slower", action: "sync" };
  for (let number = 0; number < 3; number++) await receive({ ...limit, retry_after: 30 });
  await after(29_000);
  expect(asked()).toHaveLength(1);
  await after(30_000);
  expect(asked().length).toBeGreaterThan(1);
  expect(events("server_error")).toHaveLength(1);
});

test("a limit without `retry_after` is shown once a second at most", async () => {
  await online();
  const limit = { type: "error", code: "rate_limited", message: "slower", action: "typing" };
  for (const shown of [1, 1, 2]) {
    await receive(limit);
    expect(events("server_error")).toHaveLength(shown);
    await after(500);
  }
});

test.each([
  ["internal", 2],
  ["rate_limited", 2],
  ["forbidden", 1],
])("after %s a watch is sent %i times", async (code, times) => {
  await online();
  await step((each) => engine.watch(each, ["raju"]));
  await receive({ type: "error", code, message: "not now", action: "watch" });
  await after(1_100);
  expect(watches()).toHaveLength(times);
});

test("what many clients were given to wait for is spread", async () => {
  const waits: number[] = [];
  for (const random of [0, 0.25, 0.999]) {
    await start(DEFAULTS, random);
    await online();
    await receive(synced(5, 0, { retry_after: 4 }));
    waits.push((engine.nextDue() ?? 0) - (time - START));
  }
  expect(waits.map(Math.round)).toEqual([4_000, 4_250, 4_999]);
});

test("pauses begin anew once a response has brought something", async () => {
  await online();
  for (const [brought, pause] of [
    [[], 1_000],
    [[], 2_000],
    [[stored(1)], 1_000],
  ] as const) {
    await receive(messages(...brought), synced(5, brought.length));
    outputs = [];
    await after(pause);
    expect(asked()).toHaveLength(1);
  }
});

test("a chat that the response leaves out is asked for again", async () => {
  await online();
  await receive(nothing(), messages(stored(1), stored(3)));
  await after(DEFAULTS.gapGrace);
  await receive(nothing());
  await after(DEFAULTS.syncBackoff - 1);
  expect(asked()).toEqual([{}, { chats: { c: 1 } }]);
  await after(1);
  expect(asked()).toEqual([{}, { chats: { c: 1 } }, { chats: { c: 1 } }]);
});

const receipts = () =>
  outputs.flatMap((each) => {
    const frame = each.type === "transmit" ? JSON.parse(each.text) : {};
    return frame.action === "receipt" ? [frame.delivered] : [];
  });

test("a nudge has the chat asked for at once, and one for what is here repeats the receipt", async () => {
  await online();
  await receive(nothing());
  outputs = [];
  await receive({ type: "nudge", chat: "c", seq: 4 });
  expect(asked()).toEqual([{ chats: { c: 0 } }]);
  await receive(synced(4, 4));
  await after(60_000);
  outputs = [];
  await receive({ type: "nudge", chat: "c", seq: 4 });
  await after(1_000);
  expect(asked()).toEqual([]);
  expect(receipts()).toEqual([4]);
});

test("a nudge for what the response does not have yet is not forgotten", async () => {
  await online();
  await receive(nothing());
  await receive({ type: "nudge", chat: "c", seq: 4 });
  outputs = [];
  await receive(synced(3, 3)); // it was read before
  await after(STEADY.gapGrace);
  expect(asked()).toEqual([{ chats: { c: 3 } }]);
});

test("a gap is asked for after a moment, in which it may close by itself", async () => {
  await online();
  await receive(synced(0, 0));
  outputs = [];
  await receive(messages(stored(2)));
  await after(STEADY.gapGrace - 1);
  expect(asked()).toEqual([]);
  await after(1);
  expect(asked()).toEqual([{ chats: { c: 0 } }]);
});

test("of chats that are rejected together each is asked alone, and left if it is rejected again", async () => {
  const nudge = (chat: string) => ({ type: "nudge", chat, seq: 4 });
  await online();
  await receive(nothing());
  outputs = [];
  await receive(nudge("c"), nudge("d"), nudge("e"), synced(4, 4));
  await receive(failed("not_found"));
  expect(asked()).toEqual([{ chats: { c: 0 } }, { chats: { d: 0, e: 0 } }, { chats: { d: 0 } }]);
  await receive(failed("not_found"));
  expect(events("chat_left")).toEqual([{ type: "chat_left", chat: "d" }]);
  expect(asked().at(-1)).toEqual({ chats: { e: 0 } });
  expect([engine.left("d"), engine.left("e")]).toEqual([true, false]);
  const place = synced(4, 4).chats.c;
  await receive({ type: "synced", chats: { d: place, e: place }, more: false });
  expect(engine.left("d")).toBe(false); // put back
});

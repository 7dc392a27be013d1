/** The engine over a real store, without ratchets: what is kept, and what is asked for. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Cipher } from "../src/client/core/cipher.ts";
import { Engine } from "../src/client/core/engine.ts";
import type { Event } from "../src/client/core/events.ts";
import { SEND_LIMIT_BYTES } from "../src/client/core/frames.ts";
import { ulid } from "../src/client/core/ids.ts";
import type { Output } from "../src/client/core/outputs.ts";
import { parse } from "../src/client/core/parsing.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { State } from "../src/client/core/ticks.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import type { Content, Self } from "../src/client/crypto/envelope.ts";
import type { Opened } from "../src/client/crypto/opening.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const START = 1_700_000_000_000;
const plain = (text: string) => ({ kind: "text", text }) as const;

let store: Store;
let engine: Engine;
let time: number;
let opened: Opened;
let length: number;
let outputs: Output[];
let count = 0;

beforeEach(async () => {
  store = await Store.open(`engine-${count++}`, tables.VERSION, tables.TABLES);
  time = START;
  opened = { unreadable: "no_session" };
  length = 100;
  await restart();
});

async function restart(): Promise<void> {
  engine = new Engine("ravi", "web", () => 0.5, DEFAULTS);
  outputs = [];
  await step((each) => engine.restore(each));
}

/** Needs no keys: frames are of `length`, and what is opened is `opened`. */
function fakeCipher(ledger: Ledger): Cipher {
  const self = { user: "ravi", device: "web", name: "ravi/web" } as Self;
  const real = new Encryption(self, ledger, time - START, time);
  return Object.assign(real, {
    check: () => {},
    wants: async () => ({ lists: [], claims: [], blocked: [] }),
    seal: async ({ messageId }: { messageId: string }) => ({
      frames: [{ messageId, purpose: "text", frame: "x".repeat(length) }],
      done: true,
    }),
    accept: async () => ["phone"],
    open: async () => opened,
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

async function receive(frame: object): Promise<void> {
  const parsed = parse(JSON.stringify(frame));
  if (parsed === undefined) throw new Error("no frame that is known");
  await step((each) => engine.received(each, parsed));
}

async function online(): Promise<void> {
  await step((each) => engine.opened(each));
}

const message = (seq: number, sender: string, message_id = ulid(START + seq)) => ({
  type: "message",
  chat: "c",
  seq,
  message_id,
  sender,
  sender_device: "phone",
  sent_at: time,
  alg: "olm.v1",
  payload: "1.AAAA",
});

const synced = (...members: string[]) => ({
  type: "synced",
  chats: {
    c: {
      seq: 0,
      after: 0,
      complete_to: 0,
      members: Object.fromEntries(members.map((each) => [each, {}])),
    },
  },
});

const said = (type: Event["type"]) =>
  outputs.filter((output) => output.type === "event" && output.event.type === type);
const sent = () => outputs.flatMap((each) => (each.type === "transmit" ? [each.text] : []));
const rows = () => store.all(tables.messages);
const chat = async () => step(({ ledger }) => ledger.chat("c"));

describe("a frame for the outbox", () => {
  const queue = async (size: number) => {
    length = size;
    await online();
    await receive(synced("ravi", "raju"));
    await step((each) => engine.chatIs(each, "c", [], { kind: "direct" }));
    await step((each) => engine.send(each, ulid(START), "c", plain("text")));
  };

  test("of the greatest length is sent", async () => {
    await queue(SEND_LIMIT_BYTES);
    expect(sent()).toContain("x".repeat(SEND_LIMIT_BYTES));
  });
  test("that would close each connection never gets there: its message has failed", async () => {
    await queue(SEND_LIMIT_BYTES + 1);
    await restart();
    await online();
    expect(await store.all(tables.outbox)).toEqual([]);
    expect(sent().filter((text) => text.startsWith("x"))).toEqual([]);
    const [row] = await rows();
    expect([row?.state, row?.reason]).toEqual([
      State.FAILED,
      "too_large: 30001 bytes are too many for a frame",
    ]);
  });
});

test("the order of writing outlives a restart and a clock that is set back", async () => {
  await step((each) => engine.send(each, ulid(1), "c", plain("first")));
  time -= 3_600_000;
  await restart();
  await step((each) => engine.send(each, ulid(2), "c", plain("second")));
  const unsealed = await step(({ ledger }) => ledger.unsealed());
  expect(unsealed.map(({ text }) => text)).toEqual(["first", "second"]);
});

describe("who comes later", () => {
  const accept = async (seq: number, at: number) => {
    const id = ulid(START + seq);
    await step((each) => engine.send(each, id, "c", plain(`text ${seq}`)));
    time = at;
    await receive({ type: "accepted", message_id: id, chat: "c", seq, sent_at: START - 1e9 });
  };

  test.each([
    ["a minute after the text may have been there", 60_000, 0],
    ["more than a minute after the text was not", 60_001, 1],
    ["before the text, by a clock that was set back, was not", -1, 1],
  ])("and a frame comes %s", async (_, pause, after) => {
    await receive(synced("ravi", "raju"));
    await accept(1, START + 1_000);
    time += pause;
    await receive(synced("ravi", "raju", "mira"));
    expect((await chat()).joinedAfter).toEqual([["mira", after]]);
  });
  test("is not who is added although there already", async () => {
    await receive(synced("ravi", "raju"));
    await accept(1, START);
    await step((each) => engine.adding(each, "c", ["raju", "mira"]));
    expect((await chat()).joinedAfter).toEqual([["mira", 1]]);
  });
  test("is who is added while a text is under way, and it may not have that", async () => {
    await receive(synced("ravi", "raju"));
    const [sealed, draft] = [ulid(START), ulid(START)];
    for (const id of [sealed, draft])
      await step((each) => engine.send(each, id, "c", plain("text")));
    await step(async ({ ledger }) => {
      for (const { messageId, ...row } of await ledger.unsealed()) {
        if (messageId === sealed) ledger.change({ messageId, ...row }, { sealed: true });
      }
    });
    for (const _ of ["before the call", "and after it"]) {
      await step((each) => engine.adding(each, "c", ["raju", "mira"]));
    }
    await restart();
    const notFor = async (id: string) =>
      (await rows()).find(({ messageId }) => messageId === id)?.notFor;
    expect(await notFor(sealed)).toEqual(["mira"]);
    expect(await notFor(draft)).toEqual([]);
  });
  test("is nobody of those who were there when the chat became known", async () => {
    await receive(synced());
    await receive(synced("ravi", "raju"));
    expect((await chat()).joinedAfter).toEqual([]);
    expect(said("members")).toEqual([]);
  });
});

describe("what can't be read", () => {
  const askAt = async () => step(({ ledger }) => ledger.nextAsk(0));

  test("is asked for as often as before, whatever the reason becomes", async () => {
    await receive(synced("ravi", "raju"));
    await receive(message(1, "raju"));
    expect(await askAt()).toBe(time + 3_000);
    await step(async ({ ledger }) => {
      for (const row of await ledger.asks(time + 1e9)) ledger.change(row, { asked: 3 });
    });
    opened = { unreadable: "damaged" };
    await step((each) => engine.accept(each, "raju", new Map()));
    const [row] = await rows();
    expect([row?.unreadable, row?.asked, row?.askAt]).toEqual(["damaged", 3, undefined]);
  });
  test("is asked for although the clock was set back in between", async () => {
    const due = () => step((each) => engine.due(each));
    const fetches = () => outputs.flatMap((each) => (each.type === "fetch" ? [each.request] : []));
    await online();
    await receive(synced("ravi", "raju"));
    await step((each) => engine.chatIs(each, "c", [], { kind: "direct" }));
    await receive(message(1, "raju"));
    time += 4_000;
    await due();
    const [request] = fetches();
    expect(request).toMatchObject({ type: "lists", user: "raju" });
    if (request !== undefined) await step((each) => engine.fetchFailed(each, request));
    time -= 3_600_000;
    await due();
    expect(fetches()).toHaveLength(1);
    time += 3_700_000;
    await due();
    expect(fetches()).toHaveLength(2);
  });
  test("and becomes so later is asked for from then on", async () => {
    opened = { unreadable: "unknown_device" };
    await receive(message(1, "raju"));
    expect(await askAt()).toBeUndefined();
    opened = { unreadable: "no_session" };
    await step((each) => engine.accept(each, "raju", new Map()));
    expect(await askAt()).toBe(time + 3_000);
  });
});

describe("a request", () => {
  const ask = async (of: string[]) => {
    const content: Content = { kind: "request", of };
    opened = { content };
    await receive(message(2, "raju", crypto.randomUUID()));
  };

  test.each([
    ["just now", 0, 1],
    ["much later than the text", 300_001, 0],
  ])("of a device that was made %s", async (_, pause, left) => {
    await receive(synced("ravi", "raju"));
    const id = ulid(START);
    await step((each) => engine.send(each, id, "c", plain("text")));
    await receive({ type: "accepted", message_id: id, chat: "c", seq: 1, sent_at: START + 1e9 });
    time += pause;
    const keys = { curve25519: "c", ed25519: "e" };
    const row = { user: "raju", device: "phone", keys, pending: undefined, verified: false };
    await step(({ ledger }) => ledger.work.put(tables.knownDevices, { ...row, trustedAt: time }));
    await ask([id, id]);
    expect(await store.all(tables.toDevice)).toHaveLength(left);
  });
});

test("an acceptance of what is not one's own takes no place", async () => {
  opened = { content: plain("text") };
  await online();
  await receive(synced("ravi", "raju"));
  const own = ulid(START);
  await step((each) => engine.send(each, own, "c", plain("own")));
  const accepted = (message_id: string, seq: number, chat = "c") => ({
    type: "accepted",
    message_id,
    chat,
    seq,
    sent_at: START,
  });
  await receive(accepted(ulid(START + 99), 1)); // of nothing that this device has sent
  await receive(accepted(own, 1, "another"));
  await receive(message(1, "raju"));
  await receive(accepted(own, 2));
  await receive(accepted(own, 3)); // a second copy, which has a place of its own
  await receive(message(4, "raju"));
  const shown = outputs.flatMap((each) =>
    each.type === "event" && each.event.type === "message" ? [each.event.seq] : [],
  );
  expect(shown).toEqual([1, 4]);
  expect((await chat()).watermark).toBe(4);
  expect((await rows()).find(({ messageId }) => messageId === own)?.seq).toBe(2);
});

test("what was under way when a connection ended is sent again after the sync", async () => {
  const texts = () => sent().filter((text) => text.startsWith("x"));
  await online();
  await receive(synced("ravi", "raju"));
  await step((each) => engine.chatIs(each, "c", [], { kind: "direct" }));
  await step((each) => engine.send(each, ulid(START), "c", plain("text")));
  expect(texts()).toHaveLength(1);
  await step((each) => engine.closed(each));
  outputs = [];
  await online();
  expect(texts()).toEqual([]); // the sync may bring it as accepted
  await receive(synced("ravi", "raju"));
  expect(texts()).toHaveLength(1);
});

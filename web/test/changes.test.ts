/** Messages that change others, in any order: the story that the Python client is tested with too. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Arrivals } from "../src/client/core/arrivals.ts";
import { Changes, countedFrom } from "../src/client/core/changes.ts";
import type { Cipher } from "../src/client/core/cipher.ts";
import { parse } from "../src/client/core/content.ts";
import type { Message } from "../src/client/core/frames.ts";
import { changeId, isText, isWritten, partsOf } from "../src/client/core/ids.ts";
import type { OwnMessages } from "../src/client/core/own-messages.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { State } from "../src/client/core/ticks.ts";
import { asEnvelope } from "../src/client/crypto/envelope.ts";
import { chatsOf, historyOf } from "../src/client/store/history.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

interface Story {
  messages: { seq: number; by: string; id: string; content: unknown }[];
  history: { seq: number; kind: string; text: string; deleted: boolean; reactions: string[][] }[];
  name: string;
  timer: number;
  unread: number;
  gone: string;
}

const path = new URL("../../protocol/vectors/views.json", import.meta.url);
const { story } = JSON.parse(readFileSync(path, "utf8")) as { story: Story };
const PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB"; // a JPEG's header, of 96 x 96 pixels
const START = 1_700_000_000_000;
const ROUNDS = 40;
let stores = 0;

/** The part of an engine that takes messages, over a real store; `late` can't be read at first. */
class Device {
  readonly store: Store;
  readonly late: Set<string>;
  now = START;
  readonly #taken = new Map<string, Story["messages"][number]>();
  readonly #changes = new Changes("ravi", () => {});
  readonly #arrivals: Arrivals;

  private constructor(store: Store, late: Set<string>) {
    this.store = store;
    this.late = late;
    const own = { wrote: () => false, stateAt: async () => State.SENT };
    this.#arrivals = new Arrivals("ravi", DEFAULTS, own as unknown as OwnMessages, this.#changes, {
      emit: () => {},
      sas: () => {},
      look: () => {},
      askAt: () => {},
    });
  }

  static async made(late: Set<string>): Promise<Device> {
    const store = await Store.open(`changes-${stores++}`, tables.VERSION, tables.TABLES);
    return new Device(store, late);
  }

  async step<T>(act: (step: Step) => Promise<T>): Promise<T> {
    return this.store.transaction((work) => {
      const ledger = new Ledger(work, "ravi", "phone");
      const open = async ({ messageId }: Message) => {
        const said = this.#taken.get(messageId);
        if (said === undefined || this.late.has(messageId)) return { unreadable: "no_session" };
        return { content: asEnvelope(parse(said.content)) };
      };
      return act({ now: 0, time: this.now, ledger, cipher: { open } as unknown as Cipher });
    });
  }

  async take(said: Story["messages"][number]): Promise<void> {
    const { seq, by, id } = said;
    this.#taken.set(id, said);
    const [sender, senderDevice] = partsOf(by);
    const place = { type: "message", chat: "c", seq, messageId: id, sender, senderDevice } as const;
    const message: Message = { ...place, sentAt: START, alg: "olm.v1", payload: "sealed" };
    await this.step((step) => this.#arrivals.take(step, message));
  }

  /** The keys of everything have come. */
  async readAll(): Promise<void> {
    this.late.clear();
    for (const by of new Set([...this.#taken.values()].map((each) => each.by))) {
      const [user, device] = partsOf(by);
      await this.step((step) => this.#arrivals.reopen(step, user, device));
    }
    const watermark = this.#taken.size;
    await this.step((step) => step.ledger.changeChat("c", { watermark, kind: "group" }));
  }

  async due(now: number): Promise<void> {
    this.now = now;
    await this.step((step) => this.#changes.due(step));
  }
}

test("a story ends the same in whatever order it comes, and however often", () =>
  arrivesInAnyOrder(3, 5));

test("so it does in many orders", { tags: "deep" }, () => arrivesInAnyOrder(7, ROUNDS));

async function arrivesInAnyOrder(seed: number, rounds: number): Promise<void> {
  const chance = numbers(seed);
  for (let round = 0; round < rounds; round++) {
    const late = new Set(story.messages.map(({ id }) => id).filter(() => chance() < 0.3));
    const device = await Device.made(late);
    const order = shuffled(story.messages, chance);
    for (const each of [...order, ...order.slice(0, 4)]) await device.take(each);
    await device.readAll();
    const history = (await historyOf(device.store, "c", 100)).map((each) => ({
      seq: each.seq,
      kind: each.kind,
      text: each.text,
      deleted: each.deleted,
      reactions: each.reactions.map(({ user, emoji }) => [user, emoji]),
    }));
    expect(history).toEqual(story.history);
    const { name, timer, unread } = story;
    expect((await chatsOf(device.store, "ravi"))[0]).toMatchObject({ name, timer, unread });
    expect(JSON.stringify(await device.store.all(tables.messages))).not.toContain(story.gone);
    await device.store.close();
  }
}

test.each([
  ["raju/phone", 60],
  ["mira/web", 60],
  ["ravi/web", 0],
])("what %s wrote and can be read late is left for %i s", async (by, left) => {
  const id = "01JDB2F6Y8W6X1T9N5R3Q7P0AB";
  const device = await Device.made(new Set([id]));
  const content = { v: 1, kind: "text", text: "a secret", expires: 60 };
  await device.take({ seq: 1, by, id, content });
  await device.step((step) => step.ledger.changeChat("c", { read: 1 })); // with what came after it
  device.now = START + 86_400_000;
  await device.readAll();
  const texts = async () => (await historyOf(device.store, "c", 100)).map(({ text }) => text);
  await device.due(device.now + Math.max(0, left * 1_000 - 1));
  expect(await texts()).toEqual(left === 0 ? [] : ["a secret"]);
  await device.due(device.now + 1);
  expect(await texts()).toEqual([]);
  await device.store.close();
});

test.each([undefined, "direct", "group"] as const)(
  "only a group has the name and the picture that somebody wrote: %s",
  async (kind) => {
    const device = await Device.made(new Set());
    await device.step((step) => step.ledger.changeChat("c", { watermark: 2, kind }));
    const written = [
      { v: 1, kind: "chat_name", name: "Your bank" },
      { v: 1, kind: "chat_picture", picture: PICTURE },
    ];
    for (const [at, content] of written.entries()) {
      await device.take({ seq: at + 1, by: "raju/phone", id: changeId(at), content });
    }
    const [summary] = await chatsOf(device.store, "ravi");
    const expected = kind === "group" ? ["Your bank", PICTURE] : [undefined, undefined];
    expect([summary?.name, summary?.picture]).toEqual(expected);
    await device.store.close();
  },
);

test.each([
  [90, 50],
  [100, 60],
  [10, 0],
  [200, 60],
])("what is left of a time of 60 that was sent at %i by 100 is %i, never more", (sent, left) => {
  expect(countedFrom(100, sent, 60) + 60 - 100).toBe(left);
});

test("ids of changes are UUIDs of version 7 in the order of time", () => {
  const ids = [0, 1, 1 << 20, 2 ** 48 - 1].map((milliseconds) => changeId(milliseconds));
  expect(ids).toEqual(ids.toSorted());
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([isText(id), isWritten(id)]).toEqual([false, true]);
  }
  expect(isWritten(crypto.randomUUID())).toBe(false);
});

/** A sequence of numbers from 0 to 1 that is the same each time (Park and Miller). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function shuffled<T>(all: readonly T[], chance: () => number): T[] {
  const keyed = all.map((each) => ({ each, key: chance() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ each }) => each);
}

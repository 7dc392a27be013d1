/** What can't be read is asked for, and what is for one device: engines with real ratchets. */

import { beforeEach, describe, expect, test } from "vitest";
import { isText } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import { Scene, say } from "./crypto-scene.ts";

const RAVI = "ravi/phone";
const RAJU = "raju/phone";
const MIRA = "mira/phone";
const TAB = "raju/tab";
const HOUR = 3_600_000;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.of(RAVI, RAJU);
});

const readers = (chat: string) => scene.readers(chat, RAVI);
const sessions = () => scene.sessions();
const texts = (name: string, chat: string) => scene.get(name).texts(chat);

describe("a text that can't be read", () => {
  /** The device forgets its sessions, as if it had been restored from nothing. */
  async function forget(name: string): Promise<void> {
    const { store } = scene.get(name);
    await store.transaction(async (work) => {
      for (const row of await work.all(tables.olmSessions)) {
        work.delete(tables.olmSessions, [row.chat, row.device, row.id]);
      }
      for (const row of await work.all(tables.inboundGroups)) {
        work.delete(tables.inboundGroups, [row.chat, row.sender, row.id]);
      }
    });
  }

  test.each([["direct"], ["group"]])(
    "in a %s chat is asked for, and comes silently",
    async (kind) => {
      await scene.add(MIRA);
      const users = kind === "group" ? ["ravi", "raju", "mira"] : ["ravi", "raju"];
      const chat = await scene.chat(...users);
      await say(scene, RAVI, chat, "one");
      await forget(RAJU);
      await say(scene, RAVI, chat, "two");
      expect((await texts(RAJU, chat)).at(-1)).toBeUndefined();
      const before = scene.log.length;
      await scene.settle(5_000);
      await scene.settle();
      expect(await texts(RAJU, chat)).toEqual(["one", "two"]);
      expect(scene.log.slice(before).map(({ hidden }) => hidden)).not.toContain(undefined);
      expect(scene.get(RAJU).heard("message_readable")).toHaveLength(1);
      await say(scene, RAVI, chat, "three");
      expect((await texts(RAJU, chat)).at(-1)).toBe("three");
      if (kind === "group") expect(sessions()).toHaveLength(1);
    },
  );
  test("is asked for on a new session: its writer may have lost those that there are", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await say(scene, RAJU, chat, "two");
    const id = await say(scene, RAVI, chat, "three");
    await forget(RAVI);
    const raju = scene.get(RAJU);
    await raju.step(async ({ ledger }) => {
      const row = await ledger.message(chat, "ravi", "phone", id);
      const lost = { text: undefined, unreadable: "no_payload", askAt: scene.time } as const;
      if (row !== undefined) ledger.change(row, lost);
    });
    await raju.crash();
    await raju.connect();
    await scene.settle(5_000);
    await scene.settle();
    expect(await raju.texts(chat)).toEqual(["one", "two", "three"]);
  });
  test("is asked for three times, and copied three times, and no more", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await forget(RAJU);
    const id = await say(scene, RAVI, chat, "two");
    const ravi = scene.get(RAVI);
    for (let times = 0; times < 6; times++) {
      await scene.settle(2 * HOUR);
      await scene.get(RAJU).store.transaction(async (work) => {
        const rows = await work.all(tables.messages);
        const row = rows.find(({ messageId }) => messageId === id);
        const again = { text: undefined, unreadable: "no_session", askAt: scene.time } as const;
        if (row !== undefined) work.put(tables.messages, { ...row, ...again, asked: 0 });
      });
      await scene.get(RAJU).crash();
      await scene.get(RAJU).connect();
      await scene.settle();
    }
    const own = (await ravi.store.all(tables.messages)).find(({ messageId }) => messageId === id);
    expect(own?.copies).toEqual({ [RAJU]: 3 });
  });
  test("is copied to nobody once it is deleted", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await forget(RAJU);
    const id = await say(scene, RAVI, chat, "a secret");
    const of = scene.get(RAVI).reference(id);
    await scene.get(RAJU).leave();
    await scene.get(RAVI).write(chat, { kind: "deletion", of });
    await scene.settle();
    await scene.get(RAJU).connect();
    await scene.settle(5_000);
    await scene.settle();
    const copied = (await scene.get(RAVI).store.all(tables.messages)).filter(
      ({ copies }) => Object.keys(copies).length > 0,
    );
    expect(copied.map(({ messageId }) => isText(messageId))).not.toContain(true);
  });
  test("is not copied to a device that was made later than it", async () => {
    const chat = await scene.chat("ravi", "raju");
    const id = await say(scene, RAVI, chat, "one");
    await scene.settle(HOUR);
    const late = await scene.add(TAB);
    const row = { chat, messageId: id, sender: "ravi", senderDevice: "phone", alg: "olm.v1" };
    await late.step(({ ledger }) => {
      ledger.add({ ...row, seq: 1, sentAt: scene.time, unreadable: "no_session", askAt: 0 });
    });
    await late.crash();
    await late.connect();
    await scene.settle(5_000);
    await scene.settle();
    expect(scene.log.map(({ from }) => from)).toEqual([RAVI, TAB]); // it has asked
    await scene.settle(HOUR);
    expect(readers(chat).flat()).not.toContain(TAB);
  });
});

test("what is for one device is dropped when its time is over, and where it was removed", async () => {
  await scene.add(TAB);
  const chat = await scene.chat("ravi", "raju");
  const ravi = scene.get(RAVI);
  const step = { step: "cancel", reason: "user" } as const;
  const send = (device: string, txn: string, until: number) =>
    ravi.step((each, engine) =>
      engine.sendToDevice(each, chat, device, { kind: "sas", txn, step }, each.now + until),
    );
  scene.without.add(RAJU);
  await send(RAJU, "late", 1_000);
  await send(TAB, "removed", 9e9);
  await scene.remove(TAB);
  await scene.settle(HOUR);
  scene.without.clear();
  await say(scene, RAVI, chat, "one");
  await scene.settle(HOUR);
  expect(await ravi.store.all(tables.toDevice)).toEqual([]);
  expect(readers(chat)).toEqual([[RAJU]]);
  await send(RAJU, "in time", 9e9);
  await scene.settle();
  expect(readers(chat)).toEqual([[RAJU], [RAJU]]);
  expect(scene.log.at(-1)?.hidden).toBe(true);
});

test("a step of a comparison that nobody remembers is not sent", async () => {
  const chat = await scene.chat("ravi", "raju");
  const ravi = scene.get(RAVI);
  const step = { step: "cancel", reason: "user" } as const;
  scene.without.add(RAJU);
  await ravi.step((each, engine) =>
    engine.sendToDevice(each, chat, RAJU, { kind: "sas", txn: "t", step }, 9e12),
  );
  await ravi.crash();
  scene.without.clear();
  await ravi.connect();
  await scene.settle(HOUR);
  expect(scene.log).toEqual([]);
});

test("a text of another chat is not copied to who asks for it, nor is one of somebody else", async () => {
  const chat = await scene.chat("ravi", "raju");
  const other = await scene.chat("ravi", "raju");
  const id = await say(scene, RAVI, other, "elsewhere");
  await say(scene, RAVI, chat, "one");
  const raju = scene.get(RAJU);
  await raju.step(({ ledger }) => {
    for (const [at, messageId] of [id, "01JDB2F6Y8W6X1T9N5R3Q7P0AB"].entries()) {
      const row = { chat, messageId, sender: "ravi", senderDevice: "phone", alg: "olm.v1" };
      ledger.add({ ...row, seq: 8 + at, sentAt: scene.time, unreadable: "no_session", askAt: 0 });
    }
  });
  await raju.crash();
  await raju.connect();
  await scene.settle(5_000);
  await scene.settle();
  expect(scene.log.filter(({ from }) => from === RAJU)).toHaveLength(1); // it has asked
  expect(readers(chat)).toEqual([[RAJU]]);
});

test("a store whose texts were used since gives up its sessions, and both read on", async () => {
  const chat = await scene.chat("ravi", "raju");
  await say(scene, RAVI, chat, "one");
  await say(scene, RAJU, chat, "two");
  const before = await scene.get(RAVI).store.all(tables.olmSessions);
  const renewed = await scene.get(RAVI).step(({ cipher }) => cipher.renew(chat));
  expect(renewed).toBe(true);
  expect(await scene.get(RAVI).step(({ cipher }) => cipher.renew(chat))).toBe(false);
  await say(scene, RAJU, chat, "three");
  await say(scene, RAVI, chat, "four");
  expect(await texts(RAJU, chat)).toEqual(["one", "two", "three", "four"]);
  expect(await texts(RAVI, chat)).toEqual(["one", "two", "three", "four"]);
  const after = (await scene.get(RAVI).store.all(tables.olmSessions)).filter(
    ({ device }) => device === RAJU,
  );
  expect(after.map(({ id }) => id)).not.toContain(before[0]?.id);
});

test("a text is not copied before it was accepted", async () => {
  const chat = await scene.chat("ravi", "raju");
  await say(scene, RAVI, chat, "one");
  scene.refuses = ({ message_id }) => isText(message_id);
  const ravi = scene.get(RAVI);
  const id = await ravi.send(chat, "two");
  await ravi.step(({ cipher }) => cipher.queueCopies(chat, id, [RAJU]));
  await scene.settle();
  const own = (await ravi.store.all(tables.messages)).find(({ messageId }) => messageId === id);
  expect([own?.state, own?.copies]).toEqual([State.FAILED, {}]);
});

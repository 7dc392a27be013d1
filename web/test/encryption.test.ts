/** Who is sealed for, and who is not: engines with real ratchets, as tests/client/crypto has it. */

import { beforeEach, describe, expect, test } from "vitest";
import { isText } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import { type Device, Scene, say } from "./crypto-scene.ts";

const RAVI = "ravi/phone";
const RAJU = "raju/phone";
const MIRA = "mira/phone";
const TAB = "raju/tab";
const HOUR = 3_600_000;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.of(RAVI, RAJU);
});

/** To whom each Olm frame of ravi's in the chat went. */
const readers = (chat: string) =>
  scene.log
    .filter((each) => each.chat === chat && each.to !== undefined && each.from === RAVI)
    .map(({ to }) => Object.keys(to ?? {}).sort());
/** The ids of the group sessions that were used. */
const sessions = () => [
  ...new Set(scene.log.flatMap(({ payload }) => payload?.split(".")[0] ?? [])),
];
const texts = (name: string, chat: string) => scene.get(name).texts(chat);
const unreadable = async ({ store }: Device) =>
  (await store.all(tables.messages)).flatMap((row) => row.unreadable ?? []);

describe("a direct chat", () => {
  test("is read by all devices of both, and each text is sealed once", async () => {
    await scene.add(TAB);
    await scene.add("ravi/desk");
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one", "two");
    await say(scene, RAJU, chat, "three");
    for (const name of [RAVI, RAJU, TAB, "ravi/desk"]) {
      expect(await texts(name, chat)).toEqual(["one", "two", "three"]);
    }
    expect(scene.log).toHaveLength(3);
  });
  test("a text waits until the other one has a device, whatever one's own devices", async () => {
    await scene.add("ravi/desk");
    const chat = await scene.chat("ravi", "raju");
    await scene.remove(RAJU);
    await say(scene, RAVI, chat, "hello");
    expect(scene.log).toEqual([]);
    await scene.add(TAB);
    await scene.settle();
    expect(await texts(TAB, chat)).toEqual(["hello"]);
    expect(readers(chat)).toHaveLength(1);
  });
  test("a device that was removed is sent nothing more", async () => {
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await scene.remove(TAB);
    await say(scene, RAVI, chat, "two");
    expect(readers(chat)).toEqual([[RAJU, TAB], [RAJU]]);
  });
  test("a device that nobody heard of gets a copy alone, silently or not as the text was", async () => {
    const chat = await scene.chat("ravi", "raju");
    const id = await say(scene, RAVI, chat, "one");
    scene.quiet = true;
    await scene.add(TAB);
    await say(scene, RAVI, chat, "two");
    expect(readers(chat)).toEqual([[RAJU], [RAJU], [TAB]]);
    expect(scene.log.map(({ hidden }) => hidden === true)).toEqual([false, false, false]);
    expect((await texts(TAB, chat)).at(-1)).toBe("two");
    const of = scene.get(RAVI).reference(id);
    await scene.get(RAVI).write(chat, { kind: "edit", of, text: "edited" });
    await scene.settle();
    expect(scene.log.slice(3).map(({ hidden }) => hidden)).toEqual([true]);
    expect(await texts(RAJU, chat)).toEqual(["edited", "two"]);
  });
  test("a device without a key is left out, and gets a copy once it has one, with the next text", async () => {
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    scene.without.add(TAB);
    await say(scene, RAVI, chat, "one");
    expect(readers(chat)).toEqual([[RAJU]]);
    scene.without.clear();
    await say(scene, RAVI, chat, "two");
    expect(await texts(TAB, chat)).toEqual(["one", "two"]);
    expect(readers(chat).filter((to) => to.join() === TAB)).toHaveLength(1);
  });
  test("a crash before the copy forgets nobody, and nobody is sent it twice", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await scene.settle(HOUR);
    scene.quiet = true;
    await scene.add(TAB);
    scene.without.add(TAB);
    await say(scene, RAVI, chat, "two");
    await scene.get(RAVI).crash();
    scene.without.clear();
    await scene.get(RAVI).connect();
    await scene.settle();
    await scene.settle(HOUR);
    expect(await texts(TAB, chat)).toContain("two");
    expect(readers(chat).filter((to) => to.join() === TAB)).toHaveLength(1);
  });
});

describe("a group", () => {
  let chat: string;

  beforeEach(async () => {
    await scene.add(MIRA);
    chat = await scene.chat("ravi", "raju", "mira");
  });

  test("has one session of each sender, whose key goes ahead of the text and is not shown", async () => {
    await say(scene, RAVI, chat, "one", "two");
    expect(sessions()).toHaveLength(1);
    expect(scene.log.map(({ alg }) => alg)).toEqual(["olm.v1", "megolm.v1", "megolm.v1"]);
    expect(scene.log.map(({ hidden }) => hidden === true)).toEqual([true, false, false]);
    for (const name of [RAJU, MIRA]) expect(await texts(name, chat)).toEqual(["one", "two"]);
    const of = scene.get(RAVI).reference(scene.log[1]?.message_id ?? "");
    await scene.get(RAVI).write(chat, { kind: "reaction", of, emoji: "👍" });
    await scene.settle();
    expect(scene.log.at(-1)?.hidden).toBe(true);
  });
  test("who leaves reads nothing more, and who stays reads on by another session", async () => {
    await say(scene, RAVI, chat, "one");
    await scene.become(chat, "ravi", "raju");
    await say(scene, RAVI, chat, "two");
    expect(sessions()).toHaveLength(2);
    expect(readers(chat)).toEqual([[MIRA, RAJU], [RAJU]]);
    expect(await texts(RAJU, chat)).toEqual(["one", "two"]);
    expect(await texts(MIRA, chat)).toEqual(["one"]);
  });
  test("a device that was removed reads nothing more", async () => {
    await scene.add(TAB);
    await say(scene, RAVI, chat, "one");
    await scene.remove(TAB);
    await say(scene, RAVI, chat, "two");
    expect(sessions()).toHaveLength(2);
    expect(readers(chat).at(-1)).toEqual([MIRA, RAJU]);
  });
  test("a new device gets the key of the session that there is, and no other one gets it again", async () => {
    await say(scene, RAVI, chat, "one");
    await scene.add(TAB);
    await say(scene, RAVI, chat, "two");
    expect(sessions()).toHaveLength(1);
    expect(readers(chat)[1]).toEqual([TAB]);
    expect((await texts(TAB, chat)).at(-1)).toBe("two");
  });
  test("a session is left after seven days, and not before", async () => {
    await say(scene, RAVI, chat, "one");
    await scene.settle(7 * 24 * HOUR - 1);
    await say(scene, RAVI, chat, "two");
    expect(sessions()).toHaveLength(1);
    await scene.settle(1);
    await say(scene, RAVI, chat, "three");
    expect(sessions()).toHaveLength(2);
    expect(await texts(RAJU, chat)).toEqual(["one", "two", "three"]);
  });
  test("a device without a key gets copies, silently, until it has one", async () => {
    scene.without.add(MIRA);
    await say(scene, RAVI, chat, "one");
    expect(readers(chat)).toEqual([[RAJU]]);
    scene.without.clear();
    await say(scene, RAVI, chat, "two");
    expect(await texts(MIRA, chat)).toEqual(["one", "two"]);
    const copies = scene.log.filter(({ to }) => Object.keys(to ?? {}).join() === MIRA);
    expect(copies.map(({ hidden }) => hidden)).toEqual([true, true]); // its key, and a copy
  });
  test("whom the backend refuses the key does not keep the others from a text", async () => {
    scene.refuses = ({ alg }) => alg === "olm.v1" && scene.log.length === 0;
    const id = await say(scene, RAVI, chat, "one");
    scene.refuses = undefined;
    expect(scene.log.filter(({ payload }) => payload !== undefined)).toHaveLength(1);
    await scene.settle(HOUR);
    await say(scene, RAVI, chat, "two");
    for (const name of [RAJU, MIRA]) expect(await texts(name, chat)).toEqual(["one", "two"]);
    expect(scene.log.filter((each) => each.message_id === id)).toHaveLength(1);
  });
});

describe("another identity", () => {
  test.each([["direct"], ["group"]])(
    "of a device holds all texts of a %s chat to its user, says so once, and passes once it is accepted",
    async (kind) => {
      await scene.add(TAB);
      await scene.add(MIRA);
      const users = kind === "group" ? ["ravi", "raju", "mira"] : ["ravi", "raju"];
      const chat = await scene.chat(...users);
      await say(scene, RAVI, chat, "one");
      const before = scene.log.length;
      const old = scene.get(TAB);
      await old.leave();
      const fresh = await scene.add(TAB);
      await say(scene, RAVI, chat, "two", "three");
      await scene.settle(HOUR);
      expect(scene.log.slice(before).filter(({ from }) => from === RAVI)).toEqual([]);
      const ravi = scene.get(RAVI);
      expect(ravi.heard("held")).toEqual([{ type: "held", chat, users: ["raju"] }]);
      expect(ravi.heard("identity_changed")).toMatchObject([{ user: "raju", device: "tab" }]);
      await ravi.accept("raju");
      await scene.settle();
      expect((await fresh.texts(chat)).slice(-2)).toEqual(["two", "three"]);
      expect(await texts(RAJU, chat)).toEqual(["one", "two", "three"]);
      expect(await unreadable(scene.get(RAJU))).toEqual([]);
    },
  );
  test("of a device that has a copy to get: it waits as well", async () => {
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    scene.without.add(TAB);
    await say(scene, RAVI, chat, "one");
    await scene.get(TAB).leave();
    await scene.add(TAB);
    scene.without.clear();
    await scene.settle(HOUR);
    await scene.settle(HOUR);
    expect(readers(chat)).toEqual([[RAJU]]);
  });
  test("of a device that is not listed any more holds nothing", async () => {
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await scene.get(TAB).leave();
    await scene.add(TAB);
    await scene.remove(TAB);
    await say(scene, RAVI, chat, "two");
    expect(await texts(RAJU, chat)).toEqual(["one", "two"]);
  });
  test("what it writes is kept, and read once it is accepted", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await scene.get(RAJU).leave();
    const fresh = await scene.add(RAJU);
    await fresh.send(chat, "it is me");
    await scene.settle();
    const ravi = scene.get(RAVI);
    expect(await ravi.texts(chat)).toEqual(["one", undefined]);
    await ravi.accept("raju");
    await scene.settle();
    expect(await ravi.texts(chat)).toEqual(["one", "it is me"]);
    await say(scene, RAVI, chat, "two");
    expect((await fresh.texts(chat)).at(-1)).toBe("two");
  });
});

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

/** Who is sealed for, and who is not: engines with real ratchets, as tests/client/crypto has it. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../src/client/core/frames.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import type { Device } from "./crypto-device.ts";
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
  test("a text that is too long for one frame to all goes in parts, to the other one first", async () => {
    await scene.add("ravi/desk");
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    const text = "x".repeat(5_000);
    await say(scene, RAVI, chat, text);
    expect(readers(chat)).toEqual([[RAJU, TAB], ["ravi/desk"]]);
    for (const name of [RAJU, TAB, "ravi/desk"]) expect(await texts(name, chat)).toEqual([text]);
    for (const { to } of scene.log) expect(JSON.stringify(to).length).toBeLessThan(30_000);
  });
  test("a device that was removed is sent nothing more", async () => {
    await scene.add(TAB);
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await scene.remove(TAB);
    await say(scene, RAVI, chat, "two");
    expect(readers(chat)).toEqual([[RAJU, TAB], [RAJU]]);
  });
  test("a device that nobody knew of gets a copy alone, silently or not as the text was", async () => {
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
    await scene.add("raju/watch");
    await scene.get(RAVI).write(chat, { kind: "edit", of, text: "edited" });
    await scene.settle();
    expect(readers(chat).slice(4)).toEqual([[RAJU, TAB], ["raju/watch"]]);
    expect(scene.log.slice(4).map(({ hidden }) => hidden)).toEqual([true, true]);
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
  test("a key that its device has not signed begins nothing", async () => {
    const chat = await scene.chat("ravi", "raju");
    const raju = scene.get(RAJU);
    const honest = raju.oneTimeKey.bind(raju);
    raju.oneTimeKey = async () => {
      const { signature } = await scene.get(RAVI).oneTimeKey();
      return { ...(await honest()), signature };
    };
    await say(scene, RAVI, chat, "hello");
    expect(scene.log).toEqual([]);
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
  test("a copy waits until its text is accepted, whatever comes in between", async () => {
    scene.without.add(MIRA);
    scene.refuses = (_, from) => {
      from.down.push({ type: "pong" });
      return false;
    };
    await say(scene, RAVI, chat, "one");
    scene.without.clear();
    await say(scene, RAVI, chat, "two");
    expect(await texts(MIRA, chat)).toEqual(["one", "two"]);
  });
  test("another session begins where a device reports that this one repeats", async () => {
    await say(scene, RAVI, chat, "one");
    const asks = { chat, sender: "raju", senderDevice: "phone" } as Message;
    for (const [repeats, begun] of [
      ["another", 1],
      [sessions()[0], 2],
    ] as const) {
      await scene.get(RAVI).step(({ cipher }) => cipher.requested(asks, [], repeats));
      await say(scene, RAVI, chat, "next");
      expect(sessions()).toHaveLength(begun);
    }
  });
  test("a device that comes while the key is under way gets it ahead of the text", async () => {
    const other = await scene.chat("ravi", "raju");
    await say(scene, RAVI, other, "so raju's devices are known");
    scene.quiet = true;
    await scene.add(TAB);
    await say(scene, RAVI, chat, "one");
    expect(await texts(TAB, chat)).toEqual(["one"]);
    expect(readers(chat)).toEqual([[MIRA, RAJU], [TAB]]);
  });
  test("a text that the backend rejects fails, and the next one goes out", async () => {
    await say(scene, RAVI, chat, "one");
    scene.refuses = () => true;
    await say(scene, RAVI, chat, "refused");
    scene.refuses = undefined;
    await say(scene, RAVI, chat, "two");
    expect(await texts(RAJU, chat)).toEqual(["one", "two"]);
    const rows = await scene.get(RAVI).store.all(tables.messages);
    expect(rows.find(({ text }) => text === "refused")?.state).toBe(State.FAILED);
    expect(sessions()).toHaveLength(1);
  });
  test("a device that the backend rejects the key for does not keep the others from a text", async () => {
    scene.refuses = ({ alg }) => alg === "olm.v1" && scene.log.length === 0;
    const id = await say(scene, RAVI, chat, "one");
    scene.refuses = undefined;
    expect(scene.log.filter(({ payload }) => payload !== undefined)).toHaveLength(1);
    for (const name of [RAJU, MIRA]) expect(await texts(name, chat)).toEqual(["one"]); // as a copy
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
    await scene.get(RAVI).accept("raju");
    await scene.settle();
    expect(await texts(TAB, chat)).toEqual(["one"]);
  });
  test("that is accepted is written to by a session of its own", async () => {
    const chat = await scene.chat("ravi", "raju");
    await say(scene, RAVI, chat, "one");
    await say(scene, RAJU, chat, "two");
    await scene.get(RAJU).leave();
    const fresh = await scene.add(RAJU);
    await say(scene, RAVI, chat, "three");
    await scene.get(RAVI).accept("raju");
    await scene.settle();
    expect(fresh.heard("message").at(-1)).toMatchObject({ text: "three" });
    expect(fresh.heard("message_readable")).toEqual([]);
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

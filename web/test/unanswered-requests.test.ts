/** A request shows nothing: what a client would send by itself waits until its user has accepted. */

import { beforeEach, describe, expect, test } from "vitest";
import type { MessageContent } from "../src/client/core/content.ts";
import * as tables from "../src/client/store/tables.ts";
import { Scene, say } from "./crypto-scene.ts";

const RAVI = "ravi/phone";
const RAJU = "raju/phone";
const TAB = "raju/tab";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.of(RAVI, RAJU);
});

async function forget(name: string): Promise<void> {
  await scene.get(name).store.transaction(async (work) => {
    for (const row of await work.all(tables.olmSessions)) {
      work.delete(tables.olmSessions, [row.chat, row.device, row.id]);
    }
  });
}

/** A request with a text that raju/tab, which has lost its sessions, can't read. */
async function unreadable(): Promise<string> {
  await scene.add(TAB);
  const chat = await scene.request("ravi", "raju");
  await say(scene, RAVI, chat, "one");
  await forget(TAB);
  await say(scene, RAVI, chat, "two");
  expect(await scene.get(TAB).texts(chat)).toEqual(["one", undefined]);
  return chat;
}

/** What the stranger can notice: whose messages took a seq, and that a key was claimed. */
const shown = () => ({
  sent: scene.log.map(({ from }) => from),
  claims: scene.claimed.filter((name) => name === RAVI).length,
});

type Agrees = (chat: string) => Promise<void> | void;
const accepts: Agrees = (chat) => scene.accept(chat);
const answers: Agrees = async (chat) => void (await say(scene, RAJU, chat, "who are you?"));
const WAYS: [name: string, agrees: Agrees][] = [
  ["accepts", accepts],
  [
    "has accepted by a list",
    async (chat) => {
      scene.requests.delete(chat);
      const users = ["ravi", "raju"];
      await scene
        .get(TAB)
        .step((step, engine) => engine.chatIs(step, chat, users, { kind: "direct" }));
    },
  ],
  ["answers on another device", answers],
  ["answers", async (chat) => void (await say(scene, TAB, chat, "who are you?"))],
];

test.each(WAYS)(
  "a stranger is asked for what can't be read only when the user %s",
  async (_, agrees) => {
    const chat = await unreadable();
    const before = shown();
    for (const seconds of [4, 70, 4_000]) await scene.settle(seconds * 1_000);
    const tab = scene.get(TAB);
    await tab.leave();
    await tab.connect();
    await scene.settle(5_000);
    await tab.crash();
    await tab.connect();
    await scene.settle(5_000);
    expect(shown()).toEqual(before);
    await agrees(chat);
    for (let times = 0; times < 3; times++) await scene.settle(5_000);
    expect((await tab.texts(chat)).slice(0, 2)).toEqual(["one", "two"]);
  },
);

describe("what is for one device waits in a request", () => {
  const sas = { kind: "sas", txn: "t", step: { step: "cancel", reason: "user" } } as const;
  const timer = { kind: "content", content: { kind: "timer", seconds: 60 } } as const;
  test.each([RAVI, TAB])("whosever device it is: %s", async (to) => {
    const chat = await unreadable();
    const before = shown();
    for (const content of [sas, timer]) {
      await scene.get(RAJU).step((step, engine) => engine.sendToDevice(step, chat, to, content));
    }
    await scene.settle(5_000);
    expect(shown()).toEqual(before);
    scene.accept(chat);
    await scene.settle();
    await scene.settle(5_000);
    expect(shown().sent.filter((name) => name === RAJU)).toHaveLength(2);
  });
});

test("a stranger who asks for what the user has done in a request gets no copy yet", async () => {
  const chat = await scene.request("ravi", "raju");
  const of = scene.get(RAVI).reference(await say(scene, RAVI, chat, "hello"));
  const react = async () => {
    const reaction: MessageContent = { kind: "reaction", of, emoji: "👍" };
    await scene.get(RAJU).write(chat, reaction);
    await scene.settle(1);
  };
  await react();
  await forget(RAVI);
  await react();
  const before = scene.log.length;
  await scene.settle(5_000);
  expect(shown().sent.slice(before)).toEqual([RAVI]);
  await answers(chat);
  await scene.settle(5_000);
  expect(shown().sent.slice(before)).toEqual([RAVI, RAJU, RAJU]); // the answer, and the copy
});

test("typing is sent to nobody before the user has accepted", async () => {
  const chat = await scene.request("ravi", "raju");
  await say(scene, RAVI, chat, "hello");
  const types = () => scene.get(RAJU).step((step, engine) => engine.typing(step, chat));
  await types();
  expect(scene.heard).not.toContain(`${RAJU}: typing`);
  await answers(chat);
  await types();
  expect(scene.heard).toContain(`${RAJU}: typing`);
});

test("a request that was accepted is none again, whatever comes later", async () => {
  const chat = await scene.request("ravi", "raju");
  const raju = scene.get(RAJU);
  const seen: unknown[] = [];
  for (const request of [true, true, false, true]) {
    const about = { kind: "direct", request } as const;
    await raju.step((step, engine) => engine.chatIs(step, chat, ["ravi", "raju"], about));
    seen.push((await raju.store.get(tables.chats, chat))?.request);
  }
  expect(seen).toEqual([true, true, false, false]);
});

const listedBefore: Agrees = async (chat) => {
  scene.accept(chat);
  await scene.settle();
  const about = { kind: "direct", request: true } as const;
  await scene.get(TAB).step((step, engine) => engine.chatIs(step, chat, ["ravi", "raju"], about));
};
const syncedBefore: Agrees = async (chat) => {
  const tab = scene.get(TAB);
  await tab.step((step, engine) => engine.sync(step));
  scene.accept(chat);
  const changed = tab.down.pop();
  if (changed !== undefined) tab.down.unshift(changed); // it overtakes the response
};

describe("an acceptance counts although a response from before comes after it", () => {
  test.each([
    ["a list, of a chat that was known", listedBefore, true],
    ["a list, of a chat that was not", listedBefore, undefined],
    ["a sync, of a chat that was known", syncedBefore, true],
    ["a sync, of a chat that was not", syncedBefore, undefined],
  ])("%s", async (_, happens, known) => {
    const tab = await scene.add(TAB);
    const chat = await scene.request("ravi", "raju");
    if (known) await say(scene, RAVI, chat, "one");
    const request = async () => (await tab.store.get(tables.chats, chat))?.request;
    expect(await request()).toBe(known);
    await happens(chat);
    await scene.settle();
    expect(await request()).toBe(false);
  });
});

/** While the backend takes no claims of keys, texts go to the devices that have a session. */

import { beforeEach, describe, expect, test } from "vitest";
import { Scene, say } from "./crypto-scene.ts";

const RAVI = "ravi/phone";
const RAJU = "raju/phone";
const TAB = "raju/tab";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.of(RAVI, RAJU, "mira/phone");
});

const USERS = { direct: ["ravi", "raju"], group: ["ravi", "raju", "mira"] };
type Kind = keyof typeof USERS;

/** Chats in which all have sessions but raju's new device, of which no key can be claimed. */
async function begun(...kinds: Kind[]): Promise<string[]> {
  const chats: string[] = [];
  for (const kind of kinds) chats.push(await scene.chat(...USERS[kind]));
  for (const chat of chats) await say(scene, RAVI, chat, "before");
  await scene.add(TAB);
  scene.claimed.length = 0;
  scene.claimsAt = scene.time + 120_000;
  return chats;
}

describe.each<Kind>(["direct", "group"])("a text in a %s chat", (kind) => {
  test("goes to the devices that have keys, and to the others once claims are taken", async () => {
    const [chat = ""] = await begun(kind);
    await say(scene, RAVI, chat, "at once");
    expect(await scene.get(RAJU).texts(chat)).toEqual(["before", "at once"]);
    expect(await scene.get(TAB).texts(chat)).not.toContain("at once");
    await scene.settle(60_000);
    await say(scene, RAVI, chat, "meanwhile");
    expect(await scene.get(RAJU).texts(chat)).toEqual(["before", "at once", "meanwhile"]);
    expect(scene.claimed.filter((name) => name === TAB)).toHaveLength(1); // no more before the backend allows it
    await scene.settle(61_000);
    await scene.settle(5_000);
    expect((await scene.get(TAB).texts(chat)).slice(-2)).toEqual(["at once", "meanwhile"]);
  });

  test("is not kept back by a limit that was met in another chat", async () => {
    const [met = "", chat = ""] = await begun("group", kind);
    await say(scene, RAVI, met, "the limit");
    scene.claimed.length = 0;
    await say(scene, RAVI, chat, "at once");
    expect(await scene.get(RAJU).texts(chat)).toEqual(["before", "at once"]);
    expect(scene.claimed).not.toContain(TAB);
    await scene.settle(121_000);
    await scene.settle(5_000);
    expect(await scene.get(TAB).texts(chat)).toContain("at once");
  });
});

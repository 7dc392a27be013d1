/** Safety numbers, acceptance and emoji between whole clients, and a backend that lies meanwhile. */

import { describe, expect, test } from "vitest";
import { loadDevice } from "../src/client/account.ts";
import { canonical, deviceDocument } from "../src/client/crypto/signing.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";
import type { TestClient } from "./backend.ts";
import {
  backend,
  changeStore,
  connect,
  crash,
  eventsOf,
  got,
  named,
  shows,
  until,
  useBackend,
  user,
} from "./scene.ts";

useBackend();

/** Two who know each other, and their chat. */
async function acquainted(): Promise<{ ravi: TestClient; raju: TestClient; chat: string }> {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await ravi.client.chats.direct(user("raju"));
  await ravi.client.send(chat, "hello");
  await got(raju, "hello");
  await raju.client.send(chat, "hello to you");
  await got(ravi, "hello to you");
  return { ravi, raju, chat };
}

/** An entry of the directory for a device that has none of its user's keys. */
async function forged(name: string) {
  const [who = "", device = ""] = name.split("/");
  const store = await Store.open(`forged/${name}`, tables.VERSION, tables.TABLES);
  const { self } = await loadDevice(store, who, device);
  const account = await store.get(tables.account, tables.ONLY);
  const document = canonical(deviceDocument(who, device, self.keys));
  const signature = self.ratchets.sign(account?.pickle ?? "", document);
  return () => backend.listDevice(name, { keys: self.keys, signature });
}

/** The same name, made anew: another identity. */
async function madeAnew(one: TestClient, name: string): Promise<TestClient> {
  await crash(one);
  await new Promise((resolve) => {
    indexedDB.deleteDatabase(`switchboard/${one.name}`).onsuccess = resolve;
  });
  return connect(name);
}

const announce = (to: TestClient, who: string) =>
  backend.sockets.get(to.name)?.deliver({ type: "devices_changed", user: who });

const trust = async ({ client }: TestClient, who: string) =>
  (await client.devices.of(who)).map(({ device, keys, verified }) => [
    device,
    keys !== undefined,
    verified,
  ]);

describe("safety numbers", () => {
  test("are compared in any grouping, or as the code, and verify what was compared", async () => {
    const { ravi, raju } = await acquainted();
    const { digits, qr } = await raju.client.verification.safetyNumber(user("ravi"));
    const wrong = digits.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
    const { verification } = ravi.client;
    expect(await verification.compareSafetyNumber(user("raju"), wrong)).toBe(false);
    expect(await trust(ravi, user("raju"))).toEqual([["phone", true, false]]);
    const grouped = ` ${digits.match(/.{5}/g)?.join(" - ")}\n`;
    expect(await verification.compareSafetyNumber(user("raju"), grouped)).toBe(true);
    expect(await trust(ravi, user("raju"))).toEqual([["phone", true, true]]);
    expect(await raju.client.verification.compareSafetyNumber(user("ravi"), qr)).toBe(true);
  });

  test("are of the devices that there are now, on both sides", { tags: "deep" }, async () => {
    const { ravi, raju } = await acquainted();
    const before = await ravi.client.verification.safetyNumber(user("raju"));
    backend.quiet = true;
    await connect("ravi/tablet");
    await connect("raju/laptop");
    const [one, other] = [
      await ravi.client.verification.safetyNumber(user("raju")),
      await raju.client.verification.safetyNumber(user("ravi")),
    ];
    expect(one).toEqual(other);
    expect(one.digits).not.toBe(before.digits);
  });

  test("a device that is listed while the number is computed is not verified with it", {
    tags: "deep",
  }, async () => {
    const { ravi, raju } = await acquainted();
    const { digits } = await raju.client.verification.safetyNumber(user("ravi"));
    const list = await forged(named("raju/evil"));
    backend.lies.set("GET users", (truth) => {
      backend.lies.delete("GET users");
      queueMicrotask(() => {
        list();
        announce(ravi, user("raju"));
      });
      return truth;
    });
    const same = await ravi.client.verification.compareSafetyNumber(user("raju"), digits);
    expect(eventsOf(ravi, "device_added")).toHaveLength(1);
    expect(same).toBe(false);
    expect((await trust(ravi, user("raju"))).filter(([, , verified]) => verified)).toEqual([]);
  });

  test("a device that is not listed any more is not accepted with the others", {
    tags: "deep",
  }, async () => {
    const { ravi, raju, chat } = await acquainted();
    const { digits } = await raju.client.verification.safetyNumber(user("ravi"));
    const { verification } = ravi.client;
    expect(await verification.compareSafetyNumber(user("raju"), digits)).toBe(true);
    const list = await forged(named("raju/evil"));
    list();
    announce(ravi, user("raju"));
    await until(() => eventsOf(ravi, "identity_changed").length > 0);
    backend.forgetDevice(named("raju/evil"));
    expect(await verification.compareSafetyNumber(user("raju"), digits)).toBe(true);
    list();
    expect(await trust(ravi, user("raju"))).toEqual([
      ["evil", false, false],
      ["phone", true, true],
    ]);
    await ravi.client.send(chat, "for raju alone");
    await until(() => eventsOf(ravi, "held").length > 0);
  });

  test("are with somebody else who has a device", async () => {
    const ravi = await connect("ravi/phone");
    const { verification } = ravi.client;
    await expect(verification.safetyNumber(user("ravi"))).rejects.toThrow(/somebody else/);
    await expect(verification.safetyNumber(user("nobody"))).rejects.toThrow(/no device/);
  });
});

describe("accepting", () => {
  test("takes the identity that the user was shown, and no later one", async () => {
    const { ravi, raju, chat } = await acquainted();
    const second = await madeAnew(raju, "raju/phone");
    await until(() => eventsOf(ravi, "identity_changed").length === 1);
    const shown = await ravi.client.devices.of(user("raju"));
    backend.quiet = true;
    const third = await madeAnew(second, "raju/phone");
    await ravi.client.verification.accept(user("raju"), shown);
    await ravi.client.send(chat, "whoever you are");
    await until(() => eventsOf(ravi, "held").length > 0);
    expect(eventsOf(ravi, "identity_changed")).toHaveLength(2);
    expect(shows(third, "whoever you are")).toEqual([]);
    const now = await ravi.client.devices.of(user("raju"));
    await ravi.client.verification.accept(user("raju"), now);
    await got(third, "whoever you are");
  });

  test("is never asked for this device itself, whatever the directory lists of it", async () => {
    const { ravi, raju, chat } = await acquainted();
    const list = await forged(named("ravi/phone"));
    list();
    announce(ravi, user("ravi"));
    await ravi.client.send(chat, "it is me");
    await got(raju, "it is me");
    expect(eventsOf(ravi, "identity_changed")).toEqual([]);
    const [own] = await ravi.client.devices.of();
    expect(own).toMatchObject({ device: "phone", pending: undefined });
  });
});

describe("emoji", () => {
  const stages = (one: TestClient) =>
    eventsOf(one, "comparison").map(({ comparison }) => comparison.stage);
  const last = (one: TestClient) => eventsOf(one, "comparison").at(-1)?.comparison;

  test("a step that finds no key waits for one, and the comparison goes through", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.refusing.add(raju.name);
    await ravi.client.verification.compare(chat, raju.name);
    expect(last(ravi)?.stage).toBe("requested");
    await until(() => backend.refused >= 2);
    backend.refusing.clear();
    await until(() => last(raju)?.stage === "asked");
    await raju.client.verification.compare(chat, ravi.name);
    await until(() => last(ravi)?.stage === "comparing" && last(raju)?.stage === "comparing");
    expect(last(ravi)?.emoji).toEqual(last(raju)?.emoji);
    await ravi.client.verification.decide(raju.name, true);
    await raju.client.verification.decide(ravi.name, true);
    await until(() => last(ravi)?.stage === "verified" && last(raju)?.stage === "verified");
    expect(await trust(ravi, user("raju"))).toEqual([["phone", true, true]]);
    expect(stages(ravi)).not.toContain("cancelled");
  });

  test("who leaves in the middle cancels it", async () => {
    const { ravi, raju, chat } = await acquainted();
    await ravi.client.verification.compare(chat, raju.name);
    await until(() => last(raju)?.stage === "asked");
    await raju.client.close();
    await until(() => last(ravi)?.stage === "cancelled");
    expect(last(ravi)?.reason).toBe("user");
  });

  test("a changed identity ends it, and none begins before it is accepted", async () => {
    const { ravi, raju, chat } = await acquainted();
    await ravi.client.verification.compare(chat, raju.name);
    await until(() => last(raju)?.stage === "asked");
    const list = await forged(raju.name);
    list();
    announce(ravi, user("raju"));
    await until(() => last(ravi)?.stage === "cancelled");
    expect(last(ravi)?.reason).toBe("identity_changed");
    await expect(ravi.client.verification.compare(chat, raju.name)).rejects.toThrow(/trusted/);
  });

  test("none begins with a device that is not listed any more", async () => {
    const { ravi, raju, chat } = await acquainted();
    await backend.forgetDevice(raju.name);
    announce(ravi, user("raju"));
    await until(() => eventsOf(ravi, "devices_changed").length > 0);
    await expect(ravi.client.verification.compare(chat, raju.name)).rejects.toThrow(/trusted/);
  });

  test("of a stranger is not taken up before the user has accepted the request", async () => {
    await backend.strangers();
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "hello");
    await got(raju, "hello");
    await ravi.client.verification.compare(chat, raju.name);
    await ravi.client.send(chat, "did you see that?");
    await got(raju, "did you see that?");
    expect(stages(raju)).toEqual([]);
  });

  test("is for two: in a group none begins, and none is taken up", { tags: "deep" }, async () => {
    const { ravi, raju } = await acquainted();
    const group = await ravi.client.chats.group([user("raju")]);
    await expect(ravi.client.verification.compare(group, raju.name)).rejects.toThrow(/direct chat/);
    await crash(ravi);
    await changeStore(ravi, async (work) => {
      const known = await work.get(tables.chats, group);
      if (known !== undefined) work.put(tables.chats, { ...known, kind: "direct" });
    });
    const other = await connect("ravi/phone"); // one that takes groups for direct chats
    await other.client.verification.compare(group, raju.name);
    await other.client.send(group, "did you see that?");
    await got(raju, "did you see that?");
    expect(stages(other)).toEqual(["requested"]);
    expect(stages(raju)).toEqual([]);
  });
});

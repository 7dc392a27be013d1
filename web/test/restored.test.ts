/** A store that was restored from an older copy: its ratchets repeat, and nothing stays unread. */

import { describe, expect, test, vi } from "vitest";
import type { Settings } from "../src/client/core/settings.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import {
  backend,
  connect,
  crash,
  eventsOf,
  got,
  named,
  shows,
  texts,
  until,
  useBackend,
} from "./scene.ts";

useBackend();

type Copy = Map<string, [IDBValidKey, unknown][]>;

async function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** All rows of a device that does not run, as they lie on its disk. */
async function copyOf(name: string): Promise<Copy> {
  const database = await done(indexedDB.open(`switchboard/${name}`));
  const copy: Copy = new Map();
  for (const table of database.objectStoreNames) {
    const store = database.transaction(table).objectStore(table);
    const [keys, rows] = [await done(store.getAllKeys()), await done(store.getAll())];
    copy.set(
      table,
      keys.map((key, at) => [key, rows[at]]),
    );
  }
  database.close();
  return copy;
}

async function restore(name: string, copy: Copy): Promise<void> {
  const database = await done(indexedDB.open(`switchboard/${name}`));
  for (const [table, rows] of copy) {
    const store = database.transaction(table, "readwrite").objectStore(table);
    await done(store.clear());
    for (const [key, row] of rows) await done(store.put(row, key));
  }
  database.close();
}

/** A chat of two, and a copy of ravi's store; ravi does not run. */
async function copied(kind: string, settings: Partial<Settings> = {}) {
  const raju = await connect("raju/phone", settings);
  const ravi = await connect("ravi/phone", settings);
  const chat =
    kind === "direct"
      ? await ravi.client.chats.direct(raju.client.user)
      : await ravi.client.chats.group([raju.client.user]);
  await ravi.client.send(chat, "1");
  await got(raju, "1");
  await raju.client.send(chat, "2");
  await got(ravi, "2");
  await crash(ravi);
  return { raju, chat, copy: await copyOf(named("ravi/phone")) };
}

describe("a restored store", () => {
  const isRead = async (kind: string, noticed: boolean) => {
    if (!noticed) vi.spyOn(Encryption.prototype, "renew").mockResolvedValue(false);
    const { raju, chat, copy } = await copied(kind);
    let ravi = await connect("ravi/phone");
    const lost = ["3", "4", "5"];
    for (const text of lost) {
      await ravi.client.send(chat, text);
      await got(raju, text);
    }
    await crash(ravi);
    await restore(named("ravi/phone"), copy);
    ravi = await connect("ravi/phone");
    const sent = ["6", "7"];
    for (const text of sent) await ravi.client.send(chat, text);
    for (const text of sent) await got(raju, text);
    expect(eventsOf(raju, "message_readable").length > 0).toBe(!noticed);
    await raju.client.send(chat, "8");
    await got(ravi, "8");
    expect(await texts(raju, chat)).toEqual(["1", "2", ...lost, ...sent, "8"]);
    await until(() => shows(ravi, "8").length === 1);
  };
  const READ = "in a %s chat (noticed: %s): all it sends is read";
  test.each([
    ["direct", true],
    ["group", false],
  ] as const)(READ, isRead);
  test.each([
    ["direct", false],
    ["group", true],
  ] as const)(READ, { tags: "deep" }, isRead);

  test.each(["direct", "group"])(
    "in a %s chat is noticed by its mark alone",
    { tags: "deep" },
    async (kind) => {
      // what is reported of own texts waits for others' messages, or for this time
      const { raju, chat, copy } = await copied(kind, { quietReceiptDelay: 500 });
      let ravi = await connect("ravi/phone");
      for (const text of ["3", "4"]) {
        await ravi.client.send(chat, text);
        await got(raju, text);
      }
      await raju.client.send(chat, "5"); // so that ravi acknowledges all of them at once
      await got(ravi, "5");
      // Nothing that was lost comes back to it: all devices have it, and so it is deleted.
      await until(() => backend.purge(chat));
      await crash(ravi);
      await restore(named("ravi/phone"), copy);
      ravi = await connect("ravi/phone");
      await ravi.client.send(chat, "6");
      await got(raju, "6");
      expect(eventsOf(raju, "message_readable")).toEqual([]);
    },
  );
});

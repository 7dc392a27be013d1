/** A store that can not be written: a full disk, which is waited for, and a damaged database. */

import { describe, expect, test, vi } from "vitest";
import { StoreUnavailable } from "../src/client/errors.ts";
import { pair } from "./chats.ts";
import { connect, crash, eventsOf, got, shows, texts, until, useBackend } from "./scene.ts";

useBackend();

/** Nothing can be written on this device until the returned function is called. */
function fullDisk(device: string): () => void {
  const plain = IDBDatabase.prototype.transaction;
  const writing = vi.spyOn(IDBDatabase.prototype, "transaction");
  writing.mockImplementation(function (this: IDBDatabase, tables, mode, options) {
    if (mode === "readwrite" && this.name.endsWith(device)) {
      throw new DOMException("the disk is full", "QuotaExceededError");
    }
    return plain.call(this, tables, mode, options);
  });
  return () => writing.mockRestore();
}

describe("a full disk", () => {
  test("is reported once, and the client goes on without loss", async () => {
    const { ravi, raju, chat } = await pair();
    for (const round of [1, 2]) {
      const free = fullDisk(ravi.name);
      await raju.client.send(chat, `while it is full ${round}`);
      await until(() => eventsOf(ravi, "store_failing").length === round);
      await expect(ravi.client.send(chat, "not written")).rejects.toThrow(StoreUnavailable);
      expect(eventsOf(ravi, "store_working")).toHaveLength(round - 1);
      free();
      await got(ravi, `while it is full ${round}`);
      await ravi.client.writable();
      await ravi.client.send(chat, `again ${round}`);
      await got(raju, `again ${round}`);
      expect(shows(ravi, `while it is full ${round}`)).toHaveLength(1);
      expect(eventsOf(ravi, "store_failing")).toHaveLength(round);
      expect(eventsOf(ravi, "store_working")).toHaveLength(round);
    }
    expect(eventsOf(ravi, "disconnected").every(({ retryIn }) => retryIn !== undefined)).toBe(true);
    expect(await texts(raju, chat)).not.toContain("not written");
  });

  test("is waited for by a client that starts, and one that waits can be closed", async () => {
    const { ravi, raju, chat } = await pair();
    await crash(ravi);
    const free = fullDisk(ravi.name);
    const starting = connect("ravi/phone");
    let started = false;
    void starting.then(() => {
      started = true;
    });
    await connect("raju/laptop"); // which takes as long
    expect(started).toBe(false);
    free();
    const again = await starting;
    await raju.client.send(chat, "hello");
    await got(again, "hello");
    fullDisk(ravi.name);
    await expect(again.client.send(chat, "no")).rejects.toThrow(StoreUnavailable);
    await again.client.close();
  });
});

test("a client whose store has failed closes, and the device can be opened again", async () => {
  const { ravi, chat } = await pair();
  const writing = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
    throw new DOMException("the database is damaged", "DataError");
  });
  const closed = new Promise((resolve) => {
    ravi.client.listen(({ type }) => {
      if (type === "disconnected") resolve(ravi.client.close());
    });
  });
  await expect(ravi.client.send(chat, "hello")).rejects.toThrow();
  writing.mockRestore();
  await closed;
  const again = await connect("ravi/phone");
  expect(await texts(again, chat)).toEqual([]);
});

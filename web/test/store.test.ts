/** State at rest: all or nothing, unreadable, untamperable, one holder. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { StoreError, StoreUnavailable } from "../src/client/errors.ts";
import type { Table } from "../src/client/store/database.ts";
import { Store } from "../src/client/store/store.ts";
import { startingWith } from "../src/client/store/tables.ts";

interface Note {
  readonly chat: string;
  readonly number: number;
  readonly text: string;
}

const notes: Table<Note> = {
  name: "notes",
  key: (row) => [row.chat, row.number],
  indexes: { text: (row) => (row.number > 0 ? [row.chat, -row.number] : undefined) },
  cached: false,
};
const kept: Table<Note> = { ...notes, name: "kept", indexes: {}, cached: true };
const TABLES = [notes, kept] as const;

let name = "";
let count = 0;
beforeEach(() => {
  name = `store-${count++}`;
});

const open = () => Store.open(name, 1, TABLES);
const note = (number: number, text = `text ${number}`): Note => ({ chat: "c", number, text });

/** Everything that stands in the database, as it stands there. */
async function raw(table: string): Promise<Record<string, unknown>[]> {
  const database = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open(name);
    opening.onsuccess = () => resolve(opening.result);
  });
  const rows = await new Promise<Record<string, unknown>[]>((resolve) => {
    const request = database.transaction(table).objectStore(table).getAll();
    request.onsuccess = () => resolve(request.result);
  });
  database.close();
  return rows;
}

async function overwrite(table: string, key: IDBValidKey, value: unknown): Promise<void> {
  const opening = indexedDB.open(name);
  await new Promise((resolve) => {
    opening.onsuccess = resolve;
  });
  const transaction = opening.result.transaction(table, "readwrite");
  transaction.objectStore(table).put(value, key);
  await new Promise((resolve) => {
    transaction.oncomplete = resolve;
  });
  opening.result.close();
}

describe("a transaction", () => {
  test("reads what it has written, in the order of an index", async () => {
    const store = await open();
    await store.transaction(async (work) => work.put(notes, note(1)));
    await store.transaction(async (work) => {
      work.put(notes, note(3));
      work.put(notes, note(2));
      work.put(notes, note(0));
      const all = await work.all(notes, "text", startingWith("c"));
      expect(all.map((row) => row.number)).toEqual([3, 2, 1]);
      work.delete(notes, ["c", 1]);
      expect(await work.get(notes, ["c", 1])).toBeUndefined();
      expect(await work.all(notes)).toHaveLength(3);
    });
    expect((await store.all(notes)).map((row) => row.number)).toEqual([0, 2, 3]);
    await store.close();
  });

  test.each([notes, kept])("that raises leaves nothing behind", async (table) => {
    const store = await open();
    await store.transaction(async (work) => work.put(table, note(1, "before")));
    const failing = store.transaction(async (work) => {
      work.put(table, note(1, "after"));
      work.put(table, note(2));
      throw new Error("crash");
    });
    await expect(failing).rejects.toThrow("crash");
    expect(await store.get(table, ["c", 1])).toMatchObject({ text: "before" });
    expect(await store.get(table, ["c", 2])).toBeUndefined();
    await store.close();
  });

  test("that can't be written leaves nothing behind", async () => {
    const store = await open();
    const bad: Table<Note> = { ...notes, key: () => Number.NaN };
    const writing = store.transaction(async (work) => {
      work.put(notes, note(1));
      work.put(bad, note(2));
    });
    await expect(writing).rejects.toThrow(StoreError);
    await expect(writing).rejects.not.toThrow(StoreUnavailable);
    expect(await store.all(notes)).toEqual([]);
    await store.close();
  });

  test.each([
    ["QuotaExceededError", true],
    ["UnknownError", true],
    ["InvalidStateError", false],
  ])("that ends with %s may be tried again: %s", async (kind, again) => {
    const store = await open();
    const full = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
      throw new DOMException("not now", kind);
    });
    const error = await store.transaction(async (work) => work.put(kept, note(1))).catch((e) => e);
    full.mockRestore();
    expect(error).toBeInstanceOf(StoreError);
    expect(error instanceof StoreUnavailable).toBe(again);
    expect(await store.all(kept)).toEqual([]);
    expect(await store.get(kept, ["c", 1])).toBeUndefined();
    await store.transaction(async (work) => work.put(kept, note(1)));
    expect(await store.all(kept)).toHaveLength(1);
    await store.close();
  });

  test("is written when it returns, and not before", async () => {
    const store = await open();
    const done: string[] = [];
    const { transaction } = IDBDatabase.prototype;
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (
      this: IDBDatabase,
      ...given
    ) {
      const made = Reflect.apply(transaction, this, given);
      made.addEventListener("complete", () => done.push(made.mode));
      return made;
    });
    await store.transaction(async (work) => work.put(notes, note(1)));
    expect(done).toContain("readwrite");
    vi.restoreAllMocks();
    await store.close();
  });

  test.each([1, 2])(
    "of version %s in another script's database changes nothing",
    async (version) => {
      const opening = indexedDB.open(name, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("notes").put("mine", 1);
      await new Promise((resolve) => {
        opening.onsuccess = resolve;
      });
      opening.result.close();
      await expect(Store.open(name, version, TABLES)).rejects.toThrow("another program's");
      expect(await raw("notes")).toEqual(["mine"]);
      const databases = await indexedDB.databases();
      expect(databases.find((each) => each.name === name)?.version).toBe(1);
    },
  );
});

describe("at rest", () => {
  test("rows are sealed, and the key that seals them can't be exported", async () => {
    const store = await open();
    await store.transaction(async (work) => work.put(notes, note(1, "the secret text")));
    const bytes = JSON.stringify(
      (await raw("notes")).map((row) => [
        ...Object.keys(row),
        Buffer.from(row.data as ArrayBuffer).toString("latin1"),
      ]),
    );
    expect(bytes).not.toContain("secret");
    const [key] = (await raw("keys")) as unknown as CryptoKey[];
    expect(key).toBeInstanceOf(CryptoKey);
    await expect(crypto.subtle.exportKey("raw", key as CryptoKey)).rejects.toThrow();
    await store.close();
  });

  test("a row that was changed or moved is rejected", async () => {
    const store = await open();
    await store.transaction(async (work) => {
      work.put(notes, note(1));
      work.put(notes, note(2));
    });
    const [first, second] = await raw("notes");
    if (second === undefined) throw new Error("there are two rows");
    await overwrite("notes", ["c", 2], first);
    await expect(store.get(notes, ["c", 2])).rejects.toThrow(StoreError);
    const data = new Uint8Array((second.data as ArrayBuffer).slice());
    data[0] = (data[0] ?? 0) ^ 1;
    await overwrite("notes", ["c", 2], { ...second, data: data.buffer });
    await expect(store.get(notes, ["c", 2])).rejects.toThrow(StoreError);
    await store.close();
  });

  test("what was written is there after a restart", async () => {
    const store = await open();
    await store.transaction(async (work) => work.put(kept, note(1)));
    await store.close();
    const again = await open();
    expect(await again.get(kept, ["c", 1])).toEqual(note(1));
    await again.close();
  });

  test("an older store keeps its rows and gets the indexes that it lacks", async () => {
    const older: Table<Note> = { ...notes, indexes: {} };
    const before = await Store.open(name, 1, [older, kept]);
    await before.transaction(async (work) => work.put(older, note(1)));
    await before.close();
    const store = await Store.open(name, 2, TABLES);
    await store.transaction(async (work) => work.put(notes, note(2)));
    expect(await store.all(notes)).toEqual([note(1), note(2)]);
    expect(await store.all(notes, "text")).toEqual([note(2)]);
    await store.close();
  });

  test("indexes of values that stand readable are filled for older rows", async () => {
    const dated = { text: (row: Note) => row.number };
    const older: Table<Note> = { ...notes, indexes: dated };
    const before = await Store.open(name, 1, [older]);
    await before.transaction(async (work) => work.put(older, note(7)));
    await before.close();
    const values = ({ text }: { text?: unknown }) => ({ again: text });
    const newer: Table<Note> = {
      ...notes,
      indexes: { ...dated, again: (row) => row.number },
      filled: { from: "text", values },
    };
    const store = await Store.open(name, 2, [newer]);
    expect(await store.all(newer, "again")).toEqual([note(7)]);
    await store.close();
  });

  test("a store of a newer client is not touched", async () => {
    await (await Store.open(name, 2, TABLES)).close();
    await expect(open()).rejects.toThrow(/newer client/);
    await (await Store.open(name, 2, TABLES)).close(); // nobody else has to wait for it
  });
});

test("only one holds a device at a time; the next one gets it when that ends", async () => {
  const store = await open();
  await expect(open()).rejects.toThrow(/another tab/);
  await store.close();
  const again = await open();
  await again.close();
});

test("who waits for a device gets it when the other one lets go, and has all of it", async () => {
  const first = await open();
  await first.transaction(async (work) => work.put(notes, note(1)));
  const second = Store.open(name, 1, TABLES, new AbortController().signal);
  const third = new AbortController();
  const given = expect(Store.open(name, 1, TABLES, third.signal)).rejects.toThrow("no longer");
  third.abort(new Error("no longer"));
  await given;
  await first.close();
  const store = await second;
  expect(await store.all(notes)).toEqual([note(1)]);
  await expect(open()).rejects.toThrow(StoreError);
  await store.close();
});

test("where locks are not to be had, opening reports so", async () => {
  const refused = new DOMException("not here", "SecurityError");
  vi.spyOn(navigator.locks, "request").mockRejectedValueOnce(refused);
  await expect(open()).rejects.toBe(refused);
});

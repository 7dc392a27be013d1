/** What a step costs while many texts can't be read: counted in rows that are read. */

import { expect, test, vi } from "vitest";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

let count = 0;

/** In each of two chats so many texts of raju's wait; in `c` there is one of ravi's other device. */
async function holding(texts: number): Promise<Store> {
  const store = await Store.open(`waiting-${count++}`, tables.VERSION, tables.TABLES);
  await store.transaction(async (work) => {
    const ledger = new Ledger(work, "ravi", "web");
    const add = (chat: string, seq: number, sender: string) => {
      const messageId = `${chat}${seq}`;
      ledger.add({ chat, seq, messageId, sender, senderDevice: "tablet", alg: "", askAt: 5 });
    };
    for (const chat of ["b", "c"]) for (let seq = 1; seq <= texts; seq++) add(chat, seq, "raju");
    add("c", 0, "ravi");
    add("d", 1, "mira");
  });
  return store;
}

/** How many rows `act` has read. */
async function rowsOf(store: Store, act: (ledger: Ledger) => Promise<unknown>): Promise<number> {
  const read = vi.spyOn(store, "all");
  await store.transaction((work) => act(new Ledger(work, "ravi", "web")));
  const rows = await Promise.all(read.mock.results.map(({ value }) => value as Promise<object[]>));
  return rows.flat().length;
}

test.each([
  ["the first text that waits", (ledger: Ledger) => ledger.firstWaiting("c"), 1],
  [
    "what a chat's senders are to be asked for",
    (ledger: Ledger) => ledger.toAsk("d", 5),
    undefined,
  ],
])("%s is found at once, however many wait", async (_what, act, found) => {
  const few = await holding(3);
  const many = await holding(100);
  if (found !== undefined) {
    expect(await few.transaction((work) => act(new Ledger(work, "ravi", "web")))).toBe(found);
  }
  expect(await rowsOf(many, act)).toBe(await rowsOf(few, act));
  await few.close();
  await many.close();
});

test("a text that waits in a database of version 4 is found in the new one", async () => {
  const name = `waiting-${count++}`;
  const before = tables.TABLES.map((table) => {
    const { waiting: _, toAsk: __, ...indexes } = table.indexes;
    return { ...table, indexes };
  });
  const old = await Store.open(name, 4, before);
  const row = { chat: "c", sender: "raju", senderDevice: "tablet", alg: "", askAt: 5 };
  await old.transaction(async (work) => {
    new Ledger(work, "ravi", "web").add({ ...row, seq: 7, messageId: "m" });
    new Ledger(work, "ravi", "web").add({ ...row, seq: 8, messageId: "n", askAt: undefined });
  });
  await old.close();
  const store = await Store.open(name, tables.VERSION, tables.TABLES);
  await store.transaction(async (work) => {
    const ledger = new Ledger(work, "ravi", "web");
    expect(await ledger.firstWaiting("c")).toBe(7);
    expect((await ledger.toAsk("c", 5)).map(({ messageId }) => messageId)).toEqual(["m"]);
    expect(await ledger.toAsk("c", 4)).toEqual([]);
  });
  await store.close();
});

test("a text that waits since this very step is found, and one that no more waits is not", async () => {
  const store = await holding(3);
  await store.transaction(async (work) => {
    const ledger = new Ledger(work, "ravi", "web");
    for (const seq of [1, 2]) {
      const row = await ledger.message("c", "raju", "tablet", `c${seq}`);
      if (row !== undefined) ledger.change(row, { askAt: undefined });
    }
    expect(await ledger.firstWaiting("c")).toBe(3);
    const row = { chat: "c", seq: 2, messageId: "new", sender: "mira", senderDevice: "web" };
    ledger.add({ ...row, alg: "", askAt: 9 });
    expect(await ledger.firstWaiting("c")).toBe(2);
    expect(new Set((await ledger.toAsk("c", 5)).map(({ seq }) => seq))).toEqual(new Set([0, 3]));
  });
  await store.close();
});

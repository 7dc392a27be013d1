/** Receipts: which ticks and members one of somebody else moves, and when one of this device is sent. */

import { beforeEach, describe, expect, test } from "vitest";
import { ulid } from "../src/client/core/ids.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { State } from "../src/client/core/ticks.ts";
import { Client, message, START, synced } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

const chat = () => client.step(({ ledger }) => ledger.chat("c"));

describe("a receipt", () => {
  test("reads the messages whose tick it moves and no others, however many nobody has read", async () => {
    for (const seq of [1, 2, 3, 4]) {
      const state = [State.READ, State.DELIVERED, State.DELIVERED, State.SENT][seq - 1];
      const of = { chat: "c", sender: "ravi", senderDevice: "web", alg: "" };
      const row = { ...of, messageId: ulid(START + seq), seq, state };
      await client.step(({ ledger }) => ledger.add(row));
    }
    const moved = async (delivered: number, read: number) =>
      (await client.step(({ ledger }) => ledger.ticking("c", { delivered, read }))).map(
        ({ seq }) => seq,
      );
    expect(await moved(3, 1)).toEqual([]);
    expect(await moved(4, 1)).toEqual([4]);
    expect(await moved(3, 2)).toEqual([2]);
    expect(await moved(4, 4)).toEqual([2, 3, 4]);
  });

  const receipt = (user: string) => ({ type: "receipt", chat: "c", user, delivered: 3, read: 3 });

  test("moves a member", async () => {
    await client.receive(synced(0), receipt("raju"));
    expect((await chat()).members).toContainEqual(["raju", { delivered: 3, read: 3 }]);
  });
  test.each(["mira", "__proto__", "constructor"])(
    "of %s, who is none, is not kept, and has it asked who is in the chat",
    async (name) => {
      await client.online({ type: "synced", chats: {} }, synced(0));
      client.outputs = [];
      await client.receive(receipt(name));
      expect((await chat()).members.map(([user]) => user)).toEqual(["ravi", "raju"]);
      expect(client.events("watermarks")).toEqual([]);
      expect(client.sent("sync")).toEqual([{ action: "sync", chats: { c: 0 } }]);
    },
  );
});

describe("a receipt of this device", () => {
  const receipts = () => client.sent("receipt");
  const read = (seq: number) => client.step((each) => client.engine.markRead(each, "c", seq));

  beforeEach(async () => {
    await client.online(synced(0), message(1), message(2));
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ delivered: 2, senders: ["raju"] }]);
  });

  test.each(["receipt", undefined])(
    "that failed, by an error of %s, is sent again",
    async (action) => {
      await client.receive({ type: "error", code: "internal", message: "", action });
      await client.after(1_000);
      expect(receipts()).toMatchObject([{ delivered: 2, senders: ["raju"] }]);
    },
  );
  test("of what was read is sent again as well, although all is reported as delivered", async () => {
    await client.after(DEFAULTS.pingBetween[1]);
    await client.receive({ type: "pong" });
    await read(2);
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ read: 2 }]);
    await client.receive({ type: "error", code: "internal", message: "", action: "receipt" });
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ read: 2, senders: ["raju"] }]);
  });
  test("of what was read is sent again after a crash, to the same senders", async () => {
    await client.after(DEFAULTS.pingBetween[1]);
    await client.receive({ type: "pong" });
    await read(2);
    await client.restart();
    await client.online();
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ read: 2, senders: ["raju"] }]);
  });
  test("that was confirmed by a pong is not sent after a restart, and another one is", async () => {
    await client.restart();
    await client.online();
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ delivered: 2, senders: ["raju"] }]);
    await client.after(DEFAULTS.pingBetween[1]);
    await client.receive({ type: "pong" });
    await client.restart();
    await client.online();
    await client.after(60_000);
    expect(receipts()).toEqual([]);
  });
  test("never goes back or past what is here", async () => {
    await read(9);
    await read(1);
    await client.after(1_000);
    expect(receipts()).toMatchObject([{ read: 2 }]);
    expect((await chat()).read).toBe(2);
  });
  test("waits as long as the backend asks", async () => {
    const error = { type: "error", code: "rate_limited", message: "", action: "receipt" };
    await client.receive({ ...error, retry_after: 30 });
    await client.after(29_000);
    expect(receipts()).toEqual([]);
    await client.after(1_000);
    expect(receipts()).toHaveLength(1);
  });
});

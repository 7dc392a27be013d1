/** When receipts leave, what they say, and what of them a lost connection leaves in doubt. */

import { describe, expect, test } from "vitest";
import { ReceiptPlan } from "../src/client/core/receipts.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";

const MIDDLE = () => 0.5;

describe("receipts", () => {
  function plan(): ReceiptPlan {
    const receipts = new ReceiptPlan(DEFAULTS, MIDDLE);
    receipts.opened(new Map());
    return receipts;
  }

  function move(receipts: ReceiptPlan, now: number, delivered: number, read = 0, members = 2) {
    receipts.moved("c", now, { delivered, read }, ["raju"], members);
  }

  function frame(delivered: number, read: number, ...senders: string[]) {
    const marks = read > 0 ? { delivered, read } : { delivered };
    return expect.objectContaining({ action: "receipt", chat: "c", ...marks, senders });
  }

  test("what moves within a moment is one receipt, and marks never go back", () => {
    const receipts = plan();
    move(receipts, 0, 3);
    move(receipts, 10, 2, 2);
    expect(receipts.due(49)).toEqual([]);
    expect(receipts.due(50)).toEqual([frame(3, 2, "raju")]);
    expect([receipts.due(9e9), receipts.nextDue()]).toEqual([[], undefined]);
    move(receipts, 60, 3, 2); // nothing new
    expect(receipts.nextDue()).toBeUndefined();
    expect(receipts.delivered("c")).toBe(3);
    move(receipts, 1_000, 4, 1);
    expect(receipts.due(9e9)).toEqual([frame(4, 2, "raju")]);
  });

  test.each([
    [2, 50],
    [3, 225],
    [100, 3_750],
  ])("the first one in a chat of %i waits %i ms", (members, pause) => {
    const receipts = plan();
    move(receipts, 0, 1, 0, members);
    expect(receipts.nextDue()).toBe(pause);
  });

  test.each([
    [2, 0, 200],
    [10, 0, 1_000],
    [10, 1, 500],
    [50, 0, 5_000],
    [256, 0, 5_000],
    [256, 1, 2_500],
    [257, 0, 10_000],
    [1_024, 1, 5_000],
  ])("in a chat of %i, with %i read, the next one comes after %i ms", (members, read, after) => {
    const receipts = plan();
    move(receipts, 0, 1, 0, members);
    expect(receipts.due(9_999, true)).toHaveLength(1); // without waiting
    move(receipts, 10_000, 2, read, members);
    const due = receipts.nextDue() ?? 0;
    expect(due).toBe(
      Math.max(9_999 + after, 10_000 + Math.max(50, members > 2 ? after * 0.75 : 0)),
    );
  });

  test("senders that one has no room for are named by the next ones", () => {
    const receipts = plan();
    const names = Array.from({ length: 600 }, (_, number) => `user${1_000 + number}`);
    receipts.moved("c", 0, { delivered: 600, read: 0 }, names, 1_024);
    const named: string[][] = [];
    for (let at = receipts.nextDue(); at !== undefined; at = receipts.nextDue()) {
      for (const frame of receipts.due(at)) {
        named.push((frame as unknown as { senders: string[] }).senders);
      }
    }
    expect(named.map((each) => each.length)).toEqual([256, 256, 88]);
    expect(named.flat()).toEqual(names);
  });

  test("one that notifies nobody takes its time, and all wait for the backend", () => {
    const receipts = plan();
    receipts.moved("c", 0, { delivered: 1, read: 0 }, [], 2);
    expect(receipts.nextDue()).toBe(30_000);
    receipts.waitUntil(40_000);
    expect(receipts.nextDue()).toBe(40_000);
    receipts.due(40_000);
    receipts.moved("c", 45_000, { delivered: 2, read: 0 }, [], 2);
    expect(receipts.nextDue()).toBe(75_000);
    receipts.closed();
    expect([receipts.nextDue(), receipts.due(9e9, true)]).toEqual([undefined, []]);
  });

  test("a new connection starts from what the server surely knows", () => {
    const receipts = plan();
    move(receipts, 0, 3, 3);
    receipts.due(50);
    receipts.opened(new Map([["c", { delivered: 3, read: 3 }]]));
    move(receipts, 60, 3, 3);
    expect(receipts.nextDue()).toBeUndefined();
    receipts.opened(new Map([["c", { delivered: 3, read: 2 }]]));
    move(receipts, 60, 3, 3);
    expect(receipts.due(9e9)).toEqual([frame(3, 3, "raju")]);
    receipts.forget("c");
    expect(receipts.delivered("c")).toBe(0);
  });

  test("one that is repeated names again whom the lost one named", () => {
    const receipts = plan();
    receipts.repeat("c", 0);
    expect(receipts.nextDue()).toBeUndefined();
    move(receipts, 0, 1);
    receipts.due(50);
    receipts.moved("c", 300, { delivered: 2, read: 0 }, ["mira"], 2);
    receipts.due(9_000);
    receipts.repeat("c", 10_000);
    expect(receipts.due(9e9)).toEqual([frame(2, 0, "mira", "raju")]);
  });

  test("a client that closes waits for nothing", () => {
    const receipts = plan();
    move(receipts, 0, 1);
    expect(receipts.due(0)).toEqual([]);
    expect(receipts.due(0, true)).toEqual([frame(1, 0, "raju")]);
  });

  test("a pong confirms no part of one that was sent after the ping", async () => {
    const receipts = plan();
    const names = Array.from({ length: 300 }, (_, number) => `user${1_000 + number}`);
    receipts.moved("c", 0, { delivered: 300, read: 0 }, names, 1_024);
    receipts.due(0, true);
    receipts.pinged();
    expect(receipts.due(0, true)).toMatchObject([{ senders: names.slice(256) }]);
    const chat = async () => ({ reported: { delivered: 300, read: 0 } });
    await receipts.confirmed({ ledger: { chat } } as unknown as Step);
    receipts.repeat("c", 1);
    const again = [...receipts.due(1, true), ...receipts.due(1, true)] as unknown[];
    const named = (again as { senders: string[] }[]).flatMap(({ senders }) => senders);
    expect(named).toEqual(expect.arrayContaining(names.slice(256)));
  });

  test("a store knows one as reported once all its parts are", async () => {
    const receipts = plan();
    const reported: object[] = [];
    const ledger = {
      chat: async () => ({ reported: { delivered: 0, read: 0 } }),
      changeChat: async (_chat: string, change: object) => reported.push(change),
    };
    const step = { ledger } as unknown as Step;
    const names = Array.from({ length: 300 }, (_, number) => `user${number}`);
    receipts.moved("c", 0, { delivered: 300, read: 0 }, names, 1_024);
    receipts.due(0, true);
    receipts.pinged();
    receipts.due(0, true);
    await receipts.confirmed(step);
    expect(reported).toEqual([]);
    receipts.pinged();
    await receipts.confirmed(step);
    expect(reported).toEqual([{ reported: { delivered: 300, read: 0 } }]);
  });

  test("a pong confirms what was sent before the ping, and no more", async () => {
    const receipts = plan();
    const reported: object[] = [];
    const ledger = {
      chat: async () => ({ reported: { delivered: 0, read: 0 } }),
      changeChat: async (_chat: string, change: object) => reported.push(change),
    };
    move(receipts, 0, 1);
    receipts.due(50);
    receipts.pinged();
    receipts.moved("c", 300, { delivered: 2, read: 0 }, ["mira"], 2);
    receipts.due(9_000);
    await receipts.confirmed({ ledger } as unknown as Step);
    expect(reported).toEqual([{ reported: { delivered: 1, read: 0 } }]);
    receipts.repeat("c", 10_000);
    expect(receipts.due(20_000)).toEqual([frame(2, 0, "mira", "raju")]);
    receipts.pinged();
    await receipts.confirmed({ ledger } as unknown as Step);
    receipts.repeat("c", 30_000);
    expect(receipts.due(9e9)).toEqual([frame(2, 0)]);
  });
});

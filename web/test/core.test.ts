/** The small decisions, each for itself: order, ticks, receipts, resending, liveness. */

import { describe, expect, test } from "vitest";
import { ChatLog, holes } from "../src/client/core/chat-log.ts";
import { Backoff, Liveness } from "../src/client/core/liveness.ts";
import { Outbox } from "../src/client/core/outbox.ts";
import { ReceiptPlan } from "../src/client/core/receipts.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { reached, State, stage, stages } from "../src/client/core/ticks.ts";
import type { OutboxRow } from "../src/client/store/tables.ts";

const MIDDLE = () => 0.5;

describe("ticks", () => {
  test.each([
    [
      [
        ["me", 9, 9],
        ["raju", 2, 2],
      ],
      State.SENT,
    ],
    [
      [
        ["me", 0, 0],
        ["raju", 3, 0],
      ],
      State.DELIVERED,
    ],
    [
      [
        ["me", 0, 0],
        ["raju", 3, 3],
      ],
      State.READ,
    ],
    [
      [
        ["me", 0, 0],
        ["raju", 0, 3],
      ],
      State.READ,
    ], // read implies delivered
    [
      [
        ["raju", 9, 9],
        ["meena", 2, 0],
      ],
      State.SENT,
    ],
    [
      [
        ["raju", 9, 9],
        ["meena", 0, 2],
      ],
      State.SENT,
    ],
    [
      [
        ["raju", 9, 9],
        ["meena", 3, 2],
      ],
      State.DELIVERED,
    ],
    [
      [
        ["raju", 9, 2],
        ["meena", 2, 3],
      ],
      State.DELIVERED,
    ],
    [
      [
        ["raju", 9, 9],
        ["meena", 4, 3],
      ],
      State.READ,
    ],
    [[["me", 9, 9]], State.SENT], // all others have left
    [[], State.SENT],
  ] as [[string, number, number][], State][])("%j is %i", (members, state) => {
    const marks = members.map(([user, delivered, read]) => [user, { delivered, read }] as const);
    expect(stage(3, reached(marks, "me"))).toBe(state);
  });

  test("what a block has hidden was only sent", () => {
    const all = { delivered: 9, read: 9 };
    const seen = [1, 2, 3, 4, 5].map((seq) => stage(seq, all, [[2, 4]]));
    expect(seen).toEqual([State.READ, State.SENT, State.SENT, State.SENT, State.READ]);
  });

  test("no stage is skipped, and none comes twice", () => {
    expect(stages(State.WAITING, State.READ)).toEqual([State.SENT, State.DELIVERED, State.READ]);
    expect(stages(State.SENT, State.READ)).toEqual([State.DELIVERED, State.READ]);
    expect(stages(State.READ, State.READ)).toEqual([]);
    expect(stages(State.FAILED, State.SENT)).toEqual([State.SENT]);
  });
});

describe("order", () => {
  test("the next is taken, a late one dropped, an early one kept aside", () => {
    const log = new ChatLog<string>(4);
    expect(log.offer(7, "g")).toEqual([]);
    expect(log.offer(7, "a second copy")).toEqual([]);
    expect(log.offer(4, "d")).toEqual([]);
    expect([log.watermark, log.behind]).toEqual([4, true]);
    expect(log.offer(5, "e")).toEqual([[5, "e"]]);
    expect(log.offer(6, "f")).toEqual([
      [6, "f"],
      [7, "g"],
    ]);
    expect([log.watermark, log.behind]).toEqual([7, false]);
    expect(log.complete(6)).toEqual([]);
    expect(log.watermark).toBe(7);
  });

  test("what a response completes is stepped over, what is here comes in order", () => {
    const log = new ChatLog<string>();
    for (const [seq, entry] of [
      [6, "f"],
      [4, "d"],
      [2, "b"],
    ] as const)
      log.offer(seq, entry);
    expect(log.complete(5)).toEqual([
      [2, "b"],
      [4, "d"],
      [6, "f"],
    ]);
    expect([log.watermark, log.behind]).toEqual([6, false]);
    expect(log.complete(9)).toEqual([]);
    log.heardOf(10);
    expect([log.watermark, log.behind]).toEqual([9, true]);
  });

  test("what lies beyond a young hole waits for it", () => {
    const log = new ChatLog<string>();
    log.offer(7, "g");
    expect(log.complete(5)).toEqual([]);
    expect([log.watermark, log.behind]).toEqual([5, true]);
    expect(log.offer(6, "f")).toEqual([
      [6, "f"],
      [7, "g"],
    ]);
  });

  test("what is kept aside has a limit, and the furthest goes first", () => {
    const log = new ChatLog<number>();
    for (let seq = 2; seq < 2_010; seq++) log.offer(seq, seq);
    expect(log.offer(1, 1).length).toBe(2_000);
    expect(log.behind).toBe(true);
  });

  test.each([
    [0, 9, [], [[2, 4]], [[2, 4]]],
    [2, 9, [], [[2, 4]], [[3, 4]]],
    [0, 3, [], [[2, 4]], [[2, 3]]],
    [4, 9, [], [[2, 4]], []],
    [
      0,
      9,
      [3],
      [[2, 4]],
      [
        [2, 2],
        [4, 4],
      ],
    ],
    [0, 9, [4, 2], [[2, 4]], [[3, 3]]],
    [0, 9, [2, 3, 4], [[2, 4]], []],
    [
      0,
      9,
      [7],
      [
        [2, 2],
        [6, 7],
      ],
      [
        [2, 2],
        [6, 6],
      ],
    ],
  ] as [number, number, number[], [number, number][], [number, number][]][])(
    "of (%i, %i] without %j, %j leaves %j",
    (after, to, taken, missing, found) => {
      expect(holes(after, to, taken, missing)).toEqual(found);
    },
  );
});

describe("the outbox", () => {
  function row(number: number, chat = "c"): OutboxRow {
    return { number, messageId: `m${number}`, chat, purpose: "text", frame: "" } as OutboxRow;
  }

  function opened(...rows: [OutboxRow, boolean][]): Outbox {
    const outbox = new Outbox(DEFAULTS, MIDDLE);
    for (const [each, maybeSent] of rows) outbox.add(each, maybeSent);
    outbox.opened();
    return outbox;
  }

  function ids(outbox: Outbox, now: number, resumed = true): string[] {
    return outbox.due(now, resumed).map((each) => each.row.messageId);
  }

  test("messages of a chat go out one after the other, chats side by side", () => {
    const outbox = opened([row(1), false], [row(2), false], [row(3, "d"), false]);
    expect(ids(outbox, 0)).toEqual(["m1", "m3"]);
    expect(ids(outbox, 7_999)).toEqual([]);
    outbox.remove("m1");
    expect(ids(outbox, 1)).toEqual(["m2"]);
    expect([outbox.inFlight("c"), outbox.inFlight("e")]).toEqual([true, false]);
    outbox.remove("m2");
    expect([outbox.rows("c"), outbox.inFlight("c")]).toEqual([[], false]);
  });

  test("it is sent again until accepted, with growing pauses", () => {
    const outbox = opened([row(1), false]);
    const pauses: number[] = [];
    for (let now = 0, n = 0; n < 7; n++) {
      expect(outbox.due(now, true)).toEqual([{ row: row(1), again: n > 0 }]);
      pauses.push((outbox.nextDue(true) ?? 0) - now);
      now = outbox.nextDue(true) ?? 0;
    }
    expect(pauses).toEqual([8_000, 16_000, 32_000, 64_000, 120_000, 120_000, 120_000]);
  });

  test("what may have been accepted waits for the sync, and what follows it waits too", () => {
    const outbox = opened([row(1), true], [row(2), false], [row(3, "d"), false]);
    expect(ids(outbox, 0, false)).toEqual(["m3"]);
    expect(ids(outbox, 0)).toEqual(["m1"]);
    outbox.closed();
    expect(ids(outbox, 0)).toEqual([]);
    expect(outbox.nextDue(true)).toBeUndefined();
    outbox.opened();
    expect(ids(outbox, 0, false)).toEqual([]); // m3 was sent before the connection was lost
    expect(ids(outbox, 0)).toEqual(["m1", "m3"]);
  });

  test("a new connection begins its pauses anew, and sends nothing again by that", () => {
    const outbox = opened([row(1), false]);
    for (const now of [0, 8_000, 24_000]) outbox.due(now, true);
    outbox.closed();
    outbox.opened();
    expect(outbox.due(30_000, true)).toEqual([{ row: row(1), again: false }]);
    expect(outbox.nextDue(true)).toBe(38_000);
  });

  test("an error for now is waited for as long as it says", () => {
    const outbox = opened([row(1), false]);
    outbox.due(0, true);
    outbox.retry("m1", 100);
    expect(outbox.nextDue(true)).toBe(1_100);
    outbox.retry("m1", 100, 5_000);
    expect(outbox.nextDue(true)).toBe(5_600);
    outbox.retry("unknown", 100);
  });
});

describe("liveness", () => {
  test("a ping that nothing answers within ten seconds ends the connection", () => {
    const live = new Liveness(DEFAULTS, MIDDLE);
    expect([live.pingDue(9e9), live.nextDue()]).toEqual([false, undefined]);
    live.opened(0);
    expect(live.nextDue()).toBe(270_000);
    expect([live.pingDue(269_999), live.pingDue(270_000)]).toEqual([false, true]);
    expect([live.dead(279_999), live.dead(280_000)]).toEqual([false, true]);
    live.probe(271_000); // one is under way
    expect(live.pingDue(271_000)).toBe(false);
    expect(live.pingDue(540_000)).toBe(true); // a second one does not put the end off
    expect(live.dead(540_000)).toBe(true);
    live.heard();
    expect(live.dead(9e9)).toBe(false);
    live.probe(550_000);
    expect(live.pingDue(550_000)).toBe(true);
    live.opened(600_000); // another connection
    expect(live.dead(9e9)).toBe(false);
    live.closed();
    expect([live.nextDue(), live.reconnectDue(9e9), live.dead(9e9)]).toEqual([
      undefined,
      false,
      false,
    ]);
  });

  test("it connects anew before the two hours are over", () => {
    const live = new Liveness(DEFAULTS, MIDDLE);
    live.opened(1_000);
    expect(live.reconnectDue(5_100_999)).toBe(false);
    expect(live.reconnectDue(5_101_000)).toBe(true);
  });

  test("attempts have full jitter under a bound that doubles, up to a minute", () => {
    const backoff = new Backoff(DEFAULTS, MIDDLE);
    const pauses = Array.from({ length: 8 }, () => backoff.pause());
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    backoff.connected();
    expect(backoff.pause()).toBe(500);
    backoff.connected();
    backoff.ticket(300_000);
    expect([backoff.pause(), backoff.pause()]).toEqual([150_000, 1_000]);
  });
});

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

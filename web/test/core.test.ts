/** The small decisions, each for itself: order and ticks. */

import { describe, expect, test } from "vitest";
import { ChatLog, holes } from "../src/client/core/chat-log.ts";
import { reached, State, stage, stages } from "../src/client/core/ticks.ts";

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

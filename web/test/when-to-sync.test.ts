/** When to send which `sync`, as tests/client/core/test_when_to_sync.py has it. */

import { beforeEach, expect, test } from "vitest";
import { DEFAULTS, type Settings } from "../src/client/core/settings.ts";
import { SyncPlan } from "../src/client/core/syncing.ts";

const SETTINGS: Settings = { ...DEFAULTS, syncJitter: [1.2, 1.2] };
const ALL = { action: "sync" };

let plan: SyncPlan;

const due = (now: number, marks: Record<string, number> = {}) =>
  plan.due(now, () => new Map(Object.entries(marks)));
const named = (chats: Record<string, number>) => ({ action: "sync", chats });

/** It has asked for everything, and there was a response. */
beforeEach(() => {
  plan = new SyncPlan(SETTINGS, () => 0.5);
  plan.opened(0);
  due(0);
  plan.responded();
});

test("a connection begins with all chats and asks one question at a time", () => {
  plan = new SyncPlan(SETTINGS, () => 0.5);
  plan.want("c", 0);
  expect([plan.nextDue(), due(9)]).toEqual([undefined, undefined]);
  plan.opened(1_000);
  expect([plan.wants("c"), plan.nextDue()]).toEqual([false, 1_000]);
  expect([plan.isDue(999), plan.isDue(1_000), due(999)]).toEqual([false, true, undefined]);
  expect(due(1_000, { c: 4 })).toEqual(ALL);
  expect(plan.question).toMatchObject({ chats: undefined, before: new Map([["c", 4]]) });
  expect(plan.covers("any")).toBe(true);
  plan.want("c", 2_000);
  expect(due(9_000)).toBeUndefined();
  expect([plan.nextDue(), plan.expired(20_999), plan.expired(21_000)]).toEqual([
    21_000,
    false,
    true,
  ]);
  plan.closed();
  expect([plan.question, plan.expired(99_000)]).toEqual([undefined, false]);
});

test("what is wanted is asked when it is due, the earliest time counts", () => {
  expect([plan.idle, plan.nextDue()]).toEqual([true, undefined]);
  plan.want("c", 5);
  plan.want("c", 7);
  plan.want("d", 6);
  expect([plan.nextDue(), plan.wants("c"), plan.idle]).toEqual([5, true, false]);
  expect(due(4)).toBeUndefined();
  expect(due(5, { c: 3, d: 4 })).toEqual(named({ c: 3 }));
  expect([plan.covers("c"), plan.covers("d"), plan.wants("c")]).toEqual([true, false, false]);
  expect(plan.responded()).toMatchObject({ chats: new Map([["c", 3]]) });
  expect(plan.responded()).toBeUndefined();
  expect(due(6)).toEqual(named({ d: 0 }));
});

test("one that led to an error is asked alone", () => {
  plan.want("a", 1);
  for (const chat of ["b", "c"]) plan.wantAlone(chat, 1);
  const asked = [1, 2, 3].map(() => {
    const frame = due(1);
    const chats = Object.keys((frame as { chats?: object }).chats ?? {});
    plan.responded();
    for (const chat of chats) plan.settled(chat);
    return chats;
  });
  expect(asked).toEqual([["b"], ["c"], ["a"]]);
  expect(plan.idle).toBe(true);
});

test("no more chats are named than a frame may, and each once", () => {
  for (let number = 0; number < 150; number += 1) plan.want(`c${number}`, 1);
  const all = [1, 2].map(() => {
    const frame = due(1) as { chats: object };
    plan.responded();
    return Object.keys(frame.chats);
  });
  expect(all.map((chats) => chats.length)).toEqual([100, 50]);
  expect(new Set(all.flat()).size).toBe(150);
});

test("news are asked for at once and once", () => {
  plan.wantMembersOf("c");
  expect([plan.nextDue(), plan.idle]).toEqual([Number.NEGATIVE_INFINITY, false]);
  expect(due(0, { c: 2 })).toEqual(named({ c: 2 }));
  plan.responded();
  expect([plan.idle, due(0)]).toEqual([true, undefined]);
});

test("pages follow each other unless all is wanted anew", () => {
  plan.wantPage("p2", 3);
  expect(due(3)).toEqual({ action: "sync", cursor: "p2" });
  expect(plan.question?.cursor).toBe("p2");
  for (const at of [9, 7, 8]) plan.wantAll(at);
  plan.wantPage("p3", 4);
  plan.responded();
  expect([plan.nextDue(), due(7)]).toEqual([7, ALL]);
  plan.responded();
  plan.wantPage("p2", 8);
  plan.wantAll(9);
  expect(due(8)).toEqual(ALL); // from the first page on
});

test("a new connection asks for all, and for nothing that was news before", () => {
  plan.wantMembersOf("c");
  plan.wantAlone("d", 1);
  plan.closed();
  plan.opened(2);
  expect(due(2)).toEqual(ALL);
  plan.responded();
  expect(plan.idle).toBe(true);
  for (const chat of ["d", "e"]) plan.want(chat, 3);
  expect(due(3)).toEqual(named({ d: 0, e: 0 }));
});

test("pauses double up to a minute, and begin anew after progress", () => {
  const pauses = (count: number, retryAfter?: number) =>
    Array.from({ length: count }, () => {
      plan.wantLater("c", 10, retryAfter);
      return (plan.nextDue() ?? 0) - 10;
    });
  expect(pauses(8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
  plan.progressed("d");
  expect(pauses(1)).toEqual([60_000]);
  plan.progressed("c");
  expect(pauses(4, 0)).toEqual([100, 1_000, 2_000, 4_000]);
  plan.settled("c");
  expect(pauses(3, 3_000)).toEqual([3_000, 3_000, 3_000]);
  expect([plan.spread(undefined), plan.spread(2_000)]).toEqual([undefined, 2_400]);
});

test("all is asked for later from the page that failed", () => {
  plan.wantLater(undefined, 10, undefined, "p2");
  expect(due(1_009)).toBeUndefined();
  expect(due(1_010)).toEqual({ action: "sync", cursor: "p2" });
});

/** When a message leaves, and when it is sent again. */

import { describe, expect, test } from "vitest";
import { Outbox } from "../src/client/core/outbox.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { OutboxRow } from "../src/client/store/tables.ts";

const MIDDLE = () => 0.5;

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

  test("an error that passes is waited for until its `retry_after`", () => {
    const outbox = opened([row(1), false]);
    outbox.due(0, true);
    outbox.retry("m1", 100);
    expect(outbox.nextDue(true)).toBe(1_100);
    outbox.retry("m1", 100, 5_000);
    expect(outbox.nextDue(true)).toBe(5_600);
    outbox.retry("unknown", 100);
  });
});

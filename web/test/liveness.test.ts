/** When a connection is pinged, given up, made anew and tried again. */

import { describe, expect, test } from "vitest";
import { Backoff, Liveness } from "../src/client/core/liveness.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";

const MIDDLE = () => 0.5;

describe("liveness", () => {
  test("a ping without a response within ten seconds ends the connection", () => {
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

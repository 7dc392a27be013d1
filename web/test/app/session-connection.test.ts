/** How a session connects, and what ends that: a client without a backend. */

import { describe, expect, test, vi } from "vitest";
import { ApiError, Closed, Unreachable } from "../../src/client/index.ts";
import { device, session, times, useSession } from "./session-device.ts";

useSession();

describe("the connection", () => {
  test("is tried again without a network, after pauses that double up to half a minute", async () => {
    device.failures.push(...Array.from({ length: 8 }, () => new Unreachable("no network")));
    await session.begin();
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      await vi.advanceTimersByTimeAsync(0);
      const { link } = session;
      if (link.at !== "waiting") throw new Error(link.at);
      expect(times("sign in")).toBe(attempt);
      pauses.push(link.until - Date.now());
      await vi.advanceTimersByTimeAsync(pauses.at(-1) ?? 0);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((each) => each * 1_000));
    expect(device.connecting).toBe(true);
    expect(session.registeredAt).toBe(1);
  });
  test("that the backend rejects shows why, and waits as long as it asks for with the same token", async () => {
    const limited = { code: "rate_limited", message: "too much (rate_limited, 429, in 90 s)" };
    const conflict = { code: "conflict", message: "too many devices (conflict, 409)" };
    device.connectFailures.push(
      new ApiError("rate_limited", "too much", 429, 90),
      new ApiError("conflict", "too many devices", 409),
      new ApiError("internal", "a fault", 500),
    );
    await session.begin();
    const waits = [
      { until: 90_000, wait: 90_000, rejected: limited },
      { until: 2_000, wait: 0, rejected: conflict },
      { until: 4_000, wait: 0, rejected: undefined },
    ];
    for (const [at, { until, wait, rejected }] of waits.entries()) {
      await vi.advanceTimersByTimeAsync(0);
      const now = Date.now();
      expect(session.link).toEqual({
        at: "waiting",
        until: now + until,
        notBefore: now + wait,
        rejected,
      });
      expect([times("sign in"), times("connect")]).toEqual([1, at + 1]);
      await vi.advanceTimersByTimeAsync(until);
    }
    expect([times("sign in"), times("connect")]).toEqual([2, 4]);
  });
  test("is not tried before the backend allows it, whoever wants it", async () => {
    device.connectFailures.push(new ApiError("rate_limited", "too much", 429, 90));
    await session.begin();
    await vi.advanceTimersByTimeAsync(89_999);
    session.connectNow();
    await vi.advanceTimersByTimeAsync(0);
    expect([times("connect"), times("now")]).toEqual([1, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(times("connect")).toBe(2);
  });
  test("is tried at once where the user wants it, and not while it is there", async () => {
    device.failures.push(new Unreachable("no network"));
    await session.begin();
    await vi.advanceTimersByTimeAsync(0);
    session.connectNow();
    await vi.advanceTimersByTimeAsync(0);
    expect([times("sign in"), times("now")]).toEqual([2, 1]);
    device.tell({ type: "connected" });
    session.connectNow();
    expect(times("now")).toBe(1);
  });
  test.each([401, 403])("is tried again after a firewall's %i", async (status) => {
    device.failures.push(new ApiError("bad_request", "", status, undefined));
    await session.begin();
    expect(session.link.at).toBe("waiting");
  });
  test.each([
    [new ApiError("unauthorized", "", 401, undefined), "signed_out"],
    [new ApiError("forbidden", "", 403, undefined), "signed_out"],
    [new Closed("closed"), undefined],
  ])("is given up after %s", async (error, why) => {
    device.failures.push(error);
    const ended = vi.fn();
    session.ended = ended;
    await session.begin();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended.mock.calls).toEqual(why === undefined ? [] : [[why]]);
    expect(times("sign in")).toBe(1);
  });
  test("that was closed is not made again, nor is any event taken", async () => {
    device.failures.push(new Unreachable("no network"));
    await session.begin();
    await vi.advanceTimersByTimeAsync(0);
    await session.close();
    await vi.advanceTimersByTimeAsync(60_000);
    device.tell({ type: "held", chat: "c1", users: ["meena"] });
    expect([times("sign in"), times("close"), session.changedKeys.size]).toEqual([1, 1, 0]);
  });
  test.each(["signed_out", "displaced"] as const)("that ends as %s ends the session", (type) => {
    const ended = vi.fn();
    session.ended = ended;
    device.tell({ type, reason: "" });
    expect(ended.mock.calls).toEqual([[type]]);
    expect(session.link).toEqual({ at: "stopped" });
  });
});

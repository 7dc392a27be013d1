/** The page's decisions: what is read, which window is drawn, what an unreadable message says. */

import { describe, expect, test } from "vitest";
import { linkAfter } from "../../src/app/model/link.ts";
import { type Attention, hasRead } from "../../src/app/model/reading.ts";
import { chatOf, hashOf, parseRoute, type Route } from "../../src/app/model/route.ts";
import { explain } from "../../src/app/model/undecryptable.ts";
import * as windows from "../../src/app/model/window.ts";
import type { Unreadable } from "../../src/client/index.ts";

test("a message is read if it was shown to somebody who did something after it came", () => {
  const flags = [false, true];
  for (const visible of flags)
    for (const focused of flags)
      for (const atNewest of flags)
        for (const lastInput of [1, 2, 3]) {
          const now: Attention = { visible, focused, atNewest, lastInput, lastArrival: 2 };
          expect(hasRead(now)).toBe(visible && focused && atNewest && lastInput >= 2);
        }
});

test("each place in the page has an address of its own, whatever stands in its ids", () => {
  const routes: Route[] = [
    { at: "list" },
    { at: "chat", chat: "a/b#c%" },
    { at: "info", chat: "Qn3jv0dXzq0Yk1mE8a2b9w" },
    { at: "message", chat: "x", messageId: "01M8KDARSH8HGT9K82D13FJ92E" },
    { at: "verify", chat: "x", user: "raju" },
    { at: "new" },
    { at: "new-group" },
    { at: "requests" },
    { at: "settings" },
    { at: "devices" },
  ];
  for (const route of routes) expect(parseRoute(hashOf(route))).toEqual(route);
  expect(parseRoute("#/nowhere")).toEqual({ at: "list" });
  expect(chatOf(parseRoute("#/chat/%E0%A4%A"))).toBe("%E0%A4%A");
});

describe("an unreadable message", () => {
  const explained = (unreadable: Unreadable | undefined, sentAt: number) =>
    explain({ unreadable, sentAt }, 1_000);

  test.each<[Unreadable | undefined, number, string | undefined]>([
    [undefined, 2_000, undefined],
    ["no_payload", 2_000, "waiting"],
    ["no_session", 2_000, "waiting"],
    ["unknown_device", 2_000, "waiting"],
    ["identity_changed", 2_000, "waiting"],
    ["no_payload", 999, "before"],
    ["damaged", 2_000, "broken"],
    ["damaged", 999, "broken"],
    ["replayed", 2_000, "broken"],
    ["false_sender", 2_000, "broken"],
    ["not_in_chat", 2_000, "broken"],
    ["unknown_algorithm", 2_000, "newer"],
  ])("because of %s, sent at %d, is %s", (unreadable, sentAt, expected) => {
    expect(explained(unreadable, sentAt)).toBe(expected);
  });

  test("waits as long as nobody knows when this device was registered", () => {
    expect(explain({ unreadable: "no_payload", sentAt: 0 }, undefined)).toBe("waiting");
  });
});

describe("the window over the messages", () => {
  test("never has more than its rows, wherever the reader goes", () => {
    const count = 10_000;
    let window = windows.atEnd(count);
    const rows = () => window.end - window.start;
    const steps = count / windows.STEP;
    for (let step = 0; step < steps; step++) {
      window = windows.earlier(window);
      expect(rows()).toBeLessThanOrEqual(windows.MOST_ROWS);
    }
    expect(window.start).toBe(0);
    for (let step = 0; step < steps; step++) {
      window = windows.later(window, count);
      expect(rows()).toBeLessThanOrEqual(windows.MOST_ROWS);
    }
    expect(window.end).toBe(count);
  });

  test("moves by less than it shows, so that what the reader looks at stays in it", () => {
    const window = { start: 5_000, end: 5_000 + windows.MOST_ROWS };
    expect(windows.earlier(window).end).toBeGreaterThan(window.start + windows.STEP / 2);
    expect(windows.later(window, 10_000).start).toBeLessThan(window.end - windows.STEP / 2);
  });

  test("shows the same messages after others came before them", () => {
    expect(windows.shifted({ start: 0, end: 60 }, 100, 160)).toEqual({ start: 100, end: 160 });
  });

  test("has all of a short chat, and a message in its middle", () => {
    expect(windows.atEnd(5)).toEqual({ start: 0, end: 5 });
    expect(windows.around(3, 5)).toEqual({ start: 0, end: 5 });
    const { start, end } = windows.around(5_000, 10_000);
    const around = windows.MOST_ROWS / 2;
    expect([start, end]).toEqual([5_000 - around, 5_000 + around]);
  });
});

test("it is connected when what was missed is there, and not before", () => {
  const states = [
    linkAfter({ type: "connected" }, 0),
    linkAfter({ type: "caught_up", complete: true }, 0),
    linkAfter({ type: "disconnected", reason: "", retryIn: 2_000, wait: 500 }, 1_000),
    linkAfter({ type: "disconnected", reason: "", retryIn: undefined }, 0),
    linkAfter({ type: "began_anew" }, 0),
  ];
  expect(states).toEqual([
    { at: "catching-up" },
    { at: "connected" },
    { at: "waiting", until: 3_000, notBefore: 1_500 },
    { at: "stopped" },
    undefined,
  ]);
});

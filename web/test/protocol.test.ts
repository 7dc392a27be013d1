/** The rules of PROTOCOL.md as decisions: order, asking, resending, telling, staying alive. */

import { describe, expect, test } from "vitest";
import { ChatLog, holes } from "../src/client/core/chat-log.ts";
import { FrameError } from "../src/client/core/fields.ts";
import { isText, ulid } from "../src/client/core/ids.ts";
import { Backoff, Liveness } from "../src/client/core/liveness.ts";
import { Outbox } from "../src/client/core/outbox.ts";
import { parse } from "../src/client/core/parsing.ts";
import { ReceiptPlan } from "../src/client/core/receipts.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { SyncPlan } from "../src/client/core/syncing.ts";
import { reached, State, stage, stages } from "../src/client/core/ticks.ts";
import type { OutboxRow } from "../src/client/store/tables.ts";

const half = () => 0.5;

describe("the order of a chat", () => {
  test("what is next is taken with all that waited for it", () => {
    const log = new ChatLog<string>(3);
    expect(log.offer(6, "f")).toEqual([]);
    expect(log.offer(5, "e")).toEqual([]);
    expect(log.behind).toBe(true);
    expect(log.offer(4, "d")).toEqual([
      [4, "d"],
      [5, "e"],
      [6, "f"],
    ]);
    expect([log.watermark, log.behind]).toEqual([6, false]);
  });
  test("what is late is dropped, and of two at a place the first counts", () => {
    const log = new ChatLog<string>(3);
    expect(log.offer(3, "late")).toEqual([]);
    log.offer(5, "first");
    log.offer(5, "second");
    expect(log.offer(4, "d")).toContainEqual([5, "first"]);
  });
  test("a hole is stepped over when nothing will appear in it", () => {
    const log = new ChatLog<string>();
    log.offer(3, "c");
    expect(log.complete(2)).toEqual([[3, "c"]]);
    expect(log.watermark).toBe(3);
  });
  test("what is missing is what did not come after all", () => {
    expect(holes(0, 10, [4], [[2, 6]])).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(holes(5, 10, [], [[2, 3]])).toEqual([]);
    expect(holes(0, 3, [], [[2, 6]])).toEqual([[2, 3]]);
  });
});

describe("asking", () => {
  test("for everything first, and for one thing at a time", () => {
    const plan = new SyncPlan(DEFAULTS, () => 0);
    expect(plan.due(0, () => new Map())).toBeUndefined();
    plan.opened(0);
    expect(plan.due(0, () => new Map([["a", 4]]))).toEqual({ action: "sync" });
    plan.want("a", 0);
    expect(plan.due(0, () => new Map([["a", 4]]))).toBeUndefined();
    expect(plan.responded()?.before).toEqual(new Map([["a", 4]]));
    expect(plan.due(0, () => new Map([["a", 4]]))).toEqual({ action: "sync", chats: { a: 4 } });
    expect(plan.expired(DEFAULTS.syncTimeout)).toBe(true);
  });
  test("again with growing pauses, or when the server says", () => {
    const plan = new SyncPlan(DEFAULTS, () => 0);
    plan.opened(0);
    plan.due(0, () => new Map());
    plan.responded();
    plan.wantLater("a", 0);
    expect(plan.nextDue()).toBe(1_000);
    plan.wantLater("a", 0);
    expect(plan.nextDue()).toBe(2_000);
    plan.wantLater("a", 0, 300); // that brought nothing twice
    expect(plan.nextDue()).toBe(2_000);
    plan.progressed("a");
    plan.wantLater("a", 0, 300);
    expect(plan.nextDue()).toBe(300);
    plan.settled("a");
    expect(plan.idle).toBe(true);
  });
});

describe("the outbox", () => {
  const row = (number: number, chat = "a"): OutboxRow => ({
    number,
    chat,
    messageId: `m${number}`,
    purpose: "text",
    frame: `frame ${number}`,
  });
  const frames = (box: Outbox, now: number, resumed = true) =>
    box.due(now, resumed).map((each) => each.row.frame);

  test("sends one at a time in a chat, and the next when it is accepted", () => {
    const box = new Outbox(DEFAULTS, half);
    box.opened();
    for (const each of [row(1), row(2), row(3, "b")]) box.add(each, false);
    expect(frames(box, 0)).toEqual(["frame 1", "frame 3"]);
    expect(frames(box, 0)).toEqual([]);
    box.remove("m1");
    expect(frames(box, 0)).toEqual(["frame 2"]);
  });
  test("sends the same again, later each time, until it is accepted", () => {
    const box = new Outbox(DEFAULTS, half);
    box.opened();
    box.add(row(1), false);
    frames(box, 0);
    expect(frames(box, 7_999)).toEqual([]);
    expect(frames(box, 8_000)).toEqual(["frame 1"]);
    expect(box.nextDue(true)).toBe(8_000 + 16_000);
  });
  test("what may have been sent before waits for the sync that may bring its acceptance", () => {
    const box = new Outbox(DEFAULTS, half);
    box.add(row(1), true);
    box.add(row(2), false);
    box.opened();
    expect(frames(box, 0, false)).toEqual([]);
    expect(frames(box, 0, true)).toEqual(["frame 1"]);
  });
  test("a temporary error is tried again sooner", () => {
    const box = new Outbox(DEFAULTS, half);
    box.opened();
    box.add(row(1), false);
    frames(box, 0);
    box.retry("m1", 0);
    expect(box.nextDue(true)).toBe(1_000);
  });
});

describe("receipts", () => {
  const due = (plan: ReceiptPlan, now: number) => plan.due(now);

  test("fold delivered and read into one frame, one in 200 ms", () => {
    const plan = new ReceiptPlan(DEFAULTS, half);
    plan.opened(new Map());
    plan.moved("a", 0, { delivered: 1, read: 0 }, ["raju"], 2);
    plan.moved("a", 10, { delivered: 2, read: 2 }, ["mira"], 2);
    expect(due(plan, 49)).toEqual([]);
    const frame = {
      action: "receipt",
      chat: "a",
      senders: ["mira", "raju"],
      delivered: 2,
      read: 2,
    };
    expect(due(plan, 50)).toEqual([frame]);
    plan.moved("a", 60, { delivered: 3, read: 2 }, ["raju"], 2);
    expect(plan.nextDue()).toBe(250);
  });
  test.each([
    [0, 200, 200],
    [2, 200, 200],
    [4, 400, 200],
    [20, 2_000, 1_000],
    [50, 5_000, 2_500],
    [256, 5_000, 2_500],
    [257, 10_000, 5_000],
  ])("of a chat of %i come each %i ms, each %i where something is read", (members, ...every) => {
    for (const [reads, interval] of every.entries()) {
      const plan = new ReceiptPlan(DEFAULTS, half);
      plan.opened(new Map());
      const sent: number[] = [];
      for (let now = 0; now < 20_000; now += 20) {
        plan.moved("a", now, { delivered: now + 1, read: (now + 1) * reads }, ["raju"], members);
        if (due(plan, now).length > 0) sent.push(now);
      }
      expect(sent[0]).toBe(members > 2 ? Math.ceil((interval * 3) / 80) * 20 : 60);
      const gaps = sent.slice(1).map((at, index) => at - (sent[index] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(interval);
      expect(Math.max(...gaps)).toBeLessThan(interval + 30);
    }
  });
  test("of the members of a group are spread", () => {
    const at = [0, 0.5, 0.99].map((chance) => {
      const plan = new ReceiptPlan(DEFAULTS, () => chance);
      plan.opened(new Map());
      plan.moved("a", 0, { delivered: 1, read: 0 }, ["raju"], 100);
      return plan.nextDue();
    });
    expect(at).toEqual([2_500, 3_750, 4_975]);
  });
  test("wait as long as the backend asks", () => {
    const plan = new ReceiptPlan(DEFAULTS, half);
    plan.opened(new Map());
    plan.moved("a", 0, { delivered: 1, read: 0 }, ["raju"], 2);
    plan.waitUntil(7_500);
    expect(plan.nextDue()).toBe(7_500);
    expect(due(plan, 7_499)).toEqual([]);
    expect(due(plan, 7_500)).toHaveLength(1);
  });
  test("for nobody else wait for others, unless the client leaves", () => {
    const plan = new ReceiptPlan(DEFAULTS, half);
    plan.opened(new Map());
    plan.moved("a", 0, { delivered: 1, read: 0 }, [], 2);
    expect(due(plan, 1_000)).toEqual([]);
    expect(plan.due(1_000, true)).toHaveLength(1);
  });
  test("name again whom a lost one may not have reached", () => {
    const plan = new ReceiptPlan(DEFAULTS, half);
    plan.opened(new Map());
    plan.moved("a", 0, { delivered: 1, read: 0 }, ["raju"], 2);
    due(plan, 50);
    plan.repeat("a", 1_000);
    expect(due(plan, 1_050)).toMatchObject([{ senders: ["raju"], delivered: 1 }]);
  });
});

describe("ticks", () => {
  const at = (delivered: number, read: number) => ({ delivered, read });
  test("show what everybody else has reached", () => {
    const members = new Map([
      ["me", at(9, 9)],
      ["raju", at(5, 3)],
      ["mira", at(2, 4)],
    ]);
    expect(reached(members, "me")).toEqual(at(4, 3));
    expect(reached([["me", at(9, 9)]], "me")).toEqual(at(0, 0));
    expect([2, 4, 5].map((seq) => stage(seq, at(4, 3)))).toEqual([
      State.READ,
      State.DELIVERED,
      State.SENT,
    ]);
  });
  test("skip no stage", () => {
    expect(stages(State.WAITING, State.READ)).toEqual([State.SENT, State.DELIVERED, State.READ]);
    expect(stages(State.FAILED, State.SENT)).toEqual([State.SENT]);
    expect(stages(State.READ, State.DELIVERED)).toEqual([]);
  });
});

describe("a connection", () => {
  test("is pinged, and is dead when nothing comes back", () => {
    const liveness = new Liveness(DEFAULTS, half);
    liveness.opened(0);
    expect(liveness.pingDue(269_999)).toBe(false);
    expect(liveness.pingDue(270_000)).toBe(true);
    expect(liveness.dead(279_999)).toBe(false);
    expect(liveness.dead(280_000)).toBe(true);
    liveness.heard();
    expect(liveness.dead(280_000)).toBe(false);
  });
  test("is made anew between 60 and 110 minutes", () => {
    const liveness = new Liveness(DEFAULTS, half);
    liveness.opened(0);
    expect(liveness.reconnectDue(85 * 60_000 - 1)).toBe(false);
    expect(liveness.reconnectDue(85 * 60_000)).toBe(true);
  });
  test("comes back after anything up to a bound that doubles, first within the server's window", () => {
    const backoff = new Backoff(DEFAULTS, half);
    backoff.ticket(20_000);
    expect([1, 2, 3].map(() => backoff.pause())).toEqual([10_000, 1_000, 2_000]);
    backoff.connected();
    backoff.ticket(undefined);
    expect(backoff.pause()).toBe(500);
    for (let n = 0; n < 20; n++) backoff.pause();
    expect(backoff.pause()).toBe(30_000);
  });
});

describe("frames", () => {
  test("of unknown types are let pass, unknown fields too", () => {
    expect(parse('{"type":"hologram"}')).toBeUndefined();
    expect(parse('{"type":"pong","colour":"blue"}')).toEqual({ type: "pong" });
  });
  test.each([
    "hello",
    "[]",
    '{"type":"message"}',
    '{"type":"nudge","chat":"c","seq":0}',
    '{"type":"nudge","chat":"c","seq":1.5}',
    '{"type":"receipt","chat":7,"user":"raju"}',
    '{"type":"synced","chats":[]}',
    '{"type":"synced","chats":{"c":{"seq":1,"after":0,"complete_to":1,"missing":[[0,1]]}}}',
  ])("of a wrong form are rejected: %s", (text) => {
    expect(() => parse(text)).toThrow(FrameError);
  });
  test("names that mean something to an object are names", () => {
    const members = '{"__proto__":{"read":3},"constructor":{}}';
    const frame = parse(
      `{"type":"synced","chats":{"__proto__":{"seq":1,"after":0,"complete_to":1,"members":${members}}}}`,
    );
    if (frame?.type !== "synced") throw new Error("it is a `synced`");
    expect([...frame.chats.keys()]).toEqual(["__proto__"]);
    expect([...(frame.chats.get("__proto__")?.members ?? [])]).toEqual([
      ["__proto__", { delivered: 0, read: 3 }],
      ["constructor", { delivered: 0, read: 0 }],
    ]);
  });
  test("API Gateway's own error is one", () => {
    expect(parse('{"message":"Internal server error","requestId":"x"}')).toMatchObject({
      type: "error",
      code: "internal",
    });
  });
  test("times are milliseconds, a device has its own name", () => {
    const text =
      '{"type":"message","chat":"c","seq":1,"message_id":"m","sender":"raju",' +
      '"sender_device":"raju/phone","sent_at":1700000000000,"alg":"olm.v1","payload":null}';
    expect(parse(text)).toMatchObject({ senderDevice: "phone", sentAt: 1_700_000_000_000 });
    expect(parse('{"type":"synced","chats":{},"retry_after":1.5}')).toMatchObject({
      retryAfter: 1_500,
    });
  });
});

test("message ids distinguish texts from what is shown to nobody", () => {
  const id = ulid(1_700_000_000_000);
  expect(id).toMatch(/^01HF7YAT00[0-9A-HJKMNP-TV-Z]{16}$/);
  expect(isText(id)).toBe(true);
  expect(isText(crypto.randomUUID())).toBe(false);
});

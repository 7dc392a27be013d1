/** One connection after another: what ends them, what is said of it, and what the next one uses. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, SETTLED_MS } from "../src/client/connection.ts";
import type { TicketResponse } from "../src/client/core/bodies.generated.ts";
import type { Engine } from "../src/client/core/engine.ts";
import type { Event } from "../src/client/core/events.ts";
import type { ServerFrame } from "../src/client/core/frames.ts";
import type { Backoff } from "../src/client/core/liveness.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import type { Driver, Line } from "../src/client/driver.ts";
import {
  ApiError,
  Closed,
  Removed,
  StoreError,
  StoreUnavailable,
  Unreachable,
} from "../src/client/errors.ts";

type Leave = Parameters<Line["leave"]>[0];

const STOP: Leave = { type: "stop" };
const PLANNED: Leave = { type: "drop", reason: "time to reconnect", planned: true };
const DISPLACED = '{"type": "displaced"}';

/** What happened, in order. */
let said: string[];
let published: Event[];
/** What asking for the first tickets raises. */
let refused: Error[];
let removed: Error | undefined;
/** Who wrote can't be asked for. */
let unmet: Error | undefined;
/** What the last words fail with. */
let damaged: Error | undefined;
let pause: number;
let given: number;
let now: number;
let socket: FakeSocket;
/** What each connection does once it is open. */
let lives: ((line: Line) => void)[];

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 1;
  #unsent = 0;
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};

  constructor(_url: string, [, ticket]: string[]) {
    said.push(`connects with ${ticket}`);
    socket = this;
    queueMicrotask(() => this.onopen());
  }

  /** What was sent has left after a while. */
  get bufferedAmount(): number {
    if (this.#unsent > 0) {
      this.#unsent -= 1;
      if (this.#unsent === 0) said.push("has left");
    }
    return this.#unsent;
  }

  send(text: string): void {
    said.push(`sent ${text}`);
    this.#unsent = 2;
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    said.push("closes");
    queueMicrotask(() => this.onclose({ code: 1006, reason: "" }));
  }
}

let line: Line | undefined;

const engine = {
  received: (_: Step, { type }: ServerFrame) => {
    said.push(`received ${type}`);
    if (type === "displaced") line?.leave(STOP);
  },
  closing: () => {
    if (damaged !== undefined) throw damaged;
    line?.send("last words");
  },
} as unknown as Engine;

const driver = {
  writable: async () => true,
  get online() {
    return line !== undefined;
  },
  opened: async (made: Line) => {
    line = made;
    (lives.shift() ?? ((open) => open.leave(STOP)))(made);
  },
  closed: async () => {
    line = undefined;
    said.push("closed");
  },
  step: async (act: (step: Step, engine: Engine) => unknown) => {
    await new Promise((resolve) => setTimeout(resolve));
    said.push("step");
    return act({} as Step, engine);
  },
} as unknown as Driver;

const backoff = {
  ticket: (window: number | undefined) => said.push(`window ${window}`),
  connected: () => said.push("settled"),
  pause: () => pause,
} as unknown as Backoff;

function made(): Connection {
  return new Connection(driver, backoff, {
    ticket: async () => {
      const error = refused.shift();
      if (error !== undefined) throw error;
      given += 1;
      said.push(`ticket ${given}`);
      const ticket = { ticket: `t${given}`, url: "ws://127.0.0.1:1", reconnectWindow: 7 };
      return ticket as unknown as TicketResponse;
    },
    comeBack: async () => {
      said.push("came back");
      if (removed !== undefined) throw removed;
    },
    meet: async () => {
      if (unmet !== undefined) throw unmet;
    },
    publish: (event) => published.push(event),
  });
}

async function opened() {
  const { promise, resolve } = Promise.withResolvers<void>();
  lives = [() => resolve()];
  const connection = made();
  const running = connection.run();
  await promise;
  return { connection, running };
}

const of = (...begins: string[]) =>
  said.filter((each) => begins.some((begin) => each.startsWith(begin)));

/** The pauses after connections; undefined: there is no other one. */
const pauses = () =>
  published.flatMap((event) => (event.type === "disconnected" ? [event.retryIn] : []));

beforeEach(() => {
  [said, published, refused, lives] = [[], [], [], []];
  [removed, unmet, damaged, line] = [undefined, undefined, undefined, undefined];
  [given, now, pause] = [0, 0, 0];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test.each([
  ["who is not signed in", new ApiError("unauthorized", "no", 401)],
  ["whose account is disabled", new ApiError("forbidden", "disabled", 403)],
  ["whose device was removed", new Removed("removed")],
])("%s is signed out and does not try again", async (_, error) => {
  refused = [error];
  await made().run();
  expect(published).toEqual([{ type: "signed_out", reason: error.message }]);
  expect(given).toBe(0);
});

test.each([
  ["a backend that fails", new ApiError("internal", "busy", 500)],
  ["a firewall before it", new ApiError("bad_request", "Forbidden", 403)],
  ["a proxy before it", new ApiError("bad_request", "Unauthorized", 401)],
  ["a network that is away", new Unreachable("away")],
  ["a store that can't be written now", new StoreUnavailable("full")],
  ["an answer of another shape", new TypeError("ticket")],
])("%s is reported, and tried again after a pause", async (_, error) => {
  refused = [error];
  await made().run();
  expect(pauses()).toEqual([0, undefined]);
  expect(of("connects")).toEqual(["connects with ticket.t1"]);
});

const REPORTED = [new StoreError("damaged"), new Closed("closed")];
test.each(REPORTED)("%s, which the driver has reported, ends it", async (error) => {
  refused = [error];
  await made().run();
  expect(published).toEqual([]);
  expect(given).toBe(0);
});

test("a limit is waited for until its `retry_after`, and a little longer by chance", async () => {
  pause = 500;
  refused = [new ApiError("rate_limited", "slower", 429, 60)];
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const running = made().run();
  await vi.runAllTimersAsync();
  await running;
  vi.useRealTimers();
  expect(pauses()).toEqual([60_500, undefined]);
});

test("nobody ends the pause that the backend asked for, but who closes", async () => {
  refused = [new ApiError("rate_limited", "slower", 429, 3_600)];
  const connection = made();
  const running = connection.run();
  await vi.waitUntil(() => published.length > 0);
  expect(published).toMatchObject([{ retryIn: 3_600_000, wait: 3_600_000 }]);
  now = 3_599_999;
  connection.wake();
  await new Promise((resolve) => setTimeout(resolve));
  expect(given).toBe(0);
  now = 3_600_000;
  connection.wake();
  await running;
  expect(given).toBe(1);
});

test("a connection that answers nothing does not count as one that lasted", () => {
  expect(SETTLED_MS).toBeGreaterThan(DEFAULTS.syncTimeout + DEFAULTS.gapGrace);
});

test("who is displaced stays away, also where the connection breaks with it", async () => {
  lives = [() => socket.onmessage({ data: DISPLACED })];
  await made().run();
  lives = [
    () => {
      socket.onmessage({ data: DISPLACED });
      socket.close();
    },
  ];
  await made().run();
  expect(pauses()).toEqual([undefined, undefined]);
  expect(given).toBe(2);
});

test("who is displaced while nobody can be asked for takes that, and nothing else", async () => {
  unmet = new Unreachable("away");
  const nudge = '{"type": "nudge", "chat": "c", "seq": 1}';
  lives = [
    () => {
      for (const data of [nudge, DISPLACED]) socket.onmessage({ data });
    },
  ];
  await made().run();
  expect(of("received")).toEqual(["received displaced"]);
  expect(pauses()).toEqual([undefined]);
});

test("what nobody can be asked for is not taken, and comes again", async () => {
  unmet = new Unreachable("away");
  lives = [() => socket.onmessage({ data: '{"type": "pong"}' })];
  await made().run();
  expect(of("received")).toEqual([]);
  expect(pauses()).toEqual([0, undefined]);
});

test("a planned reconnect reports nothing, and its ticket is used once", async () => {
  lives = [
    (open) => {
      open.send("a receipt");
      open.leave(PLANNED);
    },
    () => socket.close(),
  ];
  await made().run();
  expect(pauses()).toEqual([0, undefined]);
  expect(of("closed")).toHaveLength(3);
  expect(of("ticket", "connects", "sent", "has", "closes")).toEqual([
    "ticket 1",
    "connects with ticket.t1",
    "sent a receipt",
    "has left",
    "ticket 2", // while the first one is still open
    "closes",
    "connects with ticket.t2",
    "closes",
    "ticket 3",
    "connects with ticket.t3",
    "closes",
  ]);
});

test("the window of each ticket counts for the pause", async () => {
  lives = [(open) => open.leave(PLANNED)];
  await made().run();
  expect(of("window")).toEqual(["window 7", "window 7"]);
});

test("a device that the backend does not know is registered again", async () => {
  refused = [new ApiError("not_found", "no such device", 404)];
  await made().run();
  expect(of("came", "connects")).toEqual(["came back", "connects with ticket.t1"]);
});

test("a device that was removed is signed out, and not registered again", async () => {
  refused = [new ApiError("not_found", "no such device", 404)];
  removed = new Removed("removed");
  await made().run();
  expect(published).toEqual([{ type: "signed_out", reason: "removed" }]);
});

test.each([
  [29_999, []],
  [30_000, ["settled"]],
])("pauses begin anew only after a connection that lasted: %i ms", async (lasted, expected) => {
  const life = () => {
    now += lasted;
    socket.close();
  };
  lives = [life];
  await made().run();
  expect(of("settled")).toEqual(expected);
});

test("also where the ticket for the next connection fails", async () => {
  lives = [
    (open) => {
      now += 30_000;
      refused = [new Unreachable("away")];
      open.leave(PLANNED);
    },
  ];
  await made().run();
  expect(of("settled")).toHaveLength(1);
  expect(pauses()).toEqual([0, undefined]);
});

test("who closes sends what is left before the socket closes", async () => {
  const { connection, running } = await opened();
  await connection.close();
  await running;
  expect(of("sent", "has", "closes")).toEqual(["sent last words", "has left", "closes"]);
  expect(pauses()).toEqual([undefined]);
});

test("who can't send what is left closes anyway", async () => {
  damaged = new StoreError("damaged");
  const { connection, running } = await opened();
  await expect(connection.close()).rejects.toThrow("damaged");
  await running;
  expect(of("closes")).toHaveLength(1);
});

test.each([
  ["abort", 0],
  ["wake", 1],
] as const)("%s ends a pause", async (end, tickets) => {
  pause = 3_600_000;
  refused = [new Unreachable("away")];
  const connection = made();
  const running = connection.run();
  await vi.waitUntil(() => published.length > 0);
  connection[end]();
  await running;
  expect(given).toBe(tickets);
});

test("what came together is taken in one step, also when a connection is being left", async () => {
  lives = [
    (open) => {
      for (const type of ["pong", "keys_low"]) {
        socket.onmessage({ data: JSON.stringify({ type, remaining: 1, fallback_used: false }) });
      }
      open.leave(PLANNED);
    },
  ];
  await made().run();
  const taken = ["step", "received pong", "received keys_low", "closed"];
  expect(of("step", "received", "closed").slice(0, 4)).toEqual(taken);
});

test.each([
  ["abort", 1],
  ["cut", 2],
] as const)("after %s there are %i connections in all", async (end, connections) => {
  const { connection, running } = await opened();
  connection[end]();
  await running;
  expect(given).toBe(connections);
});

test("what is no frame of the protocol disturbs nothing", async () => {
  const frames = ["{", new ArrayBuffer(1), '{"type": "confetti"}', DISPLACED];
  lives = [() => frames.map((data) => socket.onmessage({ data }))];
  await made().run();
  expect(of("received")).toEqual(["received displaced"]);
});

/** When a driver wakes its engine, and that it decides, stores and acts in this order. */

import { afterEach, expect, test, vi } from "vitest";
import type { FetchResult, Request } from "../src/client/core/cipher.ts";
import type { Engine } from "../src/client/core/engine.ts";
import type { Step } from "../src/client/core/step.ts";
import { Driver } from "../src/client/driver.ts";
import { ApiError, Closed, MessageTooLarge, StoreUnavailable } from "../src/client/errors.ts";
import { sleep } from "../src/client/requests.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const REQUEST: Request = { type: "lists", number: 1, user: "raju" };
const DAY_MS = 86_400_000;
const LONGEST_MS = 2 ** 31 - 1; // a timer with a longer delay fires at once

afterEach(() => vi.useRealTimers());

test("an engine with nothing to do for 30 days is not woken all the time", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const store = await Store.open("driver", tables.VERSION, tables.TABLES);
  const due = vi.fn(async () => {});
  const at = performance.now() + 30 * DAY_MS;
  const engine = { outputs: () => [], nextDue: () => at, due } as unknown as Engine;
  const self = { user: "ravi", device: "phone" } as ConstructorParameters<typeof Driver>[2];
  const driver = new Driver(
    engine,
    store,
    self,
    () => {},
    () => Promise.reject(),
  );
  await driver.step(() => undefined);
  await vi.advanceTimersByTimeAsync(1_000);
  await driver.step(() => undefined); // those that have begun are over
  expect(due).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  await driver.step(() => undefined);
  expect(due).toHaveBeenCalledOnce();
  await driver.end();
  await store.close();
});

test("a pause of 30 days is not over at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const over = vi.fn();
  void sleep(30 * DAY_MS).then(over);
  await vi.advanceTimersByTimeAsync(DAY_MS);
  expect(over).not.toHaveBeenCalled();
});

test("what has ended sets no timer, and ends only after the step that runs", async () => {
  const { driver, store } = await driven(undefined, () => performance.now() + DAY_MS);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await driver.step(() => undefined);
  expect(vi.getTimerCount()).toBe(1);
  const [begun, running] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const last = driver.step(() => {
    begun.resolve();
    return running.promise;
  });
  await begun.promise;
  let ended = false;
  const end = driver.end().then(() => {
    ended = true;
  });
  expect(vi.getTimerCount()).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  running.resolve();
  await Promise.all([last, end]);
  expect(vi.getTimerCount()).toBe(0);
  await store.close();
});

test("a driver that has failed wakes its engine no more", async () => {
  const { driver, store } = await driven(undefined, () => performance.now() + DAY_MS);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await driver.step(() => undefined);
  const failed = driver.step(() => {
    throw new TypeError("damaged");
  });
  await expect(failed).rejects.toThrow();
  expect(vi.getTimerCount()).toBe(0);
  await driver.end();
  await store.close();
});

// -- one step at a time

type Output = ReturnType<Engine["outputs"]>[number];

/** A driver over a fake engine; what happens is in `said`, in order. */
async function driven(
  fetch: (request: Request) => Promise<FetchResult> = () => Promise.reject(),
  nextDue: () => number | undefined = () => undefined,
) {
  const store = await Store.open(`driver ${crypto.randomUUID()}`, tables.VERSION, tables.TABLES);
  const said: string[] = [];
  const outputs: Output[] = [];
  const engineNamed = (name: string): Engine =>
    ({
      outputs: () => outputs.splice(0),
      nextDue,
      anew: () => {
        outputs.length = 0;
        return engineNamed(`${name}'`);
      },
      restore: async () => said.push(`${name} restored`),
      opened: async () => said.push(`${name} opened`),
      closed: async () => said.push(`${name} closed`),
      fetchFailed: async (_: Step, __: Request, wait = 0) => said.push(`fetch failed ${wait}`),
      fetchSucceeded: async () => said.push("fetch succeeded"),
    }) as unknown as Engine;
  const driver = new Driver(
    engineNamed("engine"),
    store,
    { user: "ravi", device: "phone" } as ConstructorParameters<typeof Driver>[2],
    (output) => said.push(output.type === "event" ? output.event.type : output.type),
    fetch,
  );
  const line = {
    send: (text: string) => said.push(`sent ${text}`),
    leave: (how: { type: string }) => said.push(`leaves: ${how.type}`),
  };
  await driver.opened(line);
  said.length = 0;
  return { driver, store, said, outputs };
}

const SENT: Output = { type: "transmit", text: "hello" };
const write = ({ ledger }: Step) => ledger.changeChat("c", { watermark: 1 });

/** How a step fails: by itself, or when it is written. */
const FAILURES: readonly ((step: Step) => void)[] = [
  () => {
    throw new TypeError("damaged");
  },
  ({ ledger }) => ledger.work.put(tables.chats, { chat: "d", damaged: 1n } as never),
];

test.each(FAILURES)(
  "what a step asks for is done once it is on disk, or never: %#",
  async (fail) => {
    const { driver, store, said, outputs } = await driven();
    await driver.step(async (step) => {
      await write(step);
      outputs.push(SENT);
      expect(said).toEqual([]);
    });
    expect(said.splice(0)).toEqual(["sent hello"]);
    const failed = driver.step(async (step) => {
      await step.ledger.changeChat("c", { watermark: 2 });
      outputs.push(SENT);
      fail(step);
    });
    await expect(failed).rejects.toThrow();
    expect(said).toEqual(["leaves: stop", "disconnected"]);
    expect((await store.get(tables.chats, "c"))?.watermark).toBe(1);
    await expect(driver.step(() => undefined)).rejects.toThrow(Closed);
    await driver.closed();
    expect(said).toHaveLength(2); // nobody asks an engine that failed
    await driver.end();
    await store.close();
  },
);

test("steps and reads wait for those before them, and a text that is too large stops nothing", async () => {
  const { driver, store, said } = await driven();
  const large = driver.step(async () => {
    await new Promise((resolve) => setTimeout(resolve));
    said.push("first");
    throw new MessageTooLarge(2, 1);
  });
  const read = driver.read(async () => said.push("read"));
  const second = driver.step(() => said.push("second"));
  await expect(large).rejects.toThrow(MessageTooLarge);
  await Promise.all([read, second]);
  expect(said).toEqual(["first", "read", "second"]);
  await driver.end();
  for (const late of [driver.step(() => undefined), driver.read(async () => undefined)]) {
    await expect(late).rejects.toThrow(Closed);
  }
  await store.close();
});

test("a store that fails is reported once, and a new engine goes on from what it has", async () => {
  let asked = 0;
  const { driver, store, said, outputs } = await driven(async () => {
    asked += 1;
    throw new Error("no");
  });
  const full = () => {
    outputs.push({ type: "fetch", request: REQUEST });
    throw new StoreUnavailable("full");
  };
  await expect(driver.step(full)).rejects.toThrow(StoreUnavailable);
  expect(said.splice(0)).toEqual(["store_failing", "leaves: drop"]);
  await driver.closed();
  expect(said).toEqual([]);
  await expect(driver.step(full)).rejects.toThrow(StoreUnavailable);
  expect(said.splice(0)).toEqual(["engine' restored"]);
  expect(await driver.writable()).toBe(true);
  expect(said.splice(0)).toEqual(["engine'' restored"]);
  await driver.step(write);
  await driver.step(write);
  expect(said).toEqual(["store_working"]);
  expect(asked).toBe(0);
  await driver.end();
  await store.close();
});

test("eight requests are under way at most, and one that fails makes room and is reported", async () => {
  const waiting: (() => void)[] = [];
  const { driver, store, said, outputs } = await driven(async (request) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (waiting.length === 8) throw new ApiError("rate_limited", "slower", 429, 60);
    return { type: "lists", request, found: { devices: new Map(), former: [] } } as FetchResult;
  });
  const all = Array.from({ length: 9 }, (): Output => ({ type: "fetch", request: REQUEST }));
  await driver.step(() => void outputs.push(...all));
  expect(waiting).toHaveLength(8);
  waiting[0]?.();
  await vi.waitUntil(() => waiting.length === 9);
  expect(said).toEqual(["fetch failed 60000"]);
  for (const answer of waiting) answer();
  await vi.waitUntil(() => said.length === 9);
  expect(new Set(said.slice(1))).toEqual(new Set(["fetch succeeded"]));
  await driver.closed();
  expect(said.at(-1)).toBe("engine closed");
  await driver.end();
  await store.close();
});

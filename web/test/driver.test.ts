/** When a driver wakes its engine. */

import { afterEach, expect, test, vi } from "vitest";
import { sleep } from "../src/client/api.ts";
import type { Engine } from "../src/client/core/engine.ts";
import { Driver } from "../src/client/driver.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

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

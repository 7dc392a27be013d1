/** This device's own keys: when they are replaced. */

import { afterEach, expect, test, vi } from "vitest";
import { Account } from "../src/client/account.ts";
import type { Api } from "../src/client/api.ts";
import type { OneTimeKeysRequest } from "../src/client/core/bodies.generated.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { canonical, keyDocument } from "../src/client/crypto/signing.ts";
import { TestDevice } from "./two-devices.ts";

const MINUTE = 60_000;

afterEach(() => vi.useRealTimers());

test("the fallback key is replaced at most once in ten minutes, also over a restart", async () => {
  const fallbacks: (string | undefined)[] = [];
  const uploadKeys = async (_: string, { fallback_key }: OneTimeKeysRequest) => {
    if (fallback_key !== undefined) fallbacks.push(fallback_key.key);
    return { remaining: 50, fallbackUsed: false };
  };
  const open = async () => {
    const { self, store } = await TestDevice.make("ravi/phone", "fallback");
    const api = { uploadKeys } as unknown as Api;
    const account = new Account(self, api, (act) => store.transaction(act), DEFAULTS);
    return { account, store };
  };
  let { account, store } = await open();
  let now = 1_800_000_000_000;
  const usedAfter = async (minutes: number) => {
    now += minutes * MINUTE;
    vi.setSystemTime(now);
    await account.replenish(true);
    return fallbacks.length;
  };
  expect(await usedAfter(0)).toBe(1);
  expect(await usedAfter(9)).toBe(1);
  await store.close();
  ({ account, store } = await open());
  expect(await usedAfter(0.9)).toBe(1);
  expect(await usedAfter(0.2)).toBe(2);
  expect(await usedAfter(-60)).toBe(3); // a clock that was set back does not hold it up
  expect(new Set(fallbacks).size).toBe(3);
  await store.close();
});

test("a device uploads as many keys as its settings say, each signed by itself", async () => {
  let body: OneTimeKeysRequest = { one_time_keys: {} };
  const uploadKeys = async (_: string, uploaded: OneTimeKeysRequest) => {
    if (Object.keys(uploaded.one_time_keys).length > 0) body = uploaded;
    return { remaining: 0, fallbackUsed: false };
  };
  const { self, store } = await TestDevice.make("ravi/phone", "supply");
  const api = { uploadKeys } as unknown as Api;
  const supply = { keysLow: 2, keysWanted: 3 };
  await new Account(self, api, (act) => store.transaction(act), supply).replenish();
  const keys = Object.entries(body.one_time_keys).map(([id, key]) => ({ id, ...key }));
  const { id = "", key = "", signature = "" } = body.fallback_key ?? {};
  const documents = [
    ...keys.map((one) => ({ ...one, text: keyDocument("ravi", "phone", one.id, one.key, false) })),
    { id, key, signature, text: keyDocument("ravi", "phone", id, key, true) },
  ];
  expect(documents).toHaveLength(4);
  for (const { text, signature } of documents) {
    expect(self.ratchets.verify(self.keys.ed25519, canonical(text), signature)).toBe(true);
  }
  await store.close();
});

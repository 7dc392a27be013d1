/** This device's own keys: when they are made known, and when they are replaced. */

import { afterEach, expect, test, vi } from "vitest";
import { Account, type Transact } from "../src/client/account.ts";
import { Api } from "../src/client/api.ts";
import type { DeviceRequest, OneTimeKeysRequest } from "../src/client/core/bodies.generated.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { canonical, keyDocument } from "../src/client/crypto/signing.ts";
import { ApiError, Removed } from "../src/client/errors.ts";
import * as tables from "../src/client/store/tables.ts";
import { TestDevice } from "./two-devices.ts";

const MINUTE = 60_000;

afterEach(() => vi.useRealTimers());

test("a registration has what the device calls itself, if it was given a name", async () => {
  for (const label of ["Chrome on Linux", undefined]) {
    const { self, store } = await TestDevice.make("ravi/phone", `label ${label}`);
    const sent: DeviceRequest[] = [];
    const api = {
      register: async (_: string, body: DeviceRequest) => {
        sent.push(body);
        return { device: "phone", time: 1 };
      },
      uploadKeys: async () => ({ remaining: 50, fallbackUsed: false }),
    } as unknown as Api;
    await new Account(self, api, (act) => store.transaction(act), DEFAULTS, { label }).register();
    expect(sent.map((body) => body.label)).toEqual([label]);
    await store.close();
  }
});

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

test.each([
  [401, "unauthorized", true],
  [401, "bad_request", false], // not from the backend
  [403, "forbidden", false],
  [403, "bad_request", false],
  [408, "bad_request", false],
  [429, "rate_limited", false],
  [500, "internal", false],
  [503, "internal", false],
])("a renewal that got %i %s: the sign-in is over: %s", async (status, code, over) => {
  const error = new ApiError(code, "not now", status, 30);
  const refresh = () => Promise.reject(error);
  for (const password of ["password", undefined]) {
    const { self, store } = await TestDevice.make("ravi/phone", `${status} ${code} ${password}`);
    let signedIn = 0;
    const signIn = async () => {
      signedIn += 1;
    };
    const api = { tokens: { access: "a", refresh: "r" }, refresh, signIn, signUp: signIn };
    const transact: Transact = (act) => store.transaction(act);
    const account = new Account(self, api as unknown as Api, transact, DEFAULTS, { password });
    const met = await account.signUpOrIn().catch((caught: unknown) => caught);
    if (!over) expect(met).toBe(error);
    else if (password === undefined) expect(met).toMatchObject({ code: "unauthorized" });
    else expect(met).toBe(false);
    expect(signedIn).toBe(over && password !== undefined ? 1 : 0);
    await store.close();
  }
  const nothing = async () => {};
  const calling = new Api("", { access: undefined, refresh: "r" }, () => 0, nothing, nothing);
  vi.spyOn(calling, "refresh").mockImplementation(refresh);
  const called = calling.chats().catch((caught: unknown) => caught);
  expect((await called) === error).toBe(!over);
});

// -- what the backend gets

interface Backing {
  readonly remaining?: number;
  readonly fallbackUsed?: boolean;
  /** The user's devices; undefined: there is no such user. */
  readonly others?: object | undefined;
}

type Upload = Parameters<Api["uploadKeys"]>[1];

/** A device whose backend has so many one-time keys, and the requests that it gets, in order. */
async function registering(
  name: string,
  { remaining = 0, fallbackUsed = false, others }: Backing = {},
) {
  const { self, store } = await TestDevice.make("ravi/phone", name);
  const asked: { register?: DeviceRequest; upload?: Upload }[] = [];
  let there = remaining;
  let times = 0;
  const api = {
    register: async (_: string, body: DeviceRequest) => {
      asked.push({ register: body });
      times += 1;
      return { device: "phone", time: times };
    },
    uploadKeys: async (_: string, body: Upload) => {
      await Promise.resolve();
      const count = Object.keys(body.one_time_keys).length;
      if (count > 0 || body.fallback_key !== undefined) {
        const waiting = self.ratchets.unpublishedKeys(await pickleOf(store)).oneTime;
        expect(waiting).toHaveLength(count); // on disk, and not published yet
        asked.push({ upload: body });
      }
      there += count;
      return { remaining: there, fallbackUsed };
    },
    devices: async () => {
      if (others === undefined) throw new ApiError("not_found", "no such user", 404);
      return { devices: new Map(Object.entries(others)), former: [] };
    },
  } as unknown as Api;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: Transact = (act) => {
    const turn = last.then(() => store.transaction(act)); // one after another, as a driver's steps
    last = turn;
    return turn;
  };
  const account = new Account(self, api, inTurn, DEFAULTS);
  const uploads = () => asked.flatMap(({ upload }) => upload ?? []);
  return { account, store, self, asked, uploads };
}

async function pickleOf(store: TestDevice["store"]): Promise<string> {
  const row = await store.get(tables.account, tables.ONLY);
  if (row === undefined) throw new Error("no account");
  return row.pickle;
}

test("a device is registered with keys, once, though it is done twice at the same time", async () => {
  const { account, store, asked, uploads } = await registering("once");
  await Promise.all([account.register(), account.register()]);
  expect(uploads().map(({ one_time_keys }) => Object.keys(one_time_keys).length)).toEqual([50]);
  expect(uploads()[0]?.fallback_key).toBeDefined();
  expect(asked[0]?.register).toBeDefined();
  await account.register();
  const row = await store.get(tables.account, tables.ONLY);
  expect(row?.registeredAt).toBe(1); // the first time counts: older texts are not for it
  await store.close();
});

test.each([
  [20, false, undefined],
  [19, false, [31, false]],
  [20, true, [0, true]],
])("with %i keys there, the fallback key used: %s", async (remaining, fallbackUsed, made) => {
  const name = `low ${remaining} ${fallbackUsed}`;
  const { account, store, uploads } = await registering(name, { remaining, fallbackUsed });
  await account.replenish();
  const [upload] = uploads();
  const sent = upload && [
    Object.keys(upload.one_time_keys).length,
    upload.fallback_key !== undefined,
  ];
  expect(sent).toEqual(made);
  await store.close();
});

test("each registration names the browser's subscription, until there is none", async () => {
  const { account, store, asked } = await registering("pushes", { remaining: 50 });
  const subscription = { endpoint: "https://push.test/1", p256dh: "p", auth: "a" };
  await account.pushTo(subscription);
  await account.register();
  await account.pushTo(undefined);
  await account.register();
  const named = asked.map(({ register }) => register?.web_push);
  expect(named).toEqual([subscription, subscription, undefined, undefined]);
  await store.close();
});

test.each([
  ["its user is gone as well", undefined, true],
  ["its user has no device", {}, true],
  ["its user has it alone", { phone: {} }, true],
  ["its user has others", { desk: {} }, false],
])("a device that the backend does not know, where %s", async (why, others, back) => {
  const { account, store, asked } = await registering(why, { remaining: 50, others });
  const coming = account.comeBack();
  if (back) await coming;
  else await expect(coming).rejects.toThrow(Removed);
  expect(asked.length > 0).toBe(back);
  await store.close();
});

test("a device uploads as many keys as its settings require, each signed by itself", async () => {
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

/** Device lists that somebody waits for, and the limits of the backend. */

import { expect, test } from "vitest";
import type { Api } from "../src/client/api.ts";
import type { Claims, Request } from "../src/client/core/cipher.ts";
import { KeyRequests } from "../src/client/core/key-requests.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Self } from "../src/client/crypto/envelope.ts";
import { Directory, fetch } from "../src/client/directory.ts";
import type { Driver } from "../src/client/driver.ts";
import { ApiError } from "../src/client/errors.ts";

test.each([
  [60, 60_000],
  [undefined, 0],
])(
  "claims that are limited are a response without keys, and with the time to wait: %s",
  async (wait, retryAfter) => {
    const claim = () => Promise.reject(new ApiError("rate_limited", "slower", 429, wait));
    const request = {
      type: "claims",
      number: 1,
      chat: "c",
      devices: ["raju/phone"],
      asking: false,
    };
    const result = await fetch({ claim } as unknown as Api, request as Claims);
    expect(result).toEqual({ type: "claims", request, found: new Map(), retryAfter });
  },
);

test("senders that are not known are looked up no more while the backend takes no request", async () => {
  let [now, asked] = [0, 0];
  const error = new ApiError("rate_limited", "slower", 429, 60);
  const devices = async () => {
    asked += 1;
    throw error;
  };
  const keys = new KeyRequests(DEFAULTS, () => {});
  const engine = {
    lookAt: (_: unknown, user: string) => keys.lookAt(user),
    mayList: () => keys.mayList(now),
    fetchFailed: async (_: unknown, request: Request, wait: number) =>
      keys.failed(request, now, wait),
  };
  const step = { ledger: { work: { get: async () => undefined } } };
  const driver = { step: async (act: (...of: unknown[]) => unknown) => act(step, engine) };
  const directory = new Directory(
    { user: "ravi", device: "phone" } as Self,
    { devices } as unknown as Api,
    driver as unknown as Driver,
  );
  await expect(directory.meet("raju", "phone")).rejects.toBe(error);
  await directory.meet("raju", "phone");
  await directory.meet("meena", "phone");
  keys.opened();
  await directory.meet("meena", "phone");
  expect(asked).toBe(1);
  await expect(directory.seen("meena")).rejects.toBe(error); // the user waits for it
  now = 60_000;
  await expect(directory.meet("meena", "phone")).rejects.toBe(error);
  expect(asked).toBe(3);
});

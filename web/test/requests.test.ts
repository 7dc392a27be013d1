/**
 * Requests to the REST API: which are repeated, after which pauses, and when the token is renewed.
 * tests/client/test_requests.py has the same tables.
 */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, Unreachable } from "../src/client/errors.ts";
import { type Call, Requests } from "../src/client/requests.ts";

type Served = { status: number; body?: unknown } | Error;

const OK: Served = { status: 200, body: { fine: true } };
const FAULT: Served = { status: 503 };
const LOST = new TypeError("lost");
const REFUSED: Served = { status: 401 };
const limited = (retry_after?: unknown): Served => ({
  status: 429,
  body: { error: { code: "rate_limited", message: "slower", retry_after } },
});

/** The tokens of the requests that came. */
let tokens: (string | undefined)[];
let renewed: number;

beforeEach(() => {
  tokens = [];
  renewed = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Pauses are as short as chance makes them. */
function asking(responses: readonly Served[], access: string | undefined = "old") {
  const left = [...responses];
  vi.stubGlobal("fetch", async (_: string, { headers }: { headers: Record<string, string> }) => {
    tokens.push(headers.authorization?.replace("Bearer ", ""));
    const response = left.shift();
    if (response === undefined || response instanceof Error) throw response;
    const body = response.body === undefined ? "" : JSON.stringify(response.body);
    return new Response(body, { status: response.status });
  });
  const requests: Requests = new Requests(
    "http://x",
    { access, refresh: undefined },
    () => 0,
    async () => {
      renewed += 1;
      await Promise.resolve();
      requests.tokens = { access: `new ${renewed}`, refresh: undefined };
    },
  );
  const call = (how: Partial<Call> = {}) =>
    requests.call({ method: "GET", path: "/api/x", ...how }, (body) => body);
  return { requests, call };
}

/** How long it takes until `call` has ended, ms: the pauses. */
async function waited(call: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  let over = false;
  const end = () => {
    over = true;
  };
  call.then(end, end);
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersToNextTimerAsync();
  }
  return performance.now() - begun;
}

const WRONG = [undefined, 0, -1, true, "3"] as const;

test.each<[string, Served[], boolean, object | undefined, number, number]>([
  ["a fault", [FAULT, OK], true, undefined, 2, 0],
  ["a lost one", [LOST, FAULT, OK], true, undefined, 3, 0],
  ["three", [FAULT, FAULT, LOST], true, Unreachable, 3, 0],
  ["a fault, not to be repeated", [FAULT], false, ApiError, 1, 0],
  ["a lost one, not to be repeated", [LOST], false, Unreachable, 1, 0],
  ["a wrong one", [{ status: 400 }], true, ApiError, 1, 0],
  ["a limit", [limited(3), OK], true, undefined, 2, 3_000],
  ["the longest limit", [limited(5), FAULT, OK], true, undefined, 3, 5_000],
  ["a longer limit", [limited(5.1)], true, ApiError, 1, 0],
  ["nothing after the last one", [limited(3), limited(3), limited(3)], true, ApiError, 3, 6_000],
  ["a limit, not to be repeated", [limited(3)], false, ApiError, 1, 0],
  ...WRONG.map((wrong) => [`of ${wrong}`, [limited(wrong)], true, ApiError, 1, 0] as never),
])(
  "what may be repeated is three times, and waits for as long as it is asked to: %s",
  async (_, responses, repeat, raised, requested, pauses) => {
    const result = asking(responses).call({ repeat });
    expect(await waited(result)).toBe(pauses);
    if (raised === undefined) expect(await result).toEqual({ fine: true });
    else await expect(result).rejects.toBeInstanceOf(raised);
    expect(tokens).toHaveLength(requested);
  },
);

test.each<[Served[], string | undefined, boolean, boolean, (string | undefined)[]]>([
  [[OK], "old", false, false, ["old"]],
  [[REFUSED, OK], "old", false, false, ["old", "new 1"]],
  [[REFUSED, REFUSED], "old", false, true, ["old", "new 1"]],
  [[OK], undefined, false, false, ["new 1"]],
  [[OK], "old", true, false, [undefined]],
  [[REFUSED], "old", true, true, [undefined]],
])("a token that is rejected is renewed once: %#", async (responses, token, open, fails, used) => {
  const { requests, call } = asking(responses);
  requests.tokens = { access: token, refresh: undefined };
  const result = call({ open });
  if (fails) await expect(result).rejects.toMatchObject({ status: 401 });
  else await result;
  expect(tokens).toEqual(used);
});

test("calls that were rejected with the same token share its renewal", async () => {
  const { call } = asking([REFUSED, REFUSED, REFUSED, OK, OK, OK]);
  await Promise.all([call(), call(), call()]);
  expect(renewed).toBe(1);
  expect(tokens).toEqual(["old", "old", "old", "new 1", "new 1", "new 1"]);
});

test("a call that is rejected after the renewal takes the token of it", async () => {
  const { requests, call } = asking([REFUSED, OK]);
  const result = call();
  requests.tokens = { access: "newer", refresh: undefined }; // by another call
  await result;
  expect(renewed).toBe(0);
  expect(tokens).toEqual(["old", "newer"]);
});

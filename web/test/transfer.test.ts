/** A connection on which nothing comes any more, of a download and of an upload. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Unreachable } from "../src/client/errors.ts";
import { get, put, Received } from "../src/client/transfer.ts";

const NEVER = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a download is given up after a pause of half a minute, and what has come stays", async () => {
  let parts: ReadableStreamDefaultController<Uint8Array> | undefined;
  vi.stubGlobal("fetch", async (_: string, { signal }: { signal: AbortSignal }) => {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      parts = controller;
      signal.addEventListener("abort", () => controller.error(signal.reason));
    };
    return new Response(new ReadableStream({ start }));
  });
  const [into, ended] = [new Received(9), vi.fn()];
  const getting = get("https://bucket/file?signature", into, () => {}, NEVER).catch(ended);
  for (const length of [2, 3]) {
    await vi.advanceTimersByTimeAsync(29_000);
    parts?.enqueue(new Uint8Array(length));
    await vi.advanceTimersByTimeAsync(0);
  }
  await vi.advanceTimersByTimeAsync(29_999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await getting;
  expect(ended.mock.calls[0]?.[0]).toBeInstanceOf(Unreachable);
  expect([into.length, vi.getTimerCount()]).toEqual([5, 0]);
});

test("an upload is given up after such a pause, or five minutes after all was handed over", async () => {
  let request: FakeRequest | undefined;
  class FakeRequest {
    readonly upload = { onprogress: (_: { loaded: number }) => {}, onload: () => {} };
    onabort = (_: { type: string }) => {};
    onloadend = () => {};
    open(): void {}
    send(): void {
      request = this;
    }
    abort(): void {
      this.onabort({ type: "abort" });
      this.onloadend();
    }
  }
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  const [ended, done] = [vi.fn(), vi.fn()];
  const body = new Uint8Array(4);
  const putting = put("https://bucket", new Map(), body, done, NEVER).catch(ended);
  for (const loaded of [2, 4]) {
    await vi.advanceTimersByTimeAsync(29_000);
    request?.upload.onprogress({ loaded });
  }
  request?.upload.onload();
  await vi.advanceTimersByTimeAsync(299_999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await putting;
  expect(ended.mock.calls[0]?.[0]).toBeInstanceOf(Unreachable);
  expect(done.mock.calls).toEqual([
    [2, 4],
    [4, 4],
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

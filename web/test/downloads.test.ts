/** What ends an upload or a download, and what is tried again. The same is in tests/client/test_downloads.py. */

import { afterEach, expect, test, vi } from "vitest";
import type { Api } from "../src/client/api.ts";
import { described } from "../src/client/core/attachment.ts";
import type { Event } from "../src/client/core/events.ts";
import { Backoff } from "../src/client/core/liveness.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { sealFile } from "../src/client/crypto/files.ts";
import { toBase64 } from "../src/client/crypto/signing.ts";
import {
  ApiError,
  FileDamaged,
  FileGone,
  MessageTooLarge,
  NotAMember,
  Unreachable,
} from "../src/client/errors.ts";
import { Files, type FilesOptions } from "../src/client/files.ts";
import { StoredUploads } from "../src/client/store/uploads.ts";
import { until } from "./scene.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const backoff = () => new Backoff({ ...DEFAULTS, reconnectBase: 0 }, Math.random);
const api = (code: string, status: number, wait?: number) => new ApiError(code, "no", status, wait);

/** Two files wait; of the first, what is asked for first fails. */
async function waiting(at: "form" | "message", error: Error) {
  const [sent, failed] = [[] as string[], [] as Event[]];
  let failing: Error | undefined = error;
  const fails = (here: string) => {
    if (here !== at || failing === undefined) return;
    const thrown = failing;
    failing = undefined;
    throw thrown;
  };
  const uploads = await StoredUploads.open(`downloads ${crypto.randomUUID()}`);
  for (const messageId of ["first", "second"]) {
    await uploads.add(
      { messageId, chat: "chat", content: { file: {} }, size: 1 },
      new Uint8Array(1),
    );
  }
  const fileForm: Api["fileForm"] = async () => {
    fails("form");
    return { file: "id", url: "https://bucket", fields: new Map(), expiresIn: 900_000 };
  };
  const send: FilesOptions["send"] = async ({ messageId }) => {
    fails("message");
    sent.push(messageId);
    return true;
  };
  vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
  const publish = (event: Event) => void (event.type === "file_failed" && failed.push(event));
  const asked = { fileForm } as unknown as Api;
  const files = new Files({ api: asked, uploads, backoff, send, publish });
  return { files, sent, failed };
}

test.each([
  ["form", api("too_large", 413), "given up", [true]],
  ["form", api("not_found", 404), "given up", [true]],
  ["message", new NotAMember(), "given up", [true]],
  ["message", new MessageTooLarge(2, 1), "given up", [true]],
  ["form", api("rate_limited", 429), "again", [false]],
  ["form", api("unauthorized", 401), "again", []],
  ["form", api("forbidden", 403), "again", []], // the account is disabled, for a while perhaps
  ["form", api("conflict", 409), "again", []],
  ["form", api("bad_request", 400), "again", []],
  // Not from the backend: the client has no code, and takes bad_request.
  ["form", api("bad_request", 403), "again", []],
  ["form", api("bad_request", 404), "again", []],
  ["form", api("bad_request", 408), "again", []],
  ["form", api("bad_request", 413), "again", []],
  ["form", api("bad_request", 429), "again", []],
  ["form", api("internal", 500), "again", []],
  ["form", new Unreachable("no"), "again", []],
] as const)("an upload whose %s fails with %s is %s", async (at, error, then, reported) => {
  const { files, sent, failed } = await waiting(at, error);
  files.start();
  await until(async () => (await files.waiting()).length === 0);
  await files.close();
  expect(sent).toEqual(then === "given up" ? ["second"] : ["first", "second"]);
  expect(failed).toMatchObject(reported.map((final) => ({ messageId: "first", final })));
});

// as after any failure where it says nothing: 0 s here
test.each([
  [3_600, 3_600_000],
  [undefined, 0],
])("a file that is one too many waits as long as the backend asks for: %s", async (said, waits) => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const { files, sent, failed } = await waiting("form", api("rate_limited", 429, said));
  files.start();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  while (vi.getTimerCount() === 0) await turn();
  if (waits > 0) {
    await vi.advanceTimersByTimeAsync(waits - 1);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  expect([failed.length, sent]).toEqual([1, []]);
  await vi.advanceTimersByTimeAsync(waits > 0 ? 1 : 0);
  while (sent.length < 2) await turn();
  await files.close();
});

/** S3's status, from and to which byte it sends, and whether the connection is lost after it. */
type Served = readonly [number, number, number, boolean];

const content = Uint8Array.from({ length: 100 }, (_, place) => place);
const key = new Uint8Array(32);
const { body, digest } = await sealFile(content, key);
const said = { name: "a", kind: "file" } as const;
const attachment = {
  ...described(said, content.length, toBase64(key), toBase64(digest)),
  id: "id",
};
const [HALF, ALL] = [Math.floor(body.length / 2), body.length];
const FAULT: Served = [500, 0, 0, false];

test.each<[string, readonly Served[], readonly number[], (new (...given: never[]) => Error)?]>([
  ["it comes whole", [[200, 0, ALL, false]], [0]],
  [
    "the rest comes later",
    [
      [200, 0, HALF, true],
      [206, HALF, ALL, false],
    ],
    [0, HALF],
  ],
  [
    "all comes again",
    [
      [200, 0, HALF, true],
      [200, 0, ALL, false],
    ],
    [0, HALF],
  ],
  ["lost after the last byte", [[200, 0, ALL, true]], [0]],
  ["faults pass", [FAULT, [503, 0, 0, false], [200, 0, ALL, false]], [0, 0, 0]],
  ["the fifth try", [...Array<Served>(4).fill(FAULT), [200, 0, ALL, false]], [0, 0, 0, 0, 0]],
  ["no sixth one", Array<Served>(5).fill(FAULT), [0, 0, 0, 0, 0], ApiError],
  ["no sixth connection", Array<Served>(5).fill([200, 0, 0, true]), [0, 0, 0, 0, 0], Unreachable],
  ["it may not be seen", [[403, 0, 0, false]], [0], FileGone],
  ["it is not there", [[404, 0, 0, false]], [0], FileGone],
  ["it ends too early", [[200, 0, HALF, false]], [0], FileDamaged],
  [
    "more comes",
    [
      [200, 0, HALF, true],
      [206, HALF - 1, ALL, false],
    ],
    [0, HALF],
    FileDamaged,
  ],
])(
  "a download goes on where it was lost, five times at most: %s",
  async (_, responses, asked, error) => {
    const [left, begins, urls, steps] = [
      [...responses],
      [] as number[],
      [] as string[],
      [] as number[][],
    ];
    vi.stubGlobal("fetch", async (url: string, { headers }: { headers: { range?: string } }) => {
      urls.push(url);
      begins.push(Number(/^bytes=(\d+)-$/.exec(headers.range ?? "bytes=0-")?.[1]));
      const [status, start, end, lost] = left.shift() ?? FAULT;
      const parts = end > start ? [body.slice(start, end)] : [];
      const stream = new ReadableStream({
        pull(controller) {
          const part = parts.shift();
          if (part !== undefined) controller.enqueue(part);
          else if (lost) controller.error(new TypeError("lost"));
          else controller.close();
        },
      });
      return new Response(stream, { status });
    });
    const fileUrl = async (chat: string, id: string) => ({
      url: `https://bucket/${chat}/${id}/${urls.length}`,
    });
    const nothing = { api: { fileUrl }, backoff, uploads: {}, send: {}, publish: {} };
    const files = new Files(nothing as unknown as FilesOptions);
    const fetching = files.fetch("chat", attachment, (...step) => steps.push(step));
    if (error === undefined) {
      expect(Buffer.compare(await fetching, content)).toBe(0);
      expect(steps.at(-1)).toEqual([ALL, ALL]);
    } else await expect(fetching).rejects.toBeInstanceOf(error);
    expect(steps.every(([, size]) => size === ALL)).toBe(true);
    expect(begins).toEqual(asked);
    expect(urls).toEqual(asked.map((_, number) => `https://bucket/chat/id/${number}`));
  },
);

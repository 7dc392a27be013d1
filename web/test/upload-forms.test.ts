/** Which form each try of an upload uses. The same table is in tests/client/test_upload_forms.py. */

import { afterEach, expect, test, vi } from "vitest";
import type { Api } from "../src/client/api.ts";
import type { Event } from "../src/client/core/events.ts";
import { Backoff } from "../src/client/core/liveness.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { ApiError, StoreUnavailable } from "../src/client/errors.ts";
import { Files, type FilesOptions } from "../src/client/files.ts";
import { StoredUploads } from "../src/client/store/uploads.ts";
import { put, Rejected } from "../src/client/transfer.ts";
import { until } from "./scene.ts";

const GOOD = 900 - 60; // seconds in which a form is used again
/** How it ends (a number is S3's status), how many seconds that takes, and the form it uses. */
type End = "cut" | "taken" | "cancelled" | "stopped" | "too late" | "not written" | number;
type Try = readonly [End, number, number];
const CANCELLED: readonly End[] = ["cancelled", "stopped", "too late"];

const TABLE: readonly (readonly [string, readonly Try[]])[] = [
  ["the connection is lost", [...Array<Try>(7).fill(["cut", 0, 1]), ["taken", 0, 1]]],
  [
    "S3 has a fault",
    [
      [500, 0, 1],
      [503, 0, 1],
      ["taken", 0, 1],
    ],
  ],
  [
    "S3 rejects the form",
    [
      [403, 0, 1],
      ["cut", 0, 2],
      [400, 0, 2],
      ["taken", 0, 3],
    ],
  ],
  [
    "S3 rejects three forms",
    [
      [403, 0, 1],
      [403, 0, 2],
      [403, 0, 3],
    ],
  ],
  [
    "the form is good for a second",
    [
      ["cut", GOOD - 1, 1],
      ["taken", 0, 1],
    ],
  ],
  [
    "the form has expired",
    [
      ["cut", GOOD, 1],
      [503, 1, 2],
      ["taken", 0, 2],
    ],
  ],
  [
    "it expires in several tries",
    [
      ["cut", GOOD / 2, 1],
      ["cut", GOOD / 2, 1],
      ["taken", 0, 2],
    ],
  ],
  [
    "the clock is set back",
    [
      ["cut", -1, 1],
      ["taken", 0, 2],
    ],
  ],
  [
    "the message is not written",
    [
      ["not written", 0, 1],
      ["taken", 0, 1],
    ],
  ],
  [
    "another file follows",
    [
      ["taken", 0, 1],
      ["taken", 0, 2],
    ],
  ],
  [
    "another file follows one that is cancelled",
    [
      ["cancelled", 0, 1],
      ["taken", 0, 2],
    ],
  ],
  [
    "what is cancelled is sent no further",
    [
      ["stopped", 0, 1],
      ["taken", 0, 2],
    ],
  ],
  [
    "what is cancelled is not tried again",
    [
      [403, 0, 1],
      ["too late", 0, 2],
      ["taken", 0, 3],
    ],
  ],
];

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Stands for the API, the bucket and the chat of a device. */
async function bucketOf(name: string, tries: readonly Try[]) {
  const [left, used, sent] = [[...tries], [] as number[], [] as number[]];
  const failed: Event[] = [];
  let [now, forms, end] = [1_000_000, 0, "" as Try[0] | ""];
  const uploads = await StoredUploads.open(name);
  const fileForm: Api["fileForm"] = async () => {
    forms += 1;
    const fields = new Map([["key", String(forms)]]);
    return { file: String(forms), url: "https://bucket", fields, expiresIn: 900_000 };
  };
  const send: FilesOptions["send"] = async (_, { file }) => {
    if (end === "not written") throw new StoreUnavailable("the disk is full");
    sent.push(Number((file as { id: string }).id));
    return true;
  };
  vi.spyOn(Date, "now").mockImplementation(() => now);
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    const form = await new Response(init.body, { headers: new Headers(init.headers) }).formData();
    used.push(Number(form.get("key")));
    let seconds = 0;
    [end, seconds] = left.shift() ?? ["taken", 0];
    now += 1_000 * seconds;
    if (CANCELLED.includes(end as End)) await files.cancel("message-0");
    if (end === "stopped") {
      await vi.waitFor(() => expect(init.signal?.aborted).toBe(true), 60_000);
      throw init.signal?.reason;
    }
    if (end === "too late") return new Response(null, { status: 403 });
    if (end === "cut" || end === "cancelled") throw new TypeError("the connection is lost");
    return new Response(null, { status: typeof end === "number" ? end : 204 });
  });
  const backoff = () => new Backoff({ ...DEFAULTS, reconnectBase: 0 }, Math.random);
  const api = { fileForm } as unknown as Api;
  const publish = (event: Event) => void (event.type === "file_failed" && failed.push(event));
  const files = new Files({ api, uploads, backoff, send, publish });
  return { api, files, used, sent, failed };
}

test.each(TABLE)("%s: a form is used until it is rejected or about to expire", async (...row) => {
  const [name, tries] = row;
  const { files, used, sent, failed } = await bucketOf(name, tries);
  const ended = tries.filter(([end]) => end === "taken" || CANCELLED.includes(end)).length;
  for (let number = 0; number < Math.max(1, ended); number++) {
    const content = new Uint8Array([1]);
    const [messageId, description] = [`message-${number}`, { name: "a" }];
    await files.add({ messageId, chat: "chat", content, description, more: {} });
  }
  files.start();
  await until(async () => (await files.waiting()).length === 0);
  await files.close();
  expect(failed.length).toBe(ended === 0 ? 1 : 0); // three forms were rejected
  expect(used).toEqual(tries.map(([, , form]) => form));
  expect(sent).toEqual(tries.filter(([end]) => end === "taken").map(([, , form]) => form));
});

test("an upload that is removed leaves nothing of its file", async () => {
  const uploads = await StoredUploads.open("removed");
  const upload = { messageId: "first", chat: "chat", content: {}, size: 1 };
  await uploads.add(upload, new Uint8Array([1]));
  expect(await uploads.body("first")).toBeDefined();
  expect([await uploads.remove("first"), await uploads.remove("first")]).toEqual([true, false]);
  expect(await uploads.body("first")).toBeUndefined();
  await uploads.close();
});

test("no form is asked for before the backend allows it, whatever else is sent", async () => {
  const { api, files, failed, used } = await bucketOf("limited", []);
  let asked = 0;
  const fileForm = async () => {
    asked += 1;
    throw new ApiError("rate_limited", "slower", 429, 3_600);
  };
  Object.assign(api, { fileForm });
  const draft = {
    chat: "chat",
    content: new Uint8Array([1]),
    description: { name: "a" },
    more: {},
  };
  await files.add({ messageId: "first", ...draft });
  files.start();
  await until(() => failed.length > 0);
  await files.add({ messageId: "second", ...draft });
  files.wake();
  await new Promise((resolve) => setTimeout(resolve));
  expect([asked, failed.length, used]).toEqual([1, 1, []]);
  await files.cancel("second");
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked).toBe(1);
  await files.close();
});

/** The first form that is asked for is rejected. */
function failOnce(api: Api, error: ApiError): void {
  const { fileForm } = api;
  let times = 0;
  Object.assign(api, {
    fileForm: async (chat: string, size: number) => {
      times += 1;
      if (times === 1) throw error;
      return fileForm(chat, size);
    },
  });
}

test("a file that is cancelled holds up no other by its limit", async () => {
  const { api, files, failed, sent } = await bucketOf("no longer limited", []);
  failOnce(api, new ApiError("rate_limited", "slower", 429, 3_600));
  for (const messageId of ["large", "small"]) {
    const content = new Uint8Array([1]);
    await files.add({ messageId, chat: "chat", content, description: { name: "a" }, more: {} });
  }
  files.start();
  await until(() => failed.length > 0);
  await files.cancel("large");
  await until(() => sent.length === 1);
  await files.close();
});

test.each([
  [400, "RequestTimeout", ApiError],
  [400, "IncompleteBody", ApiError],
  [400, "EntityTooLarge", Rejected],
  [403, "AccessDenied", Rejected],
  [503, "SlowDown", ApiError],
])("what may pass is tried again: %i %s", async (status, code, error) => {
  const text = `<Error><Code>${code}</Code><Message>RequestTimeout</Message></Error>`;
  vi.stubGlobal("fetch", async () => new Response(text, { status }));
  const sent = put("https://bucket", new Map(), new Uint8Array(1), () => {}, AbortSignal.any([]));
  await expect(sent).rejects.toBeInstanceOf(error);
});

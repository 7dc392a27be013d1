/** Files that were fetched to be shown: they are in memory as long as they may be seen. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { Attachment, ChatClient, Event, StoredMessage } from "../../src/client/index.ts";

const FILE = { id: "f1", size: 3, type: "image/png", name: "a.png", kind: "picture" } as Attachment;
const MESSAGE = {
  chat: "c1",
  reference: { by: "ravi/phone", id: "m1" },
  content: { kind: "file", file: FILE },
} as StoredMessage;

const urls = new Set<string>();
const types: string[] = [];
let content: Uint8Array;
let arrive: () => void;
let hear: (event: Event) => void;
let session: Session;
/** What waits to be uploaded, and what was done with it. */
let uploads: object[];
let done: unknown[][];
let failing: boolean;

beforeEach(() => {
  uploads = [];
  done = [];
  failing = false;
  content = new Uint8Array(3);
  urls.clear();
  types.length = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    types.push((blob as Blob).type);
    const url = `blob:${urls.size}`;
    urls.add(url);
    return url;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void urls.delete(url));
  const client = {
    listen: (hears: typeof hear) => {
      hear = hears;
      return () => {};
    },
    messages: {
      fetchFile: async (_chat: string, _file: Attachment, progress: (done: number) => void) => {
        await new Promise<void>((resolve) => {
          arrive = resolve;
        });
        progress(3);
        if (failing) throw new Error("no network");
        return content;
      },
      uploads: async () => uploads,
      sendFile: async (...file: unknown[]) => void done.push(file),
      cancelUpload: async (...which: unknown[]) => void done.push(which),
    },
  };
  session = new Session(client as unknown as ChatClient, { close: async () => {} } as Drafts);
});
afterEach(() => vi.restoreAllMocks());

const at = () => session.files.of(FILE)?.at;

async function fetched(message = MESSAGE): Promise<void> {
  const done = session.files.fetch(message);
  arrive();
  await done;
}

test.each<[string, Partial<Event>, boolean]>([
  ["a deletion", { what: "deletion" }, false],
  ["a disappearance", { what: "expired" }, false],
  ["an edit", { what: "edit" }, true],
  ["a reaction", { what: "reaction" }, true],
  ["a deletion of another message", { what: "deletion", messageId: "m2" }, true],
  ["a deletion of another device", { what: "deletion", sender: "ravi/laptop" }, true],
  ["a deletion in another chat", { what: "deletion", chat: "c2" }, true],
])(
  "after %s a file is only as long in memory as its message is seen",
  async (_what, more, kept) => {
    const change = { chat: "c1", sender: "ravi/phone", messageId: "m1", by: "ravi" };
    const event = { type: "message_changed", ...change, ...more } as Event;
    await fetched();
    hear(event);
    expect([at(), urls.size]).toEqual(kept ? ["here", 1] : [undefined, 0]);

    session.files.close();
    const done = session.files.fetch(MESSAGE);
    hear(event); // while it is being fetched
    arrive();
    await done;
    expect([at(), urls.size]).toEqual(kept ? ["here", 1] : [undefined, 0]);
  },
);

test.each([
  ["picture", "image/png", "image/png"],
  ["voice", "audio/ogg", "audio/ogg"],
  ["file", "text/html", "application/octet-stream"],
  ["file", "image/svg+xml", "application/octet-stream"],
  ["file", "application/pdf", "application/octet-stream"],
] as const)(
  "a %s of type %s is opened as %s: none is a page of this origin",
  async (kind, type, as) => {
    await fetched({ ...MESSAGE, content: { kind: "file", file: { ...FILE, kind, type } } });
    expect(types).toEqual([as]);
  },
);

test("a picture that has too many pixels, or is none, is here and is not drawn", async () => {
  const png = (side: number) =>
    new Uint8Array(
      [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, side, 0].concat([
        0,
        0,
        side,
        0,
      ]),
    );
  for (const [bytes, drawn] of [
    [png(1), true],
    [png(255), false],
    [new Uint8Array(3), false],
  ] as const) {
    content = bytes;
    session.files.close();
    await fetched();
    expect(session.files.of(FILE)).toMatchObject({ at: "here", drawn });
  }
});

test("nothing of it stays after the sign-in, and nothing comes", async () => {
  await fetched();
  const other = { ...FILE, id: "f2" };
  const content = { kind: "file", file: other } as StoredMessage["content"];
  const late = session.files.fetch({ ...MESSAGE, content });
  await session.closed();
  expect(urls.size).toBe(0);
  arrive();
  await late;
  expect([at(), session.files.of(other), urls.size]).toEqual([undefined, undefined, 0]);
});

test("one that could not be fetched shows why, and is fetched by the next call; one that is here is not", async () => {
  failing = true;
  await fetched();
  expect(session.files.of(FILE)).toMatchObject({ at: "failed", error: { message: "no network" } });
  failing = false;
  await fetched();
  expect(at()).toBe("here");
  await session.files.fetch(MESSAGE);
  expect(urls.size).toBe(1);
});

describe("a file on its way", () => {
  const upload = (messageId: string, chat = "c1") => ({
    messageId,
    chat,
    content: { file: { name: `${messageId}.png` } },
    size: 10,
  });
  const about = (type: string, messageId: string, more: object = {}) =>
    hear({ type, chat: "c1", messageId, ...more } as Event);
  const sending = (chat = "c1") => session.files.sendingIn(chat);

  test("is shown in its chat, with how far it is, until its message is written", async () => {
    uploads = [upload("m1"), upload("m2", "c2")];
    await session.files.restore();
    expect(sending()).toMatchObject([{ messageId: "m1", name: "m1.png", done: 0, size: 10 }]);
    expect(sending("c2")).toMatchObject([{ messageId: "m2" }]);
    about("file_failed", "m1", { reason: "no network", final: false });
    expect(sending()).toMatchObject([{ reason: "no network", final: false }]);
    about("file_progress", "m1", { done: 4, size: 12 });
    expect(sending()).toMatchObject([{ done: 4, size: 12, reason: undefined }]);
    about("file_progress", "unknown", { done: 1, size: 2 });
    expect(sending()).toHaveLength(1);
    about("state", "m1");
    expect(sending()).toEqual([]);
  });
  test("stays where it was given up, and goes where its message was written unheard", async () => {
    uploads = [upload("m1"), upload("m2")];
    await session.files.restore();
    about("file_failed", "m1", { reason: "too large", final: true });
    uploads = [];
    await session.files.restore();
    expect(sending()).toMatchObject([{ messageId: "m1", reason: "too large", final: true }]);
  });
  test("that is cancelled is so for the client, and is not shown any more", async () => {
    uploads = [upload("m1"), upload("m2")];
    await session.files.restore();
    await session.files.cancel("m1");
    expect(done).toEqual([["m1"]]);
    expect(sending()).toMatchObject([{ messageId: "m2" }]);
  });
  test("has what the browser says of it, and what it answers", async () => {
    const file = new File(["abc"], "a.txt", { type: "text/plain" });
    const reply = { by: "ravi/phone", id: "m0" };
    await session.files.send("c1", file, { width: 1, height: 2 }, reply);
    const said = { name: "a.txt", type: "text/plain", width: 1, height: 2 };
    expect(done).toEqual([["c1", new TextEncoder().encode("abc"), said, reply]]);
  });
});

/** Files that were fetched to be shown: they are in memory as long as they may be seen. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
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
let content: Uint8Array;
let arrive: () => void;
let hear: (event: Event) => void;
let session: Session;

beforeEach(() => {
  content = new Uint8Array(3);
  urls.clear();
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => {
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
    fetchFile: async (_chat: string, _file: Attachment, progress: (done: number) => void) => {
      await new Promise<void>((resolve) => {
        arrive = resolve;
      });
      progress(3);
      return content;
    },
  };
  session = new Session(client as unknown as ChatClient, { close: async () => {} } as Drafts);
});
afterEach(() => vi.restoreAllMocks());

const at = () => session.files.of(FILE)?.at;

async function fetched(): Promise<void> {
  const done = session.files.fetch(MESSAGE);
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

/** Chats and messages as people are shown them, as tests/client/store has it. */

import { beforeEach, describe, expect, test } from "vitest";
import { NOWHERE } from "../src/client/core/frames.ts";
import { changeId, ulid } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import {
  chatsOf,
  historyOf,
  marksOf,
  messageOf,
  profileOf,
  settingOf,
  wroteIn,
} from "../src/client/store/history.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const FILE = {
  text: "",
  content: {
    kind: "file",
    text: "",
    file: {
      kind: "picture",
      name: "a.png",
      type: "image/png",
      size: 70,
      id: "f1",
      key: "key",
      digest: "digest",
    },
  },
} as const;
const START = 1_700_000_000_000;
let stores = 0;
let store: Store;

beforeEach(async () => {
  store = await Store.open(`history-${stores++}`, tables.VERSION, tables.TABLES);
});

const ledger = <T>(act: (ledger: Ledger) => Promise<T> | T) =>
  store.transaction(async (work) => act(new Ledger(work, "ravi", "web")));

/** Rows of raju's in "c" unless `fields` says otherwise. */
async function add(...rows: Partial<tables.MessageRow>[]): Promise<void> {
  const of = { chat: "c", sender: "raju", senderDevice: "phone", alg: "", text: "hi" };
  await ledger((each) => {
    for (const row of rows) each.add({ ...of, messageId: `m${row.seq}`, ...row });
  });
}

const chat = (chat: string, fields: Partial<tables.ChatRow>) =>
  ledger((each) => each.changeChat(chat, fields));
const texts = async (limit = 100, before?: number) =>
  (await historyOf(store, "c", limit, before)).map(({ text }) => text);
const target = (seq: number) => ({ by: "raju/phone", id: `m${seq}` });

describe("chats", () => {
  test("count what others wrote above what is read, for people and to be shown", async () => {
    await chat("c", { watermark: 7, read: 2 });
    await add(
      { seq: 1 },
      { seq: 2 },
      { seq: 3 },
      { seq: 4, sender: "ravi" },
      { seq: 5, hidden: true },
      { seq: 6, counts: false },
      { seq: 7, counts: true },
      { seq: 8 }, // what lies beyond a gap is not here yet
    );
    expect(await chatsOf(store, "ravi")).toMatchObject([{ chat: "c", unread: 2, read: 2 }]);
    await chat("c", { read: 7 });
    expect(await chatsOf(store, "ravi")).toMatchObject([{ unread: 0 }]);
  });
  test("that were left stay where there is something to read, and are marked", async () => {
    await chat("a", { kind: "direct", watermark: 1, gone: true });
    await chat("b", { kind: "group", watermark: 0, gone: true });
    await chat("c", { kind: "group", watermark: 0 });
    const shown = await chatsOf(store, "ravi");
    expect(shown.map((each) => [each.chat, each.left])).toEqual([
      ["a", true],
      ["c", false],
    ]);
  });
  test("have their members in order", async () => {
    await chat("c", { members: ["raju", "mira", "ravi"].map((user) => [user, NOWHERE] as const) });
    expect((await chatsOf(store, "ravi"))[0]?.members).toEqual(["mira", "raju", "ravi"]);
  });
  test("have the name that was written last, and none where that was taken away", async () => {
    await chat("c", { kind: "group", name: "for oneself", watermark: 3 });
    const named = async () => (await chatsOf(store, "ravi"))[0]?.name;
    expect(await named()).toBe("for oneself");
    const written = (seq: number, name: string | null) =>
      add({ seq, text: "", content: { kind: "chat_name", name } });
    await written(1, "Trip");
    await written(2, "Summer");
    expect(await named()).toBe("Summer");
    await written(3, null);
    expect(await named()).toBeUndefined();
  });
  test("have no name, picture or timer by what has failed", async () => {
    await chat("c", { kind: "group", watermark: 1 });
    await add(
      { seq: 1, text: "", content: { kind: "timer", seconds: 60 } },
      { messageId: "own", text: "", content: { kind: "timer", seconds: 9 }, state: State.FAILED },
    );
    expect((await settingOf(store, "c", "timer"))?.seconds).toBe(60);
  });
});

describe("the history", () => {
  test("goes back page by page, and has what waits for its place last, as it was written", async () => {
    await add(...[1, 2, 3, 4, 5, 6, 7].map((seq) => ({ seq, text: `m${seq}` })));
    const waits = { sender: "ravi", senderDevice: "web", state: State.WAITING };
    await add(
      { ...waits, messageId: "b", text: "first", written: START },
      { ...waits, messageId: "a", text: "second", written: START + 1 },
    );
    expect(await texts(4)).toEqual(["m6", "m7", "first", "second"]);
    expect(await texts(1)).toEqual(["second"]);
    expect(await texts(3, 6)).toEqual(["m3", "m4", "m5"]);
    expect(await texts(3, 3)).toEqual(["m1", "m2"]);
  });
  test("has nothing that is hidden, however much of it stands in between", async () => {
    await add({ seq: 1, text: "first" }, { seq: 250, text: "last" });
    await add(...Array.from({ length: 240 }, (_, at) => ({ seq: at + 5, hidden: true })));
    await add({ messageId: "w", written: START, hidden: true, text: "a change" });
    expect(await texts(2)).toEqual(["first", "last"]);
    expect(await messageOf(store, "c", target(5))).toBeUndefined();
    expect(await messageOf(store, "c", target(1))).toMatchObject({ text: "first" });
    expect(await messageOf(store, "c", target(999))).toBeUndefined();
  });
  test("has the text of the last edit, and is marked", async () => {
    await add({ seq: 1, text: "as written" }, { seq: 2, text: "untouched" });
    const edit = (seq: number, text: string) => {
      const content = { kind: "edit", of: target(1), text } as const;
      return add({ seq, text, content, target: target(1), hidden: true });
    };
    await edit(4, "edited last");
    await edit(3, "edited before");
    expect(await historyOf(store, "c", 9)).toMatchObject([
      { text: "edited last", edited: true },
      { text: "untouched", edited: false },
    ]);
  });
  test("has when what is counted disappears, in ms, of seconds", async () => {
    await add(
      { seq: 1, expires: 60, countedFrom: START },
      { seq: 2, expires: 60 },
      { seq: 3, text: "", gone: "deleted" },
    );
    const shown = await historyOf(store, "c", 9);
    expect(shown.map((each) => each.expiresAt)).toEqual([START + 60_000, undefined, undefined]);
    expect(shown.map((each) => each.deleted)).toEqual([false, false, true]);
  });
  test.each<[string, Partial<tables.MessageRow> | undefined, object]>([
    ["is", {}, { text: "hi", here: true, deleted: false }],
    ["is a file", FILE, { text: "", file: FILE.content.file, here: true, deleted: false }],
    ["was deleted", { gone: "deleted", text: "" }, { text: undefined, here: true, deleted: true }],
    ["can't be read", { text: undefined }, { text: undefined, here: true, deleted: false }],
    ["is hidden", { hidden: true }, { text: undefined, here: false, deleted: false }],
    ["is not here", undefined, { text: undefined, here: false, deleted: false }],
  ])("quotes what %s", async (_what, row, quote) => {
    if (row !== undefined) await add({ seq: 1, ...row });
    await add({ seq: 2, content: { kind: "text", text: "yes", reply: target(1) }, text: "yes" });
    const reply = (await historyOf(store, "c", 1))[0]?.reply;
    expect(reply).toMatchObject({ of: target(1), sender: "raju", ...quote });
  });
});

test("a quote has the last edit of what it refers to, and nothing of a file that is deleted", async () => {
  const reply = target(1);
  const edit = { kind: "edit", of: target(1), text: "edited" } as const;
  await add(
    { seq: 1 },
    { seq: 2, text: "yes", content: { kind: "text", text: "yes", reply } },
    { seq: 3, ...FILE },
    { seq: 4, text: "nice", content: { kind: "text", text: "nice", reply: target(3) } },
    { seq: 5, text: "edited", content: edit, target: target(1), hidden: true },
  );
  const quotes = async () => (await historyOf(store, "c", 9)).flatMap((each) => each.reply ?? []);
  expect(await quotes()).toMatchObject([{ text: "edited" }, { file: { name: "a.png" } }]);
  await add({
    seq: 6,
    text: "",
    content: { kind: "deletion", of: target(3) },
    target: target(3),
    hidden: true,
  });
  expect((await quotes())[1]).toMatchObject({ text: undefined, file: undefined, deleted: true });
});

test("marks of all members tick one's own messages in their order, and name nobody but others", async () => {
  const own = { sender: "ravi", senderDevice: "web", acceptedAt: START };
  await add(
    { ...own, seq: 1, state: State.DELIVERED },
    { ...own, seq: 2, state: State.SENT },
    { ...own, seq: 3, state: State.READ },
    { ...own, seq: 4, state: State.DELIVERED },
    { ...own, seq: 5, state: State.SENT },
    { seq: 6 },
  );
  const seqs = (rows: readonly tables.MessageRow[]) => rows.map(({ seq }) => seq);
  const ticking = (delivered: number, read: number) =>
    ledger(async (each) => seqs(await each.ticking("c", { delivered, read })));
  expect(await ticking(0, 4)).toEqual([1, 2, 4]);
  expect(await ticking(5, 1)).toEqual([1, 2, 5]);
  expect(await ledger((each) => each.senders("c", 0, 6))).toEqual(new Set(["raju"]));
  await add({ sender: "ravi", senderDevice: "desk", seq: 7 });
  expect(await ledger(async (each) => seqs(await each.ownAbove("c", 3)))).toEqual([4, 5]);
});

test("a text that waits for its time is asked for once, after that", async () => {
  await add({ seq: 1, askAt: 5 }, { seq: 2, askAt: 9 });
  const next = (now: number) => ledger((each) => each.nextAsk(now));
  expect([await next(4), await next(5), await next(9)]).toEqual([5, 9, undefined]);
});

test("what others write disappears once it is counted, and what the user writes when it is accepted", async () => {
  await add({ seq: 1, expires: 60 }, { seq: 2, expires: 60, sender: "ravi", senderDevice: "desk" });
  const counted = await ledger(async (each) => each.toCount("c", 2));
  expect(counted.map(({ seq }) => seq)).toEqual([1]);
});

test("what a member's marks do not cover is known with them", async () => {
  const marks = { delivered: 4, read: 3 };
  const members = [
    ["meena", marks],
    ["raju", NOWHERE],
  ] as const;
  await chat("c", { members, joinedAfter: [["meena", 2]], undelivered: [[1, 1]] });
  const undelivered = [[1, 1]];
  expect([...marksOf(await ledger((each) => each.chat("c")))]).toEqual([
    ["meena", { ...marks, joinedAfter: 2, undelivered }],
    ["raju", { ...NOWHERE, joinedAfter: 0, undelivered }],
  ]);
});

describe("a profile", () => {
  const profile = (id: string, name: string | null, at: number, sender = "raju") => {
    const content = { kind: "profile", name, picture: null, at } as const;
    return add({ messageId: id, seq: at, sender, content, text: "", hidden: true });
  };
  test("is the newest by its own time; of two of one time that of the greater id", async () => {
    await profile(changeId(START + 9), "later sent", 1);
    await profile(changeId(START), "newest", 2);
    await profile(changeId(START + 5), "another's", 3, "mira");
    expect(await profileOf(store, "raju")).toMatchObject({ user: "raju", name: "newest" });
    await profile(changeId(START + 1), "of the same time", 2);
    expect((await profileOf(store, "raju")).name).toBe("of the same time");
    expect((await profileOf(store, "nobody")).name).toBeUndefined();
  });
  test("of one's own is not replaced by an older one", async () => {
    const keep = (name: string, at: number) =>
      ledger((each) => each.keepProfile({ name, picture: null, at }));
    await keep("first", 5);
    await keep("older", 4);
    await keep("as old", 5);
    const saved = async () => (await store.get(tables.session, tables.ONLY))?.profile?.name;
    expect(await saved()).toBe("first");
    await keep("newer", 6);
    expect(await saved()).toBe("newer");
  });
});

test("a user has written in a chat where a text of theirs stands, and by a timer has not", async () => {
  const timer = { kind: "timer", seconds: 60 } as const;
  await add({ seq: 1, sender: "ravi", messageId: changeId(START), content: timer }, { seq: 2 });
  expect(await wroteIn(store, "c", "ravi")).toBe(false);
  await add({ seq: 3, sender: "ravi", messageId: ulid(START) });
  expect(await wroteIn(store, "c", "ravi")).toBe(true);
  expect(await wroteIn(store, "d", "ravi")).toBe(false);
});

describe("what is reported", () => {
  test("ends below a text of somebody else that its sender is still to be asked for", async () => {
    const marks = () => ledger(async (each) => each.readable(await each.chat("c")));
    await chat("c", { watermark: 5, read: 4 });
    await add({ seq: 2, askAt: START, hidden: true }, { seq: 3, askAt: START, sender: "ravi" });
    expect(await marks()).toEqual({ delivered: 5, read: 4 });
    await add({ seq: 4, askAt: START }, { seq: 1, askAt: START, chat: "d" });
    expect(await marks()).toEqual({ delivered: 3, read: 3 });
  });
  test("names who wrote what was moved over, behind the one and up to the other", async () => {
    await add(
      { seq: 1, sender: "mira" },
      { seq: 2, sender: "ravi" },
      { seq: 3 },
      { seq: 4, sender: "meena" },
    );
    const senders = (after: number, to: number) =>
      ledger(async (each) => [...(await each.senders("c", after, to))]);
    expect(await senders(1, 3)).toEqual(["raju"]);
    expect(await senders(0, 4)).toEqual(["mira", "raju", "meena"]);
    expect(await senders(3, 3)).toEqual([]);
  });
  test("moves the ticks that it is behind, of what was delivered by reading too", async () => {
    const states = [State.READ, State.DELIVERED, State.DELIVERED, State.SENT];
    await add(...states.map((state, at) => ({ seq: at + 1, sender: "ravi", state })));
    const moved = (delivered: number, read: number) =>
      ledger(async (each) => (await each.ticking("c", { delivered, read })).map(({ seq }) => seq));
    expect(await moved(3, 1)).toEqual([]);
    expect(await moved(4, 1)).toEqual([4]);
    expect(await moved(3, 2)).toEqual([2]);
    expect(await moved(0, 4)).toEqual([2, 3, 4]);
  });
});

/** To whom a client sends the own profile, and names and timers once more, by itself. */

import { beforeEach, expect, test } from "vitest";
import { type MessageContent, parse, type Reference, VERSION } from "../src/client/core/content.ts";
import type { Engine } from "../src/client/core/engine.ts";
import { changeId, ulid } from "../src/client/core/ids.ts";
import type { Step } from "../src/client/core/step.ts";
import type { Driver } from "../src/client/driver.ts";
import { CannotWrite, NotAMember } from "../src/client/errors.ts";
import { fieldsOf } from "../src/client/store/changes.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";
import { Writing } from "../src/client/writing.ts";

const MARKS = { delivered: 0, read: 0 };
const left = new Set<string>();
let store: Store;
let writing: Writing;
/** `chat: kind`, and `chat -> device: kind` for what is for one device alone. */
let sent: string[];
let contents: MessageContent[];
let seq = 0;
let mayName = true;

async function within<T>(act: (ledger: Ledger) => Promise<T> | T): Promise<T> {
  return store.transaction(async (work) => act(new Ledger(work, "ravi", "phone")));
}

async function chat(name: string, kind: "direct" | "group", ...others: string[]): Promise<void> {
  const members = ["ravi", ...others].map((user) => [user, MARKS] as const);
  await within((ledger) =>
    ledger.changeChat(name, { kind, members, watermark: 1 } as Parameters<Ledger["changeChat"]>[1]),
  );
}

/** A message that stands in the chat. */
async function wrote(user: string, name: string, content: object): Promise<Reference> {
  const said = parse({ v: VERSION, ...content });
  const messageId = said.kind === "text" ? ulid(1) : changeId(1);
  seq += 1;
  const place = { chat: name, seq, sender: user, senderDevice: "desk", messageId, alg: "olm.v1" };
  await within((ledger) => ledger.add({ ...place, ...fieldsOf(said, messageId) }));
  return { by: `${user}/desk`, id: messageId };
}

const text = (said: string) => ({ kind: "text", text: said });
const profile = (at: number) => ({ kind: "profile", name: "R", picture: null, at });
const kept = (at: number) =>
  within((ledger) => ledger.keepProfile({ name: "R", picture: null, at }));

beforeEach(async () => {
  store = await Store.open(`writing ${crypto.randomUUID()}`, tables.VERSION, tables.TABLES);
  [sent, contents, seq, mayName] = [[], [], 0, true];
  left.clear();
  const note = (where: string, content: MessageContent) => {
    sent.push(`${where}: ${content.kind}`);
    contents.push(content);
  };
  const engine = {
    left: (name: string) => left.has(name),
    send: async (_: Step, _id: string, name: string, content: MessageContent) =>
      note(name, content),
    sendToDevice: async (_: Step, name: string, to: string, { content }: { content: never }) =>
      note(`${name} -> ${to}`, content),
  } as unknown as Engine;
  const driver = {
    engine,
    read: (act: () => unknown) => act(),
    step: (act: (step: Step, engine: Engine) => unknown) =>
      within((ledger) => act({ ledger } as unknown as Step, engine)),
  } as unknown as Driver;
  writing = new Writing("ravi", store, driver, async () => mayName);
});

test("a profile goes to whom the user has written directly, and to nobody else", async () => {
  await chat("written", "direct", "raju");
  await wrote("ravi", "written", text("hello"));
  await chat("stranger", "direct", "zoe");
  await wrote("zoe", "stranger", text("hello"));
  const of = { by: "zoe/desk", id: ulid(1) };
  await wrote("ravi", "stranger", { kind: "reaction", of, emoji: "👍" }); // no text of the user's
  await chat("left", "direct", "mira");
  await wrote("ravi", "left", text("hello"));
  await within((ledger) => ledger.changeChat("left", { gone: true }));
  left.add("left");
  await chat("group", "group", "raju", "zoe");
  await wrote("ravi", "group", text("hello"));
  await kept(9_000_000_000_000); // by a clock that was ahead
  await writing.setProfile("Ravi", null);
  expect(sent).toEqual(["written: profile"]);
  expect(contents).toMatchObject([{ at: 9_000_000_000_001 }]);
  expect(await writing.profile("ravi")).toMatchObject({ name: "Ravi" });
});

test.each([
  ["none was sent", [], true],
  ["an older one was sent", [profile(1)], true],
  ["it was sent", [profile(2)], false],
])("with a text goes the profile, where %s", async (_, before, goes) => {
  await kept(2);
  await chat("written", "direct", "raju");
  await wrote("raju", "written", profile(3)); // somebody else's
  for (const each of before) await wrote("ravi", "written", each);
  await writing.text("written", "hello");
  expect(sent).toEqual(["written: text", ...(goes ? ["written: profile"] : [])]);
  sent.length = 0;
  await chat("group", "group", "raju", "zoe");
  await writing.text("group", "hello");
  expect(sent).toEqual(["group: text"]);
});

test("a new device of somebody gets the profile where its user has it, and it alone", async () => {
  await kept(2);
  await chat("has it", "direct", "raju");
  await wrote("ravi", "has it", profile(2));
  await chat("has an older one", "direct", "zoe");
  await wrote("ravi", "has an older one", profile(1));
  await chat("group", "group", "raju", "zoe");
  await wrote("ravi", "group", profile(2));
  for (const user of ["raju", "zoe", "mira"]) await writing.introduceTo(user, "new");
  expect(sent).toEqual(["has it -> raju/new: profile"]);
});

test("a new device of one's own gets what chats are called, and the profile where others have it", async () => {
  await kept(2);
  await chat("a", "direct", "zoe");
  await wrote("zoe", "a", { kind: "timer", seconds: 60 });
  for (const name of ["b", "c"]) {
    await chat(name, "direct", "raju");
    await wrote("ravi", name, profile(2));
  }
  await chat("d", "group", "raju", "zoe");
  await wrote("zoe", "d", { kind: "chat_name", name: "old" });
  await wrote("zoe", "d", { kind: "chat_name", name: "new" });
  await chat("e", "group", "raju", "zoe");
  await wrote("zoe", "e", { kind: "chat_name", name: "gone" });
  await within((ledger) => ledger.changeChat("e", { gone: true }));
  await writing.repeatForDevice("ravi/new");
  expect(sent.toSorted()).toEqual([
    "a -> ravi/new: timer",
    "b -> ravi/new: profile",
    "d -> ravi/new: chat_name",
  ]);
  expect(contents.find(({ kind }) => kind === "chat_name")).toMatchObject({ name: "new", at: 5 });
});

test("what is repeated stands where it stood at first, also the second time", async () => {
  await chat("group", "group", "raju");
  await wrote("raju", "group", text("hello"));
  await wrote("raju", "group", { kind: "timer", seconds: 60, at: 1 });
  await writing.repeatForNewcomers("group");
  expect(contents).toMatchObject([{ kind: "timer", seconds: 60, at: 1 }]);
});

test.each([
  [60, { expires: 60 }],
  [0, {}],
])("where the timer is %i, a text and a file have that time", async (seconds, expires) => {
  await chat("direct", "direct", "raju");
  await wrote("raju", "direct", { kind: "timer", seconds });
  await writing.text("direct", "hello");
  expect(contents).toEqual([{ kind: "text", text: "hello", ...expires }]);
  expect(await writing.describeFile("direct")).toEqual(expires);
});

test("nobody changes what others wrote, or what is no text", async () => {
  await chat("direct", "direct", "raju");
  const theirs = await wrote("raju", "direct", text("hello"));
  const timer = await wrote("ravi", "direct", { kind: "timer", seconds: 60 });
  const deleted = await wrote("ravi", "direct", text("hello"));
  await wrote("ravi", "direct", { kind: "deletion", of: deleted });
  for (const of of [theirs, timer, deleted]) {
    await expect(writing.edit("direct", of, "bye")).rejects.toThrow(CannotWrite);
  }
  await expect(writing.delete("direct", theirs)).rejects.toThrow(CannotWrite);
  expect(sent).toEqual([]);
});

test("who may not name a group, or has left, gets an error, and a direct chat has no name", async () => {
  await chat("group", "group", "raju");
  await chat("direct", "direct", "raju");
  await expect(writing.setName("direct", "ours")).rejects.toThrow(CannotWrite);
  mayName = false;
  await expect(writing.setName("group", "ours")).rejects.toThrow(CannotWrite);
  left.add("group");
  await expect(writing.text("group", "hello")).rejects.toThrow(NotAMember);
  expect(sent).toEqual([]);
});

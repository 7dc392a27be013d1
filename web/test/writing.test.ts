/** Replies, reactions, edits, deletions, timers, names and profiles, between real clients. */

import { expect, test } from "vitest";
import type { Reference } from "../src/client/core/content.ts";
import { CannotWrite } from "../src/client/errors.ts";
import type { StoredMessage } from "../src/client/store/history.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";
import type { TestClient } from "./backend.ts";
import { pair } from "./chats.ts";
import { connect, crash, eventsOf, got, later, until, useBackend, user, wrongBy } from "./scene.ts";

useBackend();

const PICTURE = "/9j/wAARCABgAGADAREAAhEBAxEB";
const ALL = 1_000;

/** A text that `other` has. */
async function written(one: TestClient, other: TestClient, chat: string, text: string) {
  const id = await one.client.send(chat, text);
  await got(other, text);
  const found = (await one.client.messages.history(chat, ALL)).find(
    ({ messageId }) => messageId === id,
  );
  return found as StoredMessage;
}

async function seen({ client }: TestClient, chat: string, of: Reference) {
  return (await client.messages.history(chat, ALL)).find(({ messageId }) => messageId === of.id);
}

const changed = (one: TestClient, what: string) =>
  until(() => eventsOf(one, "message_changed").some((event) => event.what === what));

const unread = async ({ client }: TestClient) => (await client.chats.all())[0]?.unread;

async function stored(name: string): Promise<string> {
  const store = await Store.open(`switchboard/${name}`, tables.VERSION, tables.TABLES);
  const rows = await store.all(tables.messages);
  await store.close();
  return JSON.stringify(rows);
}

test("a reply shows what it refers to as it is now", async () => {
  const { ravi, raju, chat } = await pair();
  const { reference } = await written(ravi, raju, chat, "tea?");
  await raju.client.send(chat, "yes", reference);
  await got(ravi, "yes");
  const reply = async () => (await ravi.client.messages.history(chat)).at(-1)?.reply;
  expect(await reply()).toMatchObject({ sender: user("ravi"), text: "tea?", here: true });
  await ravi.client.writing.edit(chat, reference, "coffee?");
  expect(await reply()).toMatchObject({ text: "coffee?" });
  const lost = { by: reference.by, id: "01JDB2F6Y8W6X1T9N5R3Q7P0AB" };
  await raju.client.send(chat, "to nothing", lost);
  await got(ravi, "to nothing");
  expect(await reply()).toMatchObject({ text: undefined, here: false });
});

test("a reaction is seen by both, changed and taken back, and is not unread", async () => {
  const { ravi, raju, chat } = await pair();
  const { reference } = await written(ravi, raju, chat, "hello");
  for (const emoji of ["👍", "❤️", null]) {
    await raju.client.writing.react(chat, reference, emoji);
    const reactions = emoji === null ? [] : [{ user: user("raju"), emoji }];
    await until(async () => {
      const there = (await seen(ravi, chat, reference))?.reactions;
      return JSON.stringify(there) === JSON.stringify(reactions);
    });
    expect((await seen(raju, chat, reference))?.reactions).toEqual(reactions);
  }
  expect(await unread(ravi)).toBe(0);
  expect(await ravi.client.messages.history(chat)).toHaveLength(1);
});

test("an edit keeps the place, and a deletion removes the text from both stores", async () => {
  const { ravi, raju, chat } = await pair();
  const { reference } = await written(ravi, raju, chat, "a secret");
  await written(ravi, raju, chat, "the next");
  await ravi.client.writing.edit(chat, reference, "another secret");
  await changed(raju, "edit");
  for (const one of [ravi, raju]) {
    const [first] = await one.client.messages.history(chat);
    expect(first).toMatchObject({ text: "another secret", edited: true, deleted: false });
  }
  expect(await unread(raju)).toBe(2);
  await ravi.client.writing.delete(chat, reference);
  await changed(raju, "deletion");
  expect(await unread(raju)).toBe(1);
  for (const one of [ravi, raju]) {
    const [first] = await one.client.messages.history(chat);
    expect(first).toMatchObject({ text: "", edited: false, deleted: true });
    await crash(one);
    const rows = await stored(one.name);
    expect(rows).toContain("the next");
    expect(rows).not.toContain("secret");
  }
});

test("nobody changes what somebody else wrote", async () => {
  const { ravi, raju, chat } = await pair();
  const { reference } = await written(ravi, raju, chat, "hello");
  const { writing } = raju.client;
  await expect(writing.edit(chat, reference, "forged")).rejects.toThrow(CannotWrite);
  await expect(writing.delete(chat, reference)).rejects.toThrow(CannotWrite);
});

test("what is written after a timer disappears for both, and not what was before", async () => {
  const { ravi, raju, chat } = await pair();
  await written(ravi, raju, chat, "stays");
  await raju.client.writing.setTimer(chat, 60);
  await until(() => eventsOf(ravi, "chat_described").length > 0);
  expect((await ravi.client.chats.all())[0]?.timer).toBe(60);
  const goes = await written(ravi, raju, chat, "goes");
  expect(goes.expires).toBe(60);
  await until(async () => (await seen(ravi, chat, goes.reference))?.expiresAt);
  expect((await seen(raju, chat, goes.reference))?.expiresAt).toBeUndefined(); // not read yet
  later(61_000);
  await ravi.client.messages.markRead(chat, 0); // any step
  const kinds = async (one: TestClient) =>
    (await one.client.messages.history(chat)).map(({ kind, text }) =>
      kind === "text" ? text : kind,
    );
  await changed(ravi, "expired");
  expect(await kinds(ravi)).toEqual(["stays", "timer"]);
  expect(await kinds(raju)).toEqual(["stays", "timer", "goes"]);
  await raju.client.messages.markRead(chat, goes.seq ?? 3);
  await crash(raju); // it goes on after a restart
  later(61_000);
  const again = await connect("raju/phone");
  await until(async () => (await kinds(again)).length === 2);
  await crash(again);
  expect(await stored(raju.name)).not.toContain("goes");
});

test("a clock that was a day ahead keeps nothing for longer than its time", async () => {
  const { ravi, raju, chat } = await pair();
  await ravi.client.writing.setTimer(chat, 60);
  await until(() => eventsOf(raju, "chat_described").length > 0);
  wrongBy(86_400_000);
  await ravi.client.send(chat, "goes");
  await got(raju, "goes");
  const shown = async () =>
    (await ravi.client.messages.history(chat)).find(({ text }) => text === "goes")?.expiresAt;
  await until(shown);
  wrongBy(-86_400_000);
  await ravi.client.messages.markRead(chat, 0); // the clock is seen to be behind
  await until(async () => ((await shown()) ?? 0) <= Date.now() + 60_000);
});

test("a group has its name and picture, and who comes later gets them", async () => {
  const { ravi, raju } = await pair();
  const mira = await connect("mira/phone");
  const group = await ravi.client.chats.group([user("raju")], "Weekend");
  const summary = async ({ client }: TestClient) =>
    (await client.chats.all()).find(({ chat }) => chat === group);
  await until(async () => (await summary(raju))?.name === "Weekend");
  expect(await summary(raju)).toMatchObject({ unread: 0 });
  await raju.client.writing.setPicture(group, PICTURE);
  await until(async () => (await summary(ravi))?.picture === PICTURE);
  await ravi.client.chats.changeMembers(group, { add: [user("mira")] });
  await until(async () => (await summary(mira))?.picture === PICTURE);
  expect((await summary(mira))?.name).toBe("Weekend");
  expect(await mira.client.messages.history(group)).toEqual([]);
  expect(await ravi.client.messages.history(group)).toHaveLength(2); // it is not shown again
});

test("only admins name a group where its rules require it", async () => {
  const { ravi, raju } = await pair();
  const group = await ravi.client.chats.group([user("raju")]);
  await written(ravi, raju, group, "hello");
  await raju.client.writing.setName(group, "by a member");
  await ravi.client.people.changeAdmins(group, { rules: { rename: "admins" } });
  await expect(raju.client.writing.setName(group, null)).rejects.toThrow("only admins");
  await ravi.client.writing.setName(group, "by an admin");
});

test("a profile comes with the first text, and with each change", async () => {
  const { ravi, raju, chat } = await pair();
  await ravi.client.writing.setProfile("Ravi K.", PICTURE);
  const name = async () => (await raju.client.writing.profile(user("ravi"))).name;
  expect(await name()).toBeUndefined();
  await written(ravi, raju, chat, "hello");
  await until(async () => (await name()) === "Ravi K.");
  await ravi.client.writing.setProfile("Ravi", null);
  await until(async () => (await name()) === "Ravi");
  const own = await ravi.client.writing.profile(user("ravi"));
  expect(own).toEqual(await raju.client.writing.profile(user("ravi")));
});

test("a new device of a user gets the names and the own profile", async () => {
  const { ravi, raju, chat } = await pair();
  const group = await ravi.client.chats.group([user("raju")], "Weekend");
  await until(() => eventsOf(raju, "chat_described").length > 0);
  await ravi.client.writing.setProfile("Ravi K.", null);
  await written(ravi, raju, chat, "hello");
  const tablet = await connect("ravi/tablet");
  const named = async () =>
    (await tablet.client.chats.all()).find((each) => each.chat === group)?.name;
  await until(async () => (await named()) === "Weekend");
  await until(async () => (await tablet.client.writing.profile(user("ravi"))).name === "Ravi K.");
  // Once as a message for it alone, and once as the copy that it asks for: it is not late enough.
  await until(() => eventsOf(tablet, "chat_described").length >= 2);
  expect(eventsOf(raju, "chat_described")).toHaveLength(1);
});

test("a new device gets the profile of who writes to it from themselves", {
  tags: "deep",
}, async () => {
  const { ravi, raju, chat } = await pair();
  await ravi.client.writing.setProfile("Ravi K.", null);
  await written(ravi, raju, chat, "hello");
  const tablet = await connect("raju/tablet");
  await written(ravi, tablet, chat, "again");
  await until(async () => (await tablet.client.writing.profile(user("ravi"))).name === "Ravi K.");
  // Once as a message for it alone, and once as the copy that it asks for: it is not late enough.
  await until(() => eventsOf(tablet, "profile_changed").length >= 2);
});

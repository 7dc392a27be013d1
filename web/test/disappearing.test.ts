/** What disappears and what is deleted, as tests/client/store/test_disappearing_messages.py has it. */

import { beforeEach, describe, expect, test } from "vitest";
import type { MessageContent } from "../src/client/core/content.ts";
import { changeId } from "../src/client/core/ids.ts";
import { asEnvelope } from "../src/client/crypto/envelope.ts";
import { chatsOf, historyOf } from "../src/client/store/history.ts";
import * as tables from "../src/client/store/tables.ts";
import { Client, message, START, synced } from "./engine-scene.ts";

const DAY = 86_400_000;
const SOON: MessageContent = { kind: "text", text: "a secret", expires: 60 };

let client: Client;

beforeEach(async () => {
  client = await Client.made();
  await client.online(synced(0));
});

const texts = async () => (await historyOf(client.store, "c", 100)).map(({ text }) => text);
const stored = async () => JSON.stringify(await client.store.all(tables.messages));
const summary = async () => (await chatsOf(client.store, "ravi"))[0];
const expired = () => client.events("message_changed").filter(({ what }) => what === "expired");

/** Takes it at this place of the log; it can't be read before `keysCame`, if `readable` is false. */
async function take(seq: number, content: MessageContent, fields: object = {}, readable = true) {
  const taken = message(seq, fields);
  const { message_id: id } = taken;
  if (readable) client.answers.set(id, { content: asEnvelope(content) });
  else client.answers.set(id, { unreadable: "no_session" });
  await client.receive(taken);
  return { id, by: `${taken.sender}/${taken.sender_device}` };
}

const change = (seq: number, fields: object = {}) => ({
  message_id: changeId(START + seq),
  ...fields,
});

async function keysCame(id: string, content: MessageContent): Promise<void> {
  client.answers.set(id, { content: asEnvelope(content) });
  await client.lists("raju");
}

const reads = (seq: number) => client.step((each) => client.engine.markRead(each, "c", seq));
const readElsewhere = (read: number) =>
  client.receive({ type: "receipt", chat: "c", user: "ravi", delivered: read, read });

describe("what disappears", () => {
  test("stays as long as nobody has read it", async () => {
    await take(1, SOON);
    await client.after(365 * DAY);
    expect(await texts()).toEqual(["a secret"]);
  });
  test.each([-DAY, 0, DAY])(
    "does so after its time, by a clock that is wrong by %i, and what others said of it too",
    async (clock) => {
      client.time += clock;
      const of = await take(1, SOON);
      await take(2, { kind: "reaction", of, emoji: "👍" }, change(2, { sender: "mira" }));
      await reads(2);
      await client.after(59_999);
      expect(await texts()).toEqual(["a secret"]);
      await client.after(1);
      expect(await texts()).toEqual([]);
      expect(await stored()).not.toMatch(/secret|👍/);
      expect(expired()).toMatchObject([{ messageId: of.id, sender: of.by, chat: "c" }]);
      expect(await summary()).toMatchObject({ unread: 0 });
    },
  );
  test("does so one after the other, and wakes a client for each without a connection", async () => {
    await take(1, { ...SOON, expires: 120 });
    await take(2, SOON);
    expect(client.engine.nextDue()).toBeDefined();
    await reads(2);
    await client.offline();
    const from = client.time - START;
    expect(client.engine.nextDue()).toBe(from + 60_000);
    await client.after(60_000);
    expect(await texts()).toEqual(["a secret"]);
    expect(client.engine.nextDue()).toBe(from + 120_000);
    await client.after(60_000);
    expect(await texts()).toEqual([]);
    expect(client.engine.nextDue()).toBeUndefined();
  });
  test("does so at its time, although what lasts longer was read before", async () => {
    await take(1, { ...SOON, expires: 3_600 });
    await take(2, SOON);
    await reads(1);
    await client.after(1_000);
    await reads(2);
    await client.restart();
    await client.after(0);
    expect(client.engine.nextDue()).toBe(client.time - START + 60_000);
  });
  test("does so also after a restart, and where its time has passed meanwhile", async () => {
    await take(1, SOON);
    await reads(1);
    await client.restart();
    await client.after(30_000);
    expect(await texts()).toHaveLength(1);
    await client.after(30_000);
    expect(await texts()).toEqual([]);
  });
  test("begins its time anew where the clock is set back", async () => {
    client.time += DAY;
    await take(1, SOON);
    await reads(1);
    await client.after(-DAY);
    expect(await texts()).toHaveLength(1);
    await client.after(60_000);
    expect(await texts()).toEqual([]);
  });
  test("counts from the first reading, and not from a later one", async () => {
    await take(1, SOON);
    await take(2, { kind: "text", text: "stays" });
    await reads(1);
    await client.after(30_000);
    await reads(2);
    await client.after(30_000);
    expect(await texts()).toEqual(["stays"]);
  });
  test("is not counted before it is read, although what stands before it is", async () => {
    await take(1, { kind: "text", text: "stays" });
    await take(2, SOON);
    await reads(1);
    await client.after(DAY);
    expect(await texts()).toEqual(["stays", "a secret"]);
  });
  test.each([
    ["before it came", true],
    ["after it came", false],
  ])("and was read on another device %s counts from when it was sent", async (_when, before) => {
    client.time += 30_000;
    await take(1, { kind: "text", text: "stays" });
    if (before) await client.step(({ ledger }) => ledger.changeChat("c", { read: 2 }));
    await take(2, SOON);
    if (!before) await readElsewhere(2);
    await client.after(29_999);
    expect(await texts()).toHaveLength(2);
    await client.after(1);
    expect(await texts()).toEqual(["stays"]);
  });
  test("and was written on another device of one's own counts from when it was sent", async () => {
    client.time += 30_000;
    await take(1, SOON, { sender: "ravi", sender_device: "desk" });
    await client.after(29_999);
    expect(await texts()).toHaveLength(1);
    await client.after(1);
    expect(await texts()).toEqual([]);
  });
});

describe("a deletion", () => {
  test("of what could not be read yet leaves nothing to read, to count or to ask for", async () => {
    const of = await take(1, SOON, {}, false);
    expect(await summary()).toMatchObject({ unread: 1 });
    await take(2, { kind: "deletion", of }, change(2));
    expect(await summary()).toMatchObject({ unread: 0 });
    const deleted = { deleted: true, unreadable: undefined };
    expect(await historyOf(client.store, "c", 9)).toMatchObject([deleted]);
    await keysCame(of.id, SOON);
    expect(await historyOf(client.store, "c", 9)).toMatchObject([{ text: "", deleted: true }]);
    expect(await stored()).not.toContain("secret");
    const asked = await client.step(({ ledger }) => ledger.asks(client.time + DAY));
    expect(asked).toEqual([]);
    await reads(2);
    await client.after(DAY);
    expect(expired()).toEqual([]);
  });
  test.each([true, false])(
    "that is here first: its text, readable at once: %s, is shown to nobody",
    async (readable) => {
      const target = message(1);
      const of = { by: "raju/phone", id: target.message_id };
      client.answers.set(target.message_id, { content: asEnvelope(SOON) });
      if (!readable) client.answers.set(target.message_id, { unreadable: "no_session" });
      const deletion = change(2);
      client.answers.set(deletion.message_id, {
        content: asEnvelope({ kind: "deletion", of }),
      });
      await client.step(async ({ ledger }) => {
        const { message_id: messageId } = deletion;
        const row = { chat: "c", messageId, sender: "raju", senderDevice: "phone", alg: "" };
        const content = { kind: "deletion", of } as const;
        ledger.add({ ...row, seq: 2, text: "", content, target: of, hidden: true, counts: false });
        await ledger.changeChat("c", { read: 2 }); // on another device
      });
      await client.receive(target);
      if (!readable) await keysCame(target.message_id, SOON);
      const shown = [...client.events("message"), ...client.events("message_readable")];
      expect(shown.length).toBeGreaterThan(0);
      for (const { text = "" } of shown) expect(text).toBe("");
      expect(client.events("message").map(({ counts }) => counts)).toEqual([!readable]);
      expect(await summary()).toMatchObject({ unread: 0 });
      expect(await stored()).not.toContain("secret");
      await client.after(DAY);
      expect(expired()).toEqual([]);
      expect(await historyOf(client.store, "c", 9)).toMatchObject([{ deleted: true }]);
    },
  );
  test("of a text removes what changed it, also what comes later", async () => {
    const of = await take(1, { kind: "text", text: "a secret" });
    await take(2, { kind: "edit", of, text: "the last secret" }, change(2));
    await take(3, { kind: "deletion", of }, change(3));
    await take(4, { kind: "edit", of, text: "one more secret" }, change(4));
    await take(5, { kind: "reaction", of, emoji: "👍" }, change(5, { sender: "mira" }));
    expect(await historyOf(client.store, "c", 9)).toMatchObject([
      { text: "", deleted: true, edited: false, reactions: [] },
    ]);
    expect(await stored()).not.toMatch(/secret|👍/);
  });
  test("or an edit by somebody else has no effect, and is not reported", async () => {
    const of = await take(1, { kind: "text", text: "hello" });
    await take(2, { kind: "deletion", of }, change(2, { sender: "mira" }));
    await take(3, { kind: "edit", of, text: "forged" }, change(3, { sender: "mira" }));
    expect(client.events("message_changed")).toEqual([]);
    await take(4, { kind: "reaction", of, emoji: "👍" }, change(4, { sender: "mira" }));
    expect(client.events("message_changed")).toMatchObject([{ what: "reaction", by: "mira" }]);
    expect(await historyOf(client.store, "c", 9)).toMatchObject([
      { text: "hello", deleted: false, reactions: [{ user: "mira", emoji: "👍" }] },
    ]);
  });
});

test("a chat's name, picture and timer, and a profile, are reported", async () => {
  await take(1, { kind: "timer", seconds: 60 }, change(1));
  await take(2, { kind: "chat_name", name: "Trip" }, change(2, { sender: "mira" }));
  expect(client.events("chat_described")).toMatchObject([
    { chat: "c", what: "timer", by: "raju" },
    { chat: "c", what: "chat_name", by: "mira" },
  ]);
});

/** Texts of one's own on the engine: when they are sent, what becomes of them, and their ticks. */

import { beforeEach, describe, expect, test } from "vitest";
import { changeId, ulid } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import { Client, LONGEST, message, START, synced } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

const shown = () => client.events("message").map((each) => each.text);

describe("a text", () => {
  test("that is too long is rejected, and nothing has changed", async () => {
    await client.direct();
    await expect(client.write("x".repeat(LONGEST + 1))).rejects.toThrow();
    expect(await client.store.all(tables.messages)).toEqual([]);
  });
  test("is sealed and sent once the sync is through", async () => {
    await client.direct();
    const id = await client.write("hello");
    await client.online();
    expect(client.sent("send")).toEqual([]);
    await client.receive(synced(0));
    expect(client.sent("send")).toEqual([{ action: "send", message_id: id }]);
  });
  test("that may be there already waits for the sync on each further connection", async () => {
    await client.online(synced(0));
    await client.direct();
    await client.write("hello");
    for (const _ of [1, 2]) {
      await client.offline();
      client.sent("send");
      await client.online();
      expect(client.sent("send")).toEqual([]);
    }
    await client.receive(synced(0));
    expect(client.sent("send")).toHaveLength(1);
  });
  test("that was written without a connection is there after a crash", async () => {
    await client.direct();
    const ids = [await client.write("one"), await client.write("two")];
    await client.restart();
    await client.online(synced(0));
    for (const [at, id] of ids.entries()) {
      expect(client.sent("send").map((frame) => frame.message_id)).toEqual([id]);
      const seq = at + 1;
      await client.receive({ type: "accepted", message_id: id, chat: "c", seq, sent_at: START });
    }
  });
  test("that nobody has got is deleted here alone, and any other one by a message", async () => {
    await client.direct();
    const unsent = await client.write("for nobody");
    await client.online(synced(0));
    expect(client.sent("send")).toHaveLength(1);
    const delivered = { message_id: unsent, chat: "c", seq: 1, sent_at: START };
    await client.receive({ type: "accepted", ...delivered });
    await client.offline();
    const draft = await client.write("not sealed");
    for (const id of [draft, unsent]) {
      const content = { kind: "deletion", of: { by: "ravi/web", id } } as const;
      const name = changeId(client.time + 1);
      await client.step((each) => client.engine.send(each, name, "c", content));
    }
    client.sent("send");
    await client.online(synced(1));
    expect(client.sent("send").map((frame) => frame.message_id)).not.toContain(draft);
    expect((await client.store.all(tables.outbox)).map(({ purpose }) => purpose)).toEqual(["text"]);
  });
  test("is sent after those before it, though the clock was set back over a restart", async () => {
    await client.direct();
    const first = await client.write("one");
    await client.restart();
    client.time -= 3_600_000;
    const second = await client.write("two");
    await client.online(synced(0));
    expect(client.sent("send")).toMatchObject([{ message_id: first }]);
    await client.receive({
      type: "accepted",
      message_id: first,
      chat: "c",
      seq: 1,
      sent_at: START,
    });
    expect(client.sent("send")).toMatchObject([{ message_id: second }]);
  });
  test.each([
    [3, [3, 1]],
    [1, [1]],
  ])("that stands at 1 and 3 has the first place, accepted at %i", async (accepted, reported) => {
    await client.direct();
    await client.online(synced(0));
    const id = await client.write("hello");
    const own = { message_id: id, sender: "ravi", sender_device: "web" };
    const at = { chat: "c", seq: accepted, sent_at: START };
    await client.receive({ type: "accepted", message_id: id, ...at });
    await client.receive(message(1, own), message(2), message(3, own), synced(3));
    expect(client.events("state").map(({ seq }) => seq)).toEqual(reported);
    expect((await client.step(({ ledger }) => ledger.own(id)))?.seq).toBe(1);
  });
  test("takes no place by an acceptance that names another chat", async () => {
    await client.direct();
    await client.online(synced(0));
    const id = await client.write("hello");
    const accepted = { type: "accepted", message_id: id, seq: 1, sent_at: START };
    await client.receive({ ...accepted, chat: "another" });
    expect(client.events("state")).toEqual([]);
    await client.receive({ ...accepted, chat: "c" });
    expect(client.events("state")).toMatchObject([{ messageId: id, seq: 1, state: State.SENT }]);
  });
  test("that nobody has got is gone here too, and so is one that has failed", async () => {
    await client.direct();
    const draft = await client.write("a secret");
    await client.online(synced(0));
    const failed = await client.write("another secret");
    const rejected = (id: string) => ({ type: "error", code: "too_large", message_id: id });
    await client.receive({ ...rejected(draft), message: "" }, { ...rejected(failed), message: "" });
    await client.offline();
    const unsent = await client.write("one more secret");
    client.sent("send");
    const deleted = [draft, failed, unsent];
    for (const [at, id] of deleted.entries()) {
      const content = { kind: "deletion", of: { by: "ravi/web", id } } as const;
      await client.step((each) => client.engine.send(each, changeId(START + at), "c", content));
    }
    const changed = client.events("message_changed").filter(({ what }) => what === "deletion");
    expect(changed.map(({ messageId }) => messageId)).toEqual(deleted);
    await client.online(synced(0));
    await client.after(60_000);
    expect(client.sent("send")).toEqual([]);
    expect(JSON.stringify(await client.store.all(tables.messages))).not.toContain("secret");
  });
  test("of the same id as one of another device stays when that one is deleted", async () => {
    await client.direct();
    const draft = await client.write("stays");
    const content = { kind: "deletion", of: { by: "ravi/phone", id: draft } } as const;
    await client.step((each) => client.engine.send(each, changeId(START), "c", content));
    await client.online(synced(0));
    expect(client.sent("send")).toMatchObject([{ message_id: draft }]);
  });
  test("is sealed in its turn, and not while one before it is under way", async () => {
    await client.online(synced(0));
    await client.direct();
    const ids = [await client.write("one"), await client.write("two")];
    const sealed = async () =>
      (await client.store.all(tables.messages)).flatMap((row) => (row.sealed ? row.messageId : []));
    expect(await sealed()).toEqual(ids.slice(0, 1));
    const accepted = { message_id: ids[0], chat: "c", seq: 1, sent_at: START };
    await client.receive({ type: "accepted", ...accepted });
    expect((await sealed()).toSorted()).toEqual(ids.toSorted());
  });
  test("that may be there already is sent again where the sync takes long", async () => {
    await client.online(synced(0));
    await client.direct();
    await client.write("hello");
    await client.restart();
    await client.online();
    const due = client.engine.nextDue() ?? 0;
    expect(due).toBe(client.time - START + 8_000);
    await client.after(8_000);
    expect(client.sent("send")).toHaveLength(1);
  });
  test("that is reported as failed and turns up was sent after all", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    const own = { message_id: id, sender: "ravi", sender_device: "web" };
    await client.receive({ type: "error", code: "too_large", message: "no", message_id: id });
    const row = async () => (await client.store.all(tables.messages))[0];
    expect(await row()).toMatchObject({ state: State.FAILED, reason: "too_large: no" });
    await client.receive(message(1, own));
    expect(await row()).toMatchObject({ seq: 1, state: State.SENT });
    expect((await row())?.reason).toBeUndefined();
  });
  test("and its state are reported, those of a change are not, but that it had no effect", async () => {
    await client.online(synced(0));
    await client.direct();
    const of = { by: "ravi/web", id: await client.write("hello") };
    const place = { chat: "c", sent_at: START };
    await client.receive({ type: "accepted", message_id: of.id, seq: 1, ...place });
    client.outputs = [];
    const change = async (emoji: string) => {
      const id = changeId(client.time + client.outputs.length);
      const content = { kind: "reaction", of, emoji } as const;
      await client.step((each) => client.engine.send(each, id, "c", content));
      return id;
    };
    const accepted = await change("👍");
    await client.receive({ type: "accepted", message_id: accepted, seq: 2, ...place });
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 2 });
    expect(client.events("state").map(({ messageId }) => messageId)).toEqual([of.id]);
    const failed = await change("❤️");
    const error = { type: "error", code: "too_large", message: "no", message_id: failed };
    await client.receive(error);
    expect(client.events("message_changed").map(({ what }) => what)).toEqual([
      "reaction",
      "reaction",
      "failed",
    ]);
    expect(client.events("message_changed").at(-1)).toMatchObject({ messageId: of.id, by: "ravi" });
  });
  test("that was accepted does not fail by an error that comes late", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    const place = { message_id: id, chat: "c", seq: 1, sent_at: START };
    await client.receive({ type: "accepted", ...place });
    await client.step(({ ledger }) =>
      ledger.queue({ number: 9, messageId: id, chat: "c", purpose: "text", frame: "{}" }),
    );
    await client.restart();
    await client.online();
    await client.receive({ type: "error", code: "too_large", message: "no", message_id: id });
    expect(client.events("state")).toEqual([]);
  });
  test("for devices that are there no more has the lists of their users fetched", async () => {
    await client.online(synced(0));
    await client.direct();
    for (const [seq, stale] of [[], ["raju/old"]].entries()) {
      await client.lists("raju");
      const id = await client.write("hello");
      const where = { message_id: id, chat: "c", seq: seq + 1, sent_at: START };
      await client.receive({ type: "accepted", ...where, missing: [], stale });
      expect(client.engine.listed("raju") === undefined).toBe(stale.length > 0);
    }
  });
  test("that has failed is not sent later, though it was never sealed", async () => {
    await client.online(synced(0));
    await client.direct();
    const { members } = await client.step(({ ledger }) => ledger.chat("c"));
    const third = ["mira", { delivered: 0, read: 0 }] as const;
    await client.step(({ ledger }) => ledger.changeChat("c", { members: [...members, third] }));
    await client.write("hello");
    expect(client.events("state").map(({ state }) => state)).toEqual([State.FAILED]);
    await client.step(({ ledger }) => ledger.changeChat("c", { members }));
    const again = await client.write("again");
    expect(client.sent("send").map((frame) => frame.message_id)).toEqual([again]);
  });
  test("that is under way over a crash waits for the sync, and keeps its turn", async () => {
    await client.online(synced(0));
    await client.direct();
    const first = await client.write("first");
    await client.restart();
    await client.direct("d");
    const second = await client.write("second", "d");
    await client.online();
    expect(client.sent("send")).toEqual([]);
    await client.receive(synced(0));
    expect(client.sent("send").map((frame) => frame.message_id)).toEqual([first, second]);
    expect(await client.store.all(tables.outbox)).toHaveLength(2);
  });
  test("that is to disappear does so after it was accepted", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = ulid(START);
    const content = { kind: "text", text: "hello", expires: 60 } as const;
    await client.step((each) => client.engine.send(each, id, "c", content));
    await client.after(120_000);
    expect(client.events("message_changed")).toEqual([]);
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq: 1, sent_at: START });
    await client.after(60_000);
    expect(client.events("message_changed")).toMatchObject([{ messageId: id, what: "expired" }]);
  });
  test("of one's own that comes in a sync has its place, the lowest of several", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    const own = { message_id: id, sender: "ravi", sender_device: "web" };
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq: 3, sent_at: START });
    client.time += 1_000;
    await client.receive(message(1, own), message(2), message(3, own));
    const rows = await client.store.all(tables.messages);
    const row = rows.find(({ messageId }) => messageId === id);
    expect(row).toMatchObject({ seq: 1, acceptedAt: START });
    const states = client.events("state").map(({ seq, state }) => [seq, state]);
    expect(states).toEqual([
      [3, State.SENT],
      [1, State.SENT],
    ]);
    expect(shown()).toEqual(["m2"]);
  });
  test("of another device of one's own counts as this user's", async () => {
    client.renewed = true;
    await client.online(synced(0));
    await client.receive(message(1, { sender: "ravi", sender_device: "phone" }));
    expect(client.events("message")).toMatchObject([{ own: true, text: "m1" }]);
    expect(client.events("keys_low")).toEqual([]);
  });
  test("of another device of one's own has the tick of how far the others are", async () => {
    await client.online(synced(3, { members: { ravi: {}, raju: { delivered: 3, read: 2 } } }));
    const own = { sender: "ravi", sender_device: "phone" };
    await client.receive(message(4, own), synced(4, { after: 3 }));
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 6, read: 5 });
    await client.receive(message(5, own), message(6, own), message(7, own));
    const states = (await client.store.all(tables.messages)).map(({ seq, state }) => [seq, state]);
    expect(states.sort()).toEqual([
      [4, State.READ],
      [5, State.READ],
      [6, State.DELIVERED],
      [7, State.SENT],
    ]);
  });
  test("does not begin to disappear once more where it has its place already", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = ulid(START);
    const content = { kind: "text", text: "hello", expires: 60 } as const;
    await client.step((each) => client.engine.send(each, id, "c", content));
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq: 3, sent_at: START });
    await client.after(30_000);
    const own = { message_id: id, sender: "ravi", sender_device: "web" };
    await client.receive(message(2, own));
    await client.after(30_000);
    expect(client.events("message_changed")).toHaveLength(1);
    await client.receive(message(1, own));
    await client.after(120_000);
    expect(client.events("message_changed")).toHaveLength(1);
  });
});

describe("ticks", () => {
  const accepted = async (seq: number) => {
    const id = await client.write("hello");
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq, sent_at: START });
  };
  const states = () => client.events("state").map(({ seq, state }) => [seq, state]);

  test("follow the marks of the others", async () => {
    await client.online(synced(0));
    await client.direct();
    await accepted(1);
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 1, read: 1 });
    expect(states().map(([, state]) => state)).toEqual([State.SENT, State.DELIVERED, State.READ]);
  });
  test("stay where a block has hidden a text, whatever the marks are later", async () => {
    await client.online(synced(0));
    await client.direct();
    await accepted(1);
    await accepted(2);
    const marks = { delivered: 2, read: 2, undelivered: [[1, 1]] };
    await client.receive({ type: "receipt", chat: "c", user: "raju", ...marks });
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 2, read: 2 });
    expect(states()).toEqual([
      [1, State.SENT],
      [2, State.SENT],
      [2, State.DELIVERED],
      [2, State.READ],
    ]);
  });
});

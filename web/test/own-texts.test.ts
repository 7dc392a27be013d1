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
  test("that is too long is refused, and nothing has changed", async () => {
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
    await client.write("again");
    expect(client.sent("send")).toHaveLength(1);
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

/** The client rules on an engine, as tests/client/core/test_client_rules.py has them. */

import { beforeEach, describe, expect, test } from "vitest";
import { changeId, ulid } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import { Client, LONGEST, message, START, synced, text } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

const dropped = () => client.outputs.filter(({ type }) => type === "drop");
const shown = () => client.events("message").map((each) => each.text);
const marks = () => client.sent("receipt").map(({ delivered, read }) => [delivered, read]);

describe("a connection", () => {
  test("lives as long as something is heard", async () => {
    for (const heard of [{ type: "pong" }, message(1)]) {
      await client.online(synced(0));
      await client.after(300_000);
      expect(client.sent("ping")).toHaveLength(1);
      await client.receive(heard);
      await client.after(10_000);
      expect(dropped()).toEqual([]);
    }
    await client.after(600_000);
    await client.after(10_000);
    expect(dropped()).toHaveLength(1);
  });
  test("is looked at where a text has no response", async () => {
    await client.online(synced(0));
    await client.direct();
    await client.write("hello");
    await client.after(10_000);
    expect(client.sent("send")).toHaveLength(2);
    await client.write("again"); // it waits for the first
    await client.after(20_000);
    expect(dropped()).toHaveLength(1);
  });
  test("that is left says first what is to be said", async () => {
    await client.online(synced(0));
    client.time += 6_600_000;
    await client.receive(message(1));
    expect(dropped()).toMatchObject([{ planned: true }]);
    expect(marks()).toEqual([[1, undefined]]);
    await client.restart();
    await client.online(synced(1, { after: 1 }));
    await client.receive(message(2));
    await client.step((each) => client.engine.closing(each));
    expect(marks().at(-1)).toEqual([2, undefined]);
  });
  test("that was displaced is not opened again", async () => {
    await client.online();
    await client.receive({ type: "displaced" });
    expect(client.events("displaced")).toHaveLength(1);
    expect(client.outputs.at(-1)).toEqual({ type: "stop" });
  });
  test("watches again whom the last one has watched, over a transaction that failed", async () => {
    await client.online(synced(0));
    await client.step((each) => client.engine.watch(each, ["raju"]));
    await client.restart(client.engine.anew());
    await client.online();
    expect(client.sent("watch")).toEqual([{ action: "watch", users: ["raju"] }]);
  });
});

test("a watched user who is said to be offline and writes is asked about", async () => {
  await client.online(synced(0));
  await client.step((each) => client.engine.watch(each, ["raju"]));
  client.sent("watch");
  await client.receive({ type: "presence", user: "raju", online: true }, message(1));
  expect(client.sent("watch")).toEqual([]);
  await client.receive({ type: "presence", user: "raju", online: false }, message(2));
  expect(client.sent("watch")).toHaveLength(1);
});

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
  test("of one's own that comes in a sync has its place, the lowest of several", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    const own = { message_id: id, sender: "ravi", sender_device: "web" };
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq: 3, sent_at: START });
    await client.receive(message(1, own), message(2), message(3, own));
    const states = client.events("state").map(({ seq, state }) => [seq, state]);
    expect(states).toEqual([
      [3, State.SENT],
      [1, State.SENT],
    ]);
    expect(shown()).toEqual(["m2"]);
  });
  test("of another device of one's own counts as this user's", async () => {
    await client.online(synced(0));
    await client.receive(message(1, { sender: "ravi", sender_device: "phone" }));
    expect(client.events("message")).toMatchObject([{ own: true, text: "m1" }]);
  });
});

describe("a receipt", () => {
  test("says nothing of what can't be read yet, and says it once it can", async () => {
    const waits = message(1);
    client.answers.set(waits.message_id, { unreadable: "no_session" });
    await client.online(synced(0));
    await client.receive(waits, message(2));
    await client.after(1_000);
    expect(marks()).toEqual([]);
    client.answers.clear();
    await client.step((each) => client.engine.accept(each, "raju", new Map()));
    await client.after(1_000);
    expect(client.sent("receipt")).toMatchObject([{ delivered: 2, senders: ["raju"] }]);
    expect(client.events("message_readable")).toMatchObject([{ text: "m1", seq: 1 }]);
  });
  test("still says so after a restart in between", async () => {
    const waits = message(1);
    client.answers.set(waits.message_id, { unreadable: "no_session" });
    await client.online(synced(0), waits);
    await client.restart();
    client.answers.clear();
    await client.online(synced(1, { after: 1 }));
    await client.step((each) => client.engine.accept(each, "raju", new Map()));
    await client.after(1_000);
    expect(marks()).toEqual([[1, undefined]]);
  });
  test("that a pong has confirmed is not repeated by the next connection", async () => {
    await client.online(synced(0), message(1));
    await client.after(310_000);
    expect(client.sent("ping")).toHaveLength(1);
    await client.receive({ type: "pong" });
    await client.restart();
    await client.online(synced(1, { after: 1 }));
    await client.after(40_000);
    expect(marks()).toEqual([]);
  });
  test("is repeated where a sync of all chats brings what is here", async () => {
    await client.online(synced(0), message(1));
    await client.after(1_000);
    await client.step((each) => client.engine.sync(each));
    await client.receive(message(1), synced(1, { after: 1 }));
    await client.after(1_000);
    expect(marks()).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
  });
  test("ends at what is here, however far the user is said to have read", async () => {
    await client.online(synced(0), message(1), message(3));
    await client.step((each) => client.engine.markRead(each, "c", 3));
    await client.receive(message(2));
    await client.after(5_000);
    expect(marks().at(-1)).toEqual([3, 1]);
  });
  test("is not sent of a chat that was left, nor after a restart", async () => {
    await client.online(synced(0), message(1));
    await client.step((each) => client.engine.leave(each, "c"));
    await client.after(60_000);
    await client.restart();
    expect(client.engine.left("c")).toBe(true);
    await client.online({ type: "synced", chats: {}, more: false });
    await client.after(60_000);
    expect(marks()).toEqual([]);
  });
});

describe("a chat", () => {
  test("that was left has nothing to be fetched, and is there again with a sync", async () => {
    await client.online(synced(0), message(2));
    await client.after(1_000);
    expect(client.sent("sync").at(-1)).toEqual({ action: "sync", chats: { c: 0 } });
    await client.step((each) => client.engine.leave(each, "c"));
    await client.receive({ type: "synced", chats: {}, more: false });
    await client.after(60_000);
    expect(client.sent("sync")).toEqual([]);
    await client.receive(synced(2));
    expect(client.engine.left("c")).toBe(false);
    await client.restart();
    expect(client.engine.left("c")).toBe(false);
  });
  test("that was left is not lost with the backend's data", async () => {
    await client.online(synced(0));
    await client.step((each) => client.engine.leave(each, "c"));
    await client.step((each) => client.engine.beginAnew(each));
    expect(client.events("began_anew")).toEqual([]);
  });
  test("is asked for the members once on each connection where a stranger writes", async () => {
    for (const seq of [1, 3]) {
      await client.online(synced(seq - 1, { after: seq - 1 }));
      client.sent("sync");
      await client.receive(message(seq, { sender: "mira" }));
      await client.receive(synced(seq, { after: seq }), message(seq + 1, { sender: "mira" }));
      expect(client.sent("sync")).toHaveLength(1);
      await client.offline();
    }
  });
  test("keeps what has expired as a place", async () => {
    await client.online(synced(3, { missing: [[1, 2]] }));
    expect(client.events("expired")).toEqual([{ type: "expired", chat: "c", first: 1, last: 2 }]);
    expect(await client.store.all(tables.missing)).toMatchObject([
      { chat: "c", first: 1, last: 2 },
    ]);
  });
  test("waits a little longer for a gap that may be a text of one's own", async () => {
    await client.online(synced(0));
    await client.direct();
    client.sent("sync");
    const id = await client.write("hello");
    await client.receive(message(2));
    await client.after(150);
    expect(client.sent("sync")).toEqual([]);
    await client.receive({ type: "accepted", message_id: id, chat: "c", seq: 1, sent_at: START });
    await client.after(5_000);
    expect(client.sent("sync")).toEqual([]);
  });
  test("of two shows nothing of who is neither", async () => {
    await client.online(synced(0));
    await client.direct();
    await client.receive(message(1, { sender: "mira" }));
    expect(client.events("message")).toMatchObject([{ unreadable: "not_in_chat" }]);
  });
});

describe("what was not readable", () => {
  const late = message(1);
  const unreadable = async () => {
    client.answers.set(late.message_id, { unreadable: "no_session" });
    await client.online(synced(0), late);
  };

  test("is opened by a key of the same device in the same chat", async () => {
    await unreadable();
    client.answers.clear();
    const key = changeId(START);
    client.answers.set(key, { content: { kind: "room_key", session_id: "s", key: "k" } });
    await client.receive(message(1, { chat: "d", message_id: key }));
    await client.receive(message(2, { message_id: key, sender_device: "tablet" }));
    expect(client.events("message_readable")).toEqual([]);
    const hidden = crypto.randomUUID();
    client.answers.set(hidden, { content: { kind: "room_key", session_id: "s", key: "k" } });
    await client.receive(message(3, { message_id: hidden }));
    expect(client.events("message_readable")).toMatchObject([{ text: "m1", seq: 1 }]);
  });
  test("is filled by a copy of the same device, once", async () => {
    await unreadable();
    for (const [seq, said] of [
      [2, "copied"],
      [3, "copied otherwise"],
    ] as const) {
      const id = crypto.randomUUID();
      const copy = { kind: "copy", of: late.message_id, text: said, sent_at: START - 9 } as const;
      client.answers.set(id, { content: copy });
      await client.receive(message(seq, { message_id: id }));
    }
    expect(client.events("message_readable").map((each) => each.text)).toEqual(["copied"]);
  });
  test("and was never here stands where its copy stands, with its own time", async () => {
    await client.online(synced(0));
    const [of, id] = [ulid(START - 99), crypto.randomUUID()];
    const copy = { kind: "copy", of, text: "copied", sent_at: START - 9 } as const;
    client.answers.set(id, { content: copy });
    await client.receive(message(1, { message_id: id }));
    expect(client.events("message")).toMatchObject([
      { messageId: of, seq: 1, text: "copied", sentAt: START - 9 },
    ]);
  });
  test("and was written by nobody, or here, has no place by a copy", async () => {
    await client.online(synced(0));
    for (const [seq, of, fields] of [
      [1, crypto.randomUUID(), {}],
      [2, ulid(START - 99), { sender: "ravi", sender_device: "web" }],
    ] as const) {
      const id = crypto.randomUUID();
      const copy = { kind: "copy", of, text: "copied", sent_at: START - 9 } as const;
      client.answers.set(id, { content: copy });
      await client.receive(message(seq, { message_id: id, ...fields }));
    }
    expect(client.events("message")).toEqual([]);
  });
  test("and is hidden is kept only where its sender may be accepted", async () => {
    await client.online(synced(0));
    const ids = [crypto.randomUUID(), crypto.randomUUID()];
    for (const [at, unreadable] of (["identity_changed", "no_session"] as const).entries()) {
      client.answers.set(ids[at] ?? "", { unreadable });
      await client.receive(message(at + 1, { message_id: ids[at] }));
    }
    const rows = await client.store.all(tables.messages);
    const kept = rows.filter((row) => row.unreadable !== undefined).map((row) => row.messageId);
    expect(kept).toEqual(ids.slice(0, 1));
  });
  test.each([
    ["no_payload", 3_000],
    ["no_session", 3_000],
    ["damaged", 3_000],
    ["false_sender", 3_000],
    ["replayed", 3_000],
    ["unknown_algorithm", undefined],
    ["identity_changed", undefined],
    ["unknown_device", undefined],
  ] as const)("because of %s is asked for, or not", async (unreadable, wait) => {
    client.answers.set(late.message_id, { unreadable });
    await client.online(synced(0), late);
    const [row] = await client.store.all(tables.messages);
    expect(row?.askAt).toBe(wait && client.time + wait);
  });
  test.each([
    [300_000, true],
    [300_001, false],
  ])("and was sent %d ms before this device was made is asked for: %s", async (later, asked) => {
    const account = { registeredAt: START + later } as tables.AccountRow;
    await client.step(({ ledger }) => ledger.work.put(tables.account, account));
    await unreadable();
    const [row] = await client.store.all(tables.messages);
    expect(row?.askAt !== undefined).toBe(asked);
  });
  test("is not counted as a text where nobody wrote it for people to read", async () => {
    await client.online(synced(0));
    client.answers.set(late.message_id, {
      content: { kind: "content", content: { kind: "timer", seconds: 60 } },
    });
    await client.receive(late);
    expect(client.events("message")).toMatchObject([{ kind: "timer", counts: false }]);
  });
  test("is counted as a text of a person, and a change is not", async () => {
    const change = changeId(START + 2);
    const of = { by: "raju/phone", id: late.message_id };
    const content = { kind: "content", content: { v: 1, kind: "edit", of, text: "new" } };
    client.answers.set(change, { content } as never);
    client.answers.set(late.message_id, { content: text("old") });
    await client.online(synced(0), late, message(2, { message_id: change }));
    expect(client.events("message").map(({ counts }) => counts)).toEqual([true]);
  });
});

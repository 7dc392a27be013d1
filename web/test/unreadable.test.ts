/** What could not be opened: what is asked for, what opens it later, and what a copy fills. */

import { beforeEach, describe, expect, test } from "vitest";
import { changeId, ulid } from "../src/client/core/ids.ts";
import type { Step } from "../src/client/core/step.ts";
import * as tables from "../src/client/store/tables.ts";
import { Client, message, START, synced, text } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

describe("what was not readable", () => {
  const late = message(1);
  const unreadable = async () => {
    client.answers.set(late.message_id, { unreadable: "no_session" });
    await client.online(synced(0), late);
  };

  test("is asked for after a restart as well, when it is time", async () => {
    await unreadable();
    await client.restart();
    await client.direct();
    await client.online(synced(1, { after: 1 }));
    await client.after(2_000);
    const lists = () => client.outputs.filter(({ type }) => type === "fetch");
    client.outputs = [];
    await client.after(2_000);
    expect(lists()).toMatchObject([{ request: { type: "lists", user: "raju" } }]);
  });
  test("is tried again once its sender is accepted, compared or listed", async () => {
    const acts = [
      (each: Step) => client.engine.accept(each, "raju", new Map()),
      (each: Step) => client.engine.compared(each, "raju", { listed: new Map(), memory: [] }),
      (each: Step) => {
        const request = client.engine.lookAt(each, "raju");
        const found = { devices: new Map(), former: [] };
        return client.engine.fetchSucceeded(each, { type: "lists", request, found });
      },
    ];
    await client.online(synced(0));
    for (const [at, act] of acts.entries()) {
      const waits = message(at + 1);
      client.answers.set(waits.message_id, { unreadable: "identity_changed" });
      await client.receive(waits);
      client.answers.clear();
      await client.step<unknown>(act);
      expect(client.events("message_readable")).toHaveLength(at + 1);
    }
  });
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

test("a request of another device has which texts it lacks, and what repeats", async () => {
  await client.online(synced(0));
  const [of, id] = [[ulid(START)], crypto.randomUUID()];
  client.answers.set(id, { content: { kind: "request", of, repeats: "session" } });
  await client.receive(message(1, { message_id: id }));
  expect(client.requested).toEqual([[of, "session"]]);
});

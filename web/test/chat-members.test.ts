/** Who is in a chat, as far as the engine knows it: who joins, who leaves, who is asked about. */

import { beforeEach, describe, expect, test } from "vitest";
import * as tables from "../src/client/store/tables.ts";
import { Client, message, START, synced } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

const group = { kind: "group" } as const;

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

describe("a chat that was left", () => {
  beforeEach(async () => {
    await client.online(synced(0));
    await client.step((each) => client.engine.leave(each, "c"));
    client.sent("sync");
  });
  test("is asked about where somebody writes there anyway", async () => {
    await client.receive(message(1));
    expect(client.sent("sync")).toEqual([{ action: "sync", chats: { c: 1 } }]);
  });
  test("is one again where the backend lists it", async () => {
    await client.step((each) => client.engine.chatIs(each, "c", ["ravi", "raju"], group));
    expect(client.engine.left("c")).toBe(false);
    await client.restart();
    expect(client.engine.left("c")).toBe(false);
  });
  test("shows nobody that this user types", async () => {
    await client.step((each) => client.engine.typing(each, "c"));
    expect(client.sent("typing")).toEqual([]);
  });
});

describe("the members of a group", () => {
  const members = (...users: string[]) => Object.fromEntries(users.map((user) => [user, {}]));
  const marks = async () => new Map((await client.step(({ ledger }) => ledger.chat("c"))).members);

  test("are asked for where they may have changed, and then it is written to", async () => {
    await client.online(synced(0, { members: members("ravi", "raju", "mira") }));
    await client.step((each) => client.engine.chatIs(each, "c", ["ravi", "raju", "mira"], group));
    await client.receive({ type: "devices_changed", user: "mira", chat: "c" });
    await client.write("hello");
    expect(client.sent("send")).toEqual([]);
    await client.receive(synced(0, { members: members("ravi", "raju") }));
    expect(client.sent("send")).toHaveLength(1);
    expect(client.events("members")).toMatchObject([{ joined: [], left: ["mira"] }]);
  });
  test("keep their marks, whatever an older response has", async () => {
    await client.online(synced(0, { members: members("ravi", "raju", "mira") }));
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 3, read: 2 });
    await client.receive(synced(0, { members: members("ravi", "raju", "mira") }));
    expect((await marks()).get("raju")).toEqual({ delivered: 3, read: 2 });
    await client.receive({ type: "receipt", chat: "c", user: "raju", delivered: 1, read: 4 });
    expect((await marks()).get("raju")).toEqual({ delivered: 4, read: 4 });
  });
  test("who come later have nothing that was there at the latest of their comings", async () => {
    await client.online(synced(5));
    await client.step((each) => client.engine.adding(each, "c", ["mira"]));
    await client.step(({ ledger }) => ledger.changeChat("c", { joinedAfter: [["mira", 9]] }));
    await client.step((each) => client.engine.adding(each, "c", ["mira", "anna"]));
    const { joinedAfter } = await client.step(({ ledger }) => ledger.chat("c"));
    expect(joinedAfter).toEqual([
      ["mira", 9],
      ["anna", 5],
    ]);
  });
  test("were last listed when most of the chat was there", async () => {
    await client.online(synced(5), synced(3));
    expect((await client.step(({ ledger }) => ledger.chat("c"))).membersAsOf).toBe(5);
  });
});

test("a chat of two stays one, whatever is listed later", async () => {
  await client.direct();
  await client.step((each) =>
    client.engine.chatIs(each, "c", ["ravi", "raju", "mira"], { kind: "group" }),
  );
  const { kind, members } = await client.step(({ ledger }) => ledger.chat("c"));
  expect([kind, members.map(([user]) => user)]).toEqual(["direct", ["ravi", "raju"]]);
});

test("a device list that has changed is fetched at once, each time", async () => {
  await client.online(synced(0));
  const lists = () =>
    client.outputs.flatMap((each) => (each.type === "fetch" ? [each.request] : []));
  for (const times of [1, 2]) {
    await client.receive({ type: "devices_changed", user: "raju", chat: "c" });
    expect(lists()).toHaveLength(times);
    expect(client.sent("sync").at(-1)).toEqual({ action: "sync", chats: { c: 0 } });
    await client.receive(synced(0));
    const found = { devices: new Map(), former: [] };
    const [request] = lists().slice(-1);
    if (request?.type !== "lists") throw new Error("no list was asked for");
    await client.step((each) =>
      client.engine.fetchSucceeded(each, { type: "lists", request, found }),
    );
  }
});

/** The client rules on an engine, as test_catching_up.py and others of tests/client/core have them. */

import { beforeEach, describe, expect, test } from "vitest";
import { changeId } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import { Client, message, START, synced } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
});

const dropped = () => client.outputs.filter(({ type }) => type === "drop");
const marks = () => client.sent("receipt").map(({ delivered, read }) => [delivered, read]);

describe("a connection", () => {
  test("lives as long as frames come", async () => {
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
  test("that is left sends first what waits", async () => {
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
  test("ends where a sync has no response in its time", async () => {
    await client.online();
    await client.after(19_999);
    expect(dropped()).toEqual([]);
    await client.after(1);
    expect(dropped()).toMatchObject([{ planned: false }]);
    await client.offline();
    await client.online(synced(0));
    await client.after(20_000);
    expect(dropped()).toHaveLength(1);
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

test("a watched user who is listed as offline and writes is asked about", async () => {
  await client.online(synced(0));
  await client.step((each) => client.engine.watch(each, ["raju"]));
  client.sent("watch");
  await client.receive({ type: "presence", user: "raju", online: true }, message(1));
  expect(client.sent("watch")).toEqual([]);
  await client.receive({ type: "presence", user: "raju", online: false }, message(2));
  expect(client.sent("watch")).toHaveLength(1);
});

test("what another device of the user has read is read here, and never unread again", async () => {
  await client.online(synced(0), message(1), message(2), message(3));
  for (const read of [2, 1]) {
    await client.receive({ type: "receipt", chat: "c", user: "ravi", delivered: 3, read });
    expect((await client.step(({ ledger }) => ledger.chat("c"))).read).toBe(2);
  }
  expect(client.events("watermarks")).toMatchObject([{ user: "ravi", read: 2 }]);
});

describe("a receipt", () => {
  test("reports nothing that can't be read yet, and reports it once it can", async () => {
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
  test("reports it also after a restart in between", async () => {
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
  test("ends at what is here, however far the user is reported to have read", async () => {
    await client.online(synced(0), message(1), message(3));
    await client.step((each) => client.engine.markRead(each, "c", 3));
    await client.receive(message(2));
    await client.after(5_000);
    expect(marks().at(-1)).toEqual([3, 1]);
  });
  test("is not repeated for what comes a second time by itself", async () => {
    await client.online(synced(0), message(1));
    await client.after(1_000);
    await client.receive(message(1));
    await client.after(60_000);
    expect(marks()).toEqual([[1, undefined]]);
  });
  test("names who wrote what was read since the last one, and never the user", async () => {
    const senders = () => client.sent("receipt").map((frame) => frame.senders);
    const members = { ravi: {}, raju: {}, mira: {} };
    const own = { sender: "ravi", sender_device: "phone" };
    await client.online(synced(0, { members }), message(1), message(2, { sender: "mira" }));
    await client.step((each) => client.engine.markRead(each, "c", 1));
    await client.after(5_000);
    expect(senders()).toEqual([["mira", "raju"]]);
    await client.step((each) => client.engine.markRead(each, "c", 2));
    await client.after(5_000);
    expect(senders()).toEqual([["mira"]]);
    await client.receive(message(3, own));
    await client.after(29_000);
    expect(senders()).toEqual([]); // of what one has written nobody waits to hear
    await client.after(1_000);
    expect(senders()).toEqual([[]]);
  });
  test("is not sent of a chat that was left, nor after a restart", async () => {
    await client.online(synced(0), message(1));
    await client.step((each) => client.engine.leave(each, "c"));
    await client.after(60_000);
    expect(marks()).toEqual([]);
    await client.restart();
    expect(client.engine.left("c")).toBe(true);
    await client.online({ type: "synced", chats: {}, more: false });
    await client.after(60_000);
    expect(marks()).toEqual([]);
  });
});

describe("catching up", () => {
  test("is over once there is nothing to ask for now, and complete if there never will be", async () => {
    await client.online({ ...synced(2, { complete_to: 0 }), more: true });
    expect(client.events("caught_up")).toEqual([]);
    await client.receive({ ...synced(2, { complete_to: 1 }), retry_after: 9 });
    expect(client.events("caught_up")).toEqual([{ type: "caught_up", complete: false }]);
    await client.after(10_000);
    await client.receive(synced(2));
    expect(client.events("caught_up").at(-1)).toEqual({ type: "caught_up", complete: true });
  });
  test("is not over with one chat while all are still to be asked for", async () => {
    const failed = { type: "error", code: "internal", message: "", action: "sync" };
    await client.online(failed, { type: "nudge", chat: "c", seq: 1 }, message(1), synced(1));
    expect(client.events("message")).toHaveLength(1);
    expect(client.events("caught_up")).toEqual([]);
  });
  test("on what another copy of the store has had gives up its sessions, once a connection", async () => {
    client.renewed = true;
    for (const connection of [1, 2]) {
      await client.online(synced(4, { after: 3 }), synced(4, { after: 3 }));
      expect(client.events("keys_low")).toHaveLength(connection);
      await client.offline();
    }
    const lost = { sender: "ravi", sender_device: "web" };
    await client.online(synced(4), message(5, lost));
    expect(client.events("keys_low")).toHaveLength(3);
  });
});

test("one's own profile is kept, by whichever device, and nobody else's", async () => {
  await client.online(synced(0));
  for (const [seq, sender] of [
    [1, "raju"],
    [2, "ravi"],
  ] as const) {
    const id = changeId(START + seq);
    const profile = { kind: "profile", name: sender, picture: null, at: seq } as const;
    client.answers.set(id, { content: { kind: "content", content: profile } });
    await client.receive(message(seq, { sender, message_id: id }));
    const row = await client.step(({ ledger }) => ledger.work.get(tables.session, tables.ONLY));
    expect(row?.profile?.name).toBe(sender === "ravi" ? "ravi" : undefined);
  }
  expect(client.events("profile_changed").map(({ user }) => user)).toEqual(["raju", "ravi"]);
});

test("devices that change are reported, and a request that may be answered is asked about", async () => {
  await client.online(synced(0, { request: true }));
  client.sent("sync");
  await client.receive(
    { type: "devices_changed", user: "raju" },
    { type: "chat_changed", chat: "c" },
  );
  expect(client.events("devices_changed")).toMatchObject([{ user: "raju" }]);
  expect(client.sent("sync")).toEqual([{ action: "sync", chats: { c: 0 } }]);
});

describe("an error", () => {
  const error = (code: string, fields: object) => ({ type: "error", code, message: "", ...fields });

  test("that passes has a text sent again after its `retry_after`", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    client.sent("send");
    await client.receive(error("rate_limited", { message_id: id, retry_after: 60 }));
    await client.after(59_000);
    await client.receive(error("rate_limited", { action: "typing", retry_after: 1 })); // not again
    expect(client.sent("send")).toEqual([]);
    const limit = { code: "rate_limited", action: "send" };
    expect(client.events("server_error")).toMatchObject([limit]);
    await client.after(13_000);
    expect(client.sent("send")).toHaveLength(1);
  });
  test("for good fails a text, which the encryption learns", async () => {
    await client.online(synced(0));
    await client.direct();
    const id = await client.write("hello");
    await client.receive(error("too_large", { message_id: id }));
    expect(client.events("state")).toMatchObject([{ messageId: id, state: State.FAILED }]);
    expect(client.failed).toEqual([id]);
    await client.receive(error("too_large", { message_id: id })); // it has failed already
    expect(client.events("server_error")).toEqual([]);
  });
  test("that a chat is not there has its members asked for, and no receipt sent", async () => {
    await client.online(synced(0), message(1));
    client.sent("sync");
    await client.receive(error("not_found", { chat: "c", action: "receipt" }));
    expect(client.sent("sync")).toEqual([{ action: "sync", chats: { c: 1 } }]);
    await client.after(5_000);
    expect(marks()).toEqual([]);
  });
  test("that comes again reports once that a chat was left", async () => {
    await client.online(synced(0));
    for (const _ of [1, 2]) {
      await client.receive(error("not_found", { chat: "c", action: "typing" }));
      expect(client.sent("sync").at(-1)).toEqual({ action: "sync", chats: { c: 0 } });
      await client.receive(error("not_found", { action: "sync" }));
    }
    expect(client.events("chat_left")).toHaveLength(1);
  });
});

/** What an acceptance and a device list lead to: copies, lists that are fetched, reports. */

import { beforeEach, describe, expect, test } from "vitest";
import * as tables from "../src/client/store/tables.ts";
import { Client, message, START, synced } from "./engine-scene.ts";

let client: Client;

beforeEach(async () => {
  client = await Client.made();
  await client.online(synced(0));
  await client.direct();
});

const accepted = (message_id: string, fields: object) =>
  client.receive({ type: "accepted", message_id, chat: "c", seq: 1, sent_at: START, ...fields });
const known = () => ["ravi", "raju"].filter((user) => client.engine.listed(user) !== undefined);

describe("an acceptance", () => {
  let id: string;

  beforeEach(async () => {
    for (const user of ["ravi", "raju"]) await client.lists(user);
    id = await client.write("hello");
    await client.step(async ({ ledger }) => {
      const row = await ledger.own(id);
      if (row !== undefined) ledger.change(row, { sentTo: ["raju/phone"] });
    });
  });

  test("names devices that get a copy, but for those that were sent the text", async () => {
    await accepted(id, { missing: ["raju/phone", "raju/tablet"] });
    expect(client.copies).toEqual([["c", id, ["raju/tablet"]]]);
    expect(known()).toEqual(["ravi"]);
  });
  test("that names nobody leaves all as it is", async () => {
    await accepted(id, {});
    expect([client.copies, known()]).toEqual([[["c", id, []]], ["ravi", "raju"]]);
  });
  test("with more of them has everybody's lists fetched", async () => {
    await accepted(id, { more: true });
    expect(known()).toEqual([]);
  });
  test("of a group's key names whom it did not reach, and who may be new", async () => {
    const key = crypto.randomUUID();
    const row = { number: 9, chat: "c", messageId: key, purpose: "room_key", frame: "{}" } as const;
    const own = { chat: "c", messageId: key, sender: "ravi", senderDevice: "web", alg: "olm.v1" };
    await accepted(id, {});
    await client.step(({ ledger }) => {
      ledger.queue(row);
      ledger.add({ ...own, hidden: true, state: 1 });
    });
    await client.restart();
    await client.online(synced(1));
    for (const user of ["ravi", "raju"]) await client.lists(user);
    client.sent("sync");
    await accepted(key, { seq: 2, missing: ["raju/tablet", "mira/phone"] });
    expect(client.copies).toHaveLength(1); // of the text alone
    expect(known()).toEqual(["ravi"]);
    expect(client.sent("sync")).toMatchObject([{ chats: { c: 2 } }]);
    expect(await client.store.all(tables.outbox)).toEqual([]);
  });
});

describe("a device list", () => {
  test("reports who is new and who has changed", async () => {
    client.found = { learned: [], added: ["tablet"], changed: ["phone"] };
    expect(await client.lists("raju")).toBe(true);
    expect(client.events("device_added")).toMatchObject([{ user: "raju", device: "tablet" }]);
    expect(client.events("identity_changed")).toMatchObject([{ user: "raju", device: "phone" }]);
  });
  test("that was asked for before a change is not taken", async () => {
    const found = { devices: new Map(), former: [] };
    const request = await client.step((each) => client.engine.lookAt(each, "raju"));
    await client.receive({ type: "devices_changed", user: "raju" });
    const taken = await client.step((each) =>
      client.engine.fetchSucceeded(each, { type: "lists", request, found }),
    );
    expect([taken, known()]).toEqual([false, []]);
  });
});

test("who never has keys is asked for a text three times, and no more", async () => {
  const waits = message(1);
  client.answers.set(waits.message_id, { unreadable: "no_session" });
  await client.receive(waits);
  const asked: number[] = [];
  for (const ms of [3_000, 60_000, 3_600_000, 3_600_000]) {
    await client.lists("raju");
    await client.after(ms);
    const [row] = await client.store.all(tables.messages);
    asked.push(row?.asked ?? 0);
  }
  expect(asked).toEqual([1, 2, 3, 3]);
});

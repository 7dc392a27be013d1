/** Requests, invitations, roles, settings and block. */

import { expect, test } from "vitest";
import { State } from "../src/client/core/ticks.ts";
import { ApiError } from "../src/client/errors.ts";
import { backend, connect, eventsOf, got, until, useBackend, user } from "./scene.ts";

useBackend();

test("a request is accepted, and then both are contacts", async () => {
  await backend.strangers();
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await ravi.client.chats.direct(user("raju"));
  expect((await raju.client.people.requests()).map((each) => each.chat)).toEqual([chat]);
  await raju.client.people.accept(chat);
  expect(await raju.client.people.requests()).toEqual([]);
  expect([...(await raju.client.people.contacts())]).toEqual([[user("ravi"), "contact"]]);
});

test("an invitation is accepted, and a group is left for good", async () => {
  await backend.strangers();
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await ravi.client.chats.group([user("raju")]);
  const [invitation] = await raju.client.people.invitations();
  expect(invitation).toMatchObject({ chat, by: user("ravi") });
  await raju.client.people.accept(chat);
  expect((await raju.client.chats.all()).map((each) => each.chat)).toEqual([chat]);
  await raju.client.people.leave(chat);
  expect(await ravi.client.chats.changeMembers(chat, { add: [user("raju")] })).toEqual([
    user("ravi"),
  ]);
});

test("settings, roles and block are kept by the backend", async () => {
  await backend.strangers();
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  expect(await ravi.client.people.settings({ receipts: false })).toMatchObject({ receipts: false });
  const chat = await ravi.client.chats.group([user("raju")]);
  await raju.client.people.accept(chat);
  const refused = raju.client.chats.changeMembers(chat, { remove: [user("ravi")] });
  await expect(refused).rejects.toBeInstanceOf(ApiError);
  const { admins } = await ravi.client.people.changeAdmins(chat, { appoint: [user("raju")] });
  expect(admins).toEqual([user("raju"), user("ravi")].sort());
  await ravi.client.people.mute(chat, 4_000_000_000);
  await ravi.client.people.block(user("raju"));
  expect([...(await ravi.client.people.contacts())]).toEqual([[user("raju"), "blocked"]]);
  await ravi.client.people.forget(user("raju"));
  expect((await ravi.client.people.contacts()).size).toBe(0);
});

test("what a block has hidden is never delivered", async () => {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await ravi.client.chats.direct(user("raju"));
  const states = (id: string) =>
    eventsOf(ravi, "state").flatMap((one) => (one.messageId === id ? [one.state] : []));
  const first = await ravi.client.send(chat, "first");
  await got(raju, "first");
  await raju.client.people.block(user("ravi"));
  const hidden = await ravi.client.send(chat, "hidden");
  await until(() => states(hidden).includes(State.SENT));
  await raju.client.people.forget(user("ravi"));
  const later = await ravi.client.send(chat, "later");
  await got(raju, "later");
  for (const id of [first, later]) await until(() => states(id).includes(State.DELIVERED));
  await ravi.client.sync();
  expect(states(hidden)).toEqual([State.SENT]);
});

/** A backend that has lost its data: a client says so once, and starts anew. */

import { expect, test } from "vitest";
import { NotAMember } from "../src/client/errors.ts";
import { backend, connect, crash, eventsOf, got, until, useBackend } from "./scene.ts";

useBackend();

test("connected clients sign up again and go on in a new chat", async () => {
  const raju = await connect("raju/phone");
  const ravi = await connect("ravi/phone");
  const before = await ravi.client.chats.direct(raju.client.user);
  await ravi.client.send(before, "before");
  await got(raju, "before");
  await backend.loseData();
  for (const each of [ravi, raju]) {
    await until(() => eventsOf(each, "began_anew").length === 1);
    await until(() => eventsOf(each, "connected").length === 2);
  }
  const after = await ravi.client.chats.direct(raju.client.user);
  expect(after).not.toBe(before);
  await ravi.client.send(after, "after");
  await got(raju, "after");
  await expect(ravi.client.send(before, "nobody there")).rejects.toThrow(NotAMember);
  expect((await ravi.client.messages.history(before)).map(({ text }) => text)).toEqual(["before"]);
  expect(eventsOf(ravi, "began_anew")).toHaveLength(1);
});

test("a client that starts finds it too", async () => {
  const raju = await connect("raju/phone");
  const first = await connect("ravi/phone");
  const before = await first.client.chats.direct(raju.client.user);
  await first.client.send(before, "before");
  await got(raju, "before");
  await crash(first);
  await backend.loseData();
  await until(() => eventsOf(raju, "began_anew").length === 1);
  const ravi = await connect("ravi/phone");
  expect((await ravi.client.chats.all()).map(({ left }) => left)).toEqual([true]);
  const after = await ravi.client.chats.direct(raju.client.user);
  await ravi.client.send(after, "after");
  await got(raju, "after");
});

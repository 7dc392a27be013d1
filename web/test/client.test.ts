/** The whole client, with real ratchets and a real store, against a backend in memory. */

import { describe, expect, test } from "vitest";
import { isText } from "../src/client/core/ids.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import * as tables from "../src/client/store/tables.ts";
import type { TestClient } from "./backend.ts";
import {
  backend,
  changeStore,
  connect,
  crash,
  deviceChanges,
  eventsOf,
  frames,
  got,
  shows,
  texts,
  until,
  useBackend,
  user,
} from "./scene.ts";

useBackend();

test("what the backend gets has no text in it, and is as the protocol requires", async () => {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await ravi.client.chats.direct(user("raju"));
  const group = await ravi.client.chats.group([user("raju")]);
  await ravi.client.send(chat, "a direct secret");
  await ravi.client.send(group, "a group secret");
  await got(raju, "a direct secret");
  await got(raju, "a group secret");
  expect(backend.sent.join()).not.toContain("secret");
  const kinds = frames().map(({ alg, message_id, hidden, to }) => [
    alg,
    isText(message_id),
    hidden,
    to !== undefined,
  ]);
  expect(kinds).toContainEqual(["olm.v1", true, undefined, true]);
  expect(kinds).toContainEqual(["olm.v1", false, true, true]); // the room key
  expect(kinds).toContainEqual(["megolm.v1", true, undefined, false]);
});

test("another device that signs the user up at the same moment does no harm", async () => {
  let asked = 0;
  const refused = (code: string, status: number): [number, unknown] => [
    status,
    { error: { code, message: "no" } },
  ];
  backend.lies.set("POST sign-in", (truth) => {
    asked += 1;
    return asked === 1 ? refused("unauthorized", 401) : truth;
  });
  backend.lies.set("POST sign-up", () => refused("conflict", 409));
  await connect("ravi/phone");
  expect(asked).toBe(2);
});

test("keys are looked after once when this device registers, and at each connection", async () => {
  let uploads = 0;
  backend.lies.set("POST devices", (truth) => {
    uploads += 1;
    return truth;
  });
  const ravi = await connect("ravi/phone");
  await until(() => uploads === 3); // it asks twice, and uploads in between
  const caughtUp = eventsOf(ravi, "caught_up").length;
  ravi.client.cut();
  await until(() => eventsOf(ravi, "caught_up").length > caughtUp && uploads > 3);
  await ravi.client.account.storedItems(); // and one more would have been asked for by now
  expect(uploads).toBe(4);
});

test("signing in makes no account, and signing up takes nobody's name", async () => {
  const { client } = await backend.client("newcomer/phone", { settings: {} });
  const calls: string[] = [];
  const refused = (what: string, status: number) => (): [number, unknown] => {
    calls.push(what);
    return [status, { error: { code: "no", message: "no" } }];
  };
  backend.lies.set("POST sign-in", refused("in", 401));
  backend.lies.set("POST sign-up", refused("up", 409));
  await expect(client.signIn()).rejects.toMatchObject({ status: 401 });
  await expect(client.signUp()).rejects.toMatchObject({ status: 409 });
  expect(calls).toEqual(["in", "up"]);
  await client.abort();
});

describe("sending", () => {
  test("a lost frame is sent again, byte by byte the same", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.loseSend = 1;
    await ravi.client.send(chat, "once");
    await ravi.client.send(chat, "then");
    await got(raju, "then");
    const [first, second, third] = backend.sent;
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(shows(raju, "once")).toHaveLength(1);
    expect(await texts(raju, chat)).toEqual(["once", "then"]);
    expect(await texts(ravi, chat)).toEqual(["once", "then"]);
  });

  test("a lost acceptance is found in the sync, and nothing is sent twice", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.loseAccepted = 1;
    await ravi.client.send(chat, "once");
    await ravi.client.send(chat, "then");
    await got(raju, "then");
    expect(backend.sent).toHaveLength(2);
    expect(await texts(raju, chat)).toEqual(["once", "then"]);
    expect(await texts(ravi, chat)).toEqual(["once", "then"]);
  });

  test("a text that was sealed and did not arrive is the same after a crash", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "before");
    await got(raju, "before");
    const before = backend.sent.length;
    backend.loseSend = 1;
    await ravi.client.send(chat, "in between");
    await until(() => backend.sent.length > before);
    await crash(ravi);
    const again = await connect("ravi/phone");
    await again.client.send(chat, "after");
    await got(raju, "after");
    const [lost, repeated] = backend.sent.slice(before);
    expect(repeated).toBe(lost);
    expect(await texts(again, chat)).toEqual(["before", "in between", "after"]);
    expect(await texts(raju, chat)).toEqual(["before", "in between", "after"]);
  });

  test("a text written while offline waits as text, through a restart, and keeps its order", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.online = false;
    for (const socket of [...backend.sockets.values()]) socket.close();
    for (const n of [1, 2, 3]) await ravi.client.send(chat, `offline ${n}`);
    expect(backend.sent).toEqual([]);
    await crash(ravi);
    backend.online = true;
    const again = await connect("ravi/phone");
    await got(raju, "offline 3");
    expect(await texts(raju, chat)).toEqual(["offline 1", "offline 2", "offline 3"]);
    expect(await texts(again, chat)).toEqual(["offline 1", "offline 2", "offline 3"]);
  });

  test("nobody to read it: it waits until there is a device with keys", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.refusing.add(raju.name);
    await ravi.client.send(chat, "patience");
    await until(() => backend.refused >= 3);
    expect(backend.sent).toEqual([]);
    backend.refusing.clear();
    await got(raju, "patience");
  });

  test("what is no text, or too much of it, is rejected at once", async () => {
    const [ravi] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.group([user("raju")]);
    await expect(ravi.client.send(chat, "")).rejects.toThrow(RangeError);
    await expect(ravi.client.send(chat, "\ud83d")).rejects.toThrow(RangeError);
    await expect(ravi.client.send(chat, "x".repeat(25_000))).rejects.toThrow(/send it in parts/);
  });
});

describe("devices", () => {
  test("one that nobody knew of gets a copy, and then everything", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "before");
    await got(raju, "before");
    backend.quiet = true;
    const laptop = await connect("raju/laptop");
    await ravi.client.send(chat, "to both");
    await got(laptop, "to both");
    await ravi.client.send(chat, "and on");
    await got(laptop, "and on");
    expect((await texts(laptop, chat)).slice(-2)).toEqual(["to both", "and on"]);
  });

  test("in a group the key goes to it before the text does", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const group = await ravi.client.chats.group([user("raju")]);
    backend.quiet = true;
    const laptop = await connect("raju/laptop");
    await ravi.client.send(group, "to all");
    await got(raju, "to all");
    await got(laptop, "to all");
    expect(laptop.events.filter((event) => event.type === "message_readable")).toEqual([]);
  });

  test("one without keys is left out, and gets the text with the next one", async () => {
    const raju = await connect("raju/phone");
    const laptop = await connect("raju/laptop");
    const ravi = await connect("ravi/phone");
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.refusing.add(laptop.name);
    await ravi.client.send(chat, "first");
    await got(raju, "first");
    expect(shows(laptop, "first")).toHaveLength(0);
    backend.refusing.clear();
    await ravi.client.send(chat, "second");
    await got(laptop, "second");
    await got(laptop, "first");
    expect(await texts(laptop, chat)).toEqual(["first", "second"]);
  });

  test("one that was removed is not sealed for, and a group gets a new session", async () => {
    const raju = await connect("raju/phone");
    const laptop = await connect("raju/laptop");
    const ravi = await connect("ravi/phone");
    const group = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(group, "to both");
    await got(laptop, "to both");
    const before = deviceChanges(ravi);
    await raju.client.devices.remove("laptop");
    await until(() => deviceChanges(ravi) > before);
    await ravi.client.send(group, "to one");
    await got(raju, "to one");
    const texts = frames().filter(({ alg }) => alg === "megolm.v1");
    const [first, second] = texts.map(({ payload }) => payload?.split(".")[0]);
    expect(first).not.toBe(second);
    expect(Object.keys(frames().findLast(({ to }) => to !== undefined)?.to ?? {})).toEqual([
      raju.name,
    ]);
  });

  test("one that was removed stops, and does not come back by itself", async () => {
    const [raju, laptop] = [await connect("raju/phone"), await connect("raju/laptop")];
    await raju.client.devices.remove("laptop");
    await until(() => eventsOf(laptop, "signed_out").length > 0);
    expect(eventsOf(laptop, "signed_out")[0]?.reason).toMatch(/removed/);
    expect(await raju.client.devices.of()).toHaveLength(1);
  });

  test("one that the backend has forgotten is made known again", async () => {
    const ravi = await connect("ravi/phone");
    const before = eventsOf(ravi, "connected").length;
    await backend.forgetDevice(ravi.name);
    ravi.client.cut();
    await until(() => eventsOf(ravi, "connected").length > before);
    expect((await backend.keys(ravi.name)).one_time_keys.length).toBeGreaterThan(0);
  });

  test("keys are filled up when they run low, and the fallback key is replaced", async () => {
    const { keysLow, keysWanted } = DEFAULTS;
    const ravi = await connect("ravi/phone", { keysLow, keysWanted });
    const before = await backend.keys(ravi.name);
    expect(before.one_time_keys).toHaveLength(50);
    backend.loseOneTimeKeys(ravi.name, 10);
    await backend.pending;
    backend.sockets
      .get(ravi.name)
      ?.deliver({ type: "keys_low", remaining: 10, fallback_used: true });
    const keys = () => backend.keys(ravi.name);
    await until(async () => (await keys()).one_time_keys.length === 50);
    await until(async () => (await keys()).fallback_key !== before.fallback_key);
    expect(new Set((await keys()).one_time_keys).size).toBe(50);
  });
});

describe("members", () => {
  test("who comes later reads what comes, who goes reads nothing more", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const mira = await connect("mira/phone");
    const group = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(group, "before");
    await got(raju, "before");
    const before = deviceChanges(ravi);
    await raju.client.chats.changeMembers(group, { add: [user("mira")] });
    await until(() => deviceChanges(ravi) > before);
    await ravi.client.send(group, "welcome");
    await got(mira, "welcome");
    await raju.client.chats.changeMembers(group, { remove: [user("mira")] });
    await until(() => deviceChanges(ravi) > before + 1);
    await ravi.client.send(group, "without");
    await got(raju, "without");
    expect(await texts(mira, group)).toEqual(["welcome"]);
    const ids = frames().filter(({ alg }) => alg === "megolm.v1");
    expect(new Set(ids.map(({ payload }) => payload?.split(".")[0])).size).toBe(2);
  });
});

describe("nothing is lost silently", () => {
  const forget = (one: TestClient) =>
    changeStore(one, async (work) => {
      for (const { chat, device, id } of await work.all(tables.olmSessions)) {
        work.delete(tables.olmSessions, [chat, device, id]);
      }
      for (const { chat, sender, id } of await work.all(tables.inboundGroups)) {
        work.delete(tables.inboundGroups, [chat, sender, id]);
      }
    });

  test.each(["direct", "group"])(
    "a device that lost its sessions asks, in a %s chat",
    async (kind) => {
      const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
      const chat =
        kind === "direct"
          ? await ravi.client.chats.direct(user("raju"))
          : await ravi.client.chats.group([user("raju")]);
      await ravi.client.send(chat, "1");
      await got(raju, "1");
      await raju.client.send(chat, "2");
      await got(ravi, "2");
      await crash(raju);
      await forget(raju);
      const again = await connect("raju/phone");
      await ravi.client.send(chat, "3");
      await until(() => again.events.some((each) => each.type === "message" && each.unreadable));
      await got(again, "3");
      await ravi.client.send(chat, "4");
      await got(again, "4");
      await again.client.send(chat, "5");
      await got(ravi, "5");
      expect(await texts(again, chat)).toEqual(["1", "2", "3", "4", "5"]);
      expect(again.events.filter((each) => each.type === "message_readable")).toHaveLength(1);
    },
  );

  test("who was no member then gets no copy, although it knows the id", {
    tags: "deep",
  }, async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const mira = await connect("mira/phone");
    const group = await ravi.client.chats.group([user("raju")]);
    const id = await ravi.client.send(group, "before mira");
    await got(raju, "before mira");
    await ravi.client.chats.changeMembers(group, { add: [user("mira")] });
    await ravi.client.send(group, "hello mira");
    await got(mira, "hello mira");
    // A backend that shows mira a place for it makes mira ask.
    backend.sockets.get(mira.name)?.deliver({
      type: "message",
      chat: group,
      seq: (mira.events.findLast((event) => event.type === "message")?.seq ?? 0) + 1,
      message_id: id,
      sender: user("ravi"),
      sender_device: "phone",
      sent_at: Date.now(),
      alg: "olm.v1",
      payload: null,
    });
    const asked = () => frames().some(({ to }) => to?.[ravi.name] !== undefined);
    await until(asked);
    // Whoever has answered this has read the request before it.
    await mira.client.send(group, "and now?");
    await got(ravi, "and now?");
    await ravi.client.send(group, "nothing");
    await got(mira, "nothing");
    expect(shows(mira, "before mira")).toHaveLength(0);
  });
});

describe("another identity", () => {
  test("stops sending, keeps what comes, and passes when it is accepted", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "to the first");
    await got(raju, "to the first");
    await crash(raju);
    await new Promise((resolve) => {
      indexedDB.deleteDatabase(`switchboard/${raju.name}`).onsuccess = resolve;
    });
    const another = await connect("raju/phone");
    await until(() => ravi.events.some((event) => event.type === "identity_changed"));
    const count = backend.sent.length;
    await ravi.client.send(chat, "who are you?");
    await until(() => ravi.events.some((event) => event.type === "held"));
    await another.client.send(chat, "it is me");
    await until(() =>
      ravi.events.some(
        (event) => event.type === "message" && event.unreadable === "identity_changed",
      ),
    );
    expect(
      frames()
        .slice(count)
        .every(({ alg, to }) => alg === "olm.v1" && to?.[ravi.name]),
    ).toBe(true);
    await ravi.client.verification.accept(user("raju"), await ravi.client.devices.of(user("raju")));
    await got(ravi, "it is me");
    await got(another, "who are you?");
  });
});

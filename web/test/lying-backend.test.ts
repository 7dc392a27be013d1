/** What the backend says of members and devices does not open a text to anybody else. */

import { describe, expect, test, vi } from "vitest";
import { isText, ulid } from "../src/client/core/ids.ts";
import { State } from "../src/client/core/ticks.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import { ClientError } from "../src/client/errors.ts";
import type { TestClient } from "./backend.ts";
import { ask, hold, placeOf, sentTo, sessions } from "./chats.ts";
import { backend, connect, eventsOf, got, until, useBackend, user } from "./scene.ts";

useBackend();

describe("a direct chat", () => {
  test.each([
    ["somebody else", ["ravi", "evil"]],
    ["a third one", ["evil", "raju", "ravi"]],
    ["this user alone", ["ravi"]],
    ["two others", ["evil", "raju"]],
    ["nobody", []],
  ])("that is listed with %s is rejected, and not kept", async (_, members) => {
    const ravi = await connect("ravi/phone");
    backend.lies.set("POST chats", () => ({ chat: "trap", members: members.map(user) }));
    await expect(ravi.client.chats.direct(user("raju"))).rejects.toThrow(ClientError);
    await expect(ravi.client.send(user("raju"), "secret")).rejects.toThrow(ClientError);
    expect(await ravi.client.chats.all()).toEqual([]);
  });

  test("with one user is not given out as that with another", async () => {
    const [ravi] = [await connect("ravi/phone"), await connect("raju/phone")];
    await backend.signUp(user("evil"));
    const chat = await ravi.client.chats.direct(user("evil"));
    backend.lies.set("POST chats", () => ({ chat, members: ["raju", "ravi"].map(user) }));
    await expect(ravi.client.chats.direct(user("raju"))).rejects.toThrow(ClientError);
    expect((await placeOf(ravi, chat)).members).toEqual([user("evil"), user("ravi")]);
  });

  type Kind = "direct" | "group";
  const staysOfTwo = async (_: string, members: readonly string[], kind: Kind) => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const evil = await connect("evil/phone");
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "hello");
    await got(raju, "hello");
    const names = members.map(user);
    backend.putInto(chat, user("evil"), "beginning");
    backend.lies.set("GET chats", () => ({ chats: [{ chat, kind, members: names }] }));
    backend.lies.set("synced", (truth) => {
      const place = (truth.chats as Record<string, object>)[chat];
      const shown = Object.fromEntries(names.map((name) => [name, {}]));
      return { ...truth, chats: place ? { [chat]: { ...place, members: shown } } : {} };
    });
    await ravi.client.chats.refresh();
    await ravi.client.sync();
    await evil.client.sync();
    await ravi.client.send(chat, "for raju");
    await got(raju, "for raju");
    expect(sentTo(evil)).toEqual([]);
    const place = await placeOf(ravi, chat);
    expect([place.kind, place.members]).toEqual(["direct", [user("raju"), user("ravi")]]);
    expect(ravi.events.filter(({ type }) => type === "members")).toEqual([]);
  };
  const SHOWN = "stays that of its two people when it is shown %s";
  test.each([["as a group", ["evil", "raju", "ravi"], "group"]] as const)(SHOWN, staysOfTwo);
  test.each([
    ["with a third one", ["evil", "raju", "ravi"], "direct"],
    ["with another one", ["evil", "ravi"], "direct"],
    ["with nobody", [], "direct"],
  ] as const)(SHOWN, { tags: "deep" }, staysOfTwo);

  test("does not open what a third one writes, nor ask for it", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const evil = await connect("evil/phone");
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.send(chat, "hello");
    await got(raju, "hello");
    await raju.client.chats.direct(user("ravi"));
    backend.putInto(chat, user("evil"), "beginning");
    const all = ["evil", "raju", "ravi"].map(user);
    backend.lies.set("GET chats", (truth, to) =>
      to === user("evil") ? { chats: [{ chat, kind: "group", members: all }] } : truth,
    );
    await evil.client.chats.refresh();
    await evil.client.send(chat, "raju here");
    const seen = () =>
      ravi.events.find((event) => event.type === "message" && event.sender === user("evil"));
    await until(seen);
    expect(seen()).toMatchObject({ text: undefined, unreadable: "not_in_chat" });
    await raju.client.send(chat, "bye");
    await got(ravi, "bye");
    const history = await ravi.client.messages.history(chat);
    expect(history.map(({ text, unreadable }) => text ?? unreadable)).toEqual([
      "hello",
      "not_in_chat",
      "bye",
    ]);
    expect(sentTo(evil)).toEqual([]);
  });

  test("of three people takes no text", async () => {
    const [ravi] = [await connect("ravi/phone"), await connect("evil/phone")];
    await backend.makeChat("trap", "direct", ["evil", "raju", "ravi"].map(user));
    await ravi.client.sync();
    const messageId = await ravi.client.send("trap", "secret");
    const failed = () =>
      ravi.events.find((event) => event.type === "state" && event.messageId === messageId);
    await until(failed);
    expect(failed()).toMatchObject({ state: State.FAILED, reason: expect.stringMatching(/two/) });
    expect(backend.sent).toEqual([]);
  });
});

describe("a group", () => {
  test("takes no text as long as its members are not listed", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    backend.lies.set("POST chats", (truth) => ({ ...truth, members: [] }));
    const listed = (truth: Record<string, unknown>) =>
      (truth.chats as object[]).map((each) => ({ ...each, members: [] }));
    backend.lies.set("GET chats", (truth) => ({ chats: listed(truth) }));
    const chat = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(chat, "to nobody?");
    let asked = 0;
    backend.lies.set("GET chats", (truth) => {
      asked += 1;
      return { chats: listed(truth) };
    });
    await until(() => asked > 1);
    expect(backend.sent).toEqual([]);
    backend.lies.clear();
    await got(raju, "to nobody?");
  });

  test("reports who comes and who goes, and nothing when it is new", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    await connect("mira/phone");
    const changes = ({ events }: TestClient) => events.filter(({ type }) => type === "members");
    const chat = await ravi.client.chats.group([user("raju")]);
    await raju.client.sync();
    expect([...changes(ravi), ...changes(raju)]).toEqual([]);
    await raju.client.chats.changeMembers(chat, { add: [user("mira")] });
    const joined = { type: "members", chat, joined: [user("mira")], left: [] };
    await until(() => changes(ravi).length === 1);
    await raju.client.chats.changeMembers(chat, { remove: [user("mira")] });
    await until(() => changes(ravi).length === 2);
    const left = { type: "members", chat, joined: [], left: [user("mira")] };
    for (const one of [ravi, raju]) expect(changes(one)).toEqual([joined, left]);
  });

  test("reports whom the backend has put into a new group besides those who were meant", async () => {
    const ravi = await connect("ravi/phone");
    await backend.signUp(user("raju"));
    backend.lies.set("POST chats", (truth) => ({
      ...(truth as object),
      members: [user("ravi"), user("raju"), user("evil")],
    }));
    const chat = await ravi.client.chats.group([user("raju")]);
    expect(ravi.events).toContainEqual({ type: "members", chat, joined: [user("evil")], left: [] });
  });

  test("a receipt that comes late does not bring back who was removed", {
    tags: "deep",
  }, async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const mira = await connect("mira/phone");
    const chat = await ravi.client.chats.group(["raju", "mira"].map(user));
    await ravi.client.send(chat, "to all");
    await got(mira, "to all");
    await raju.client.chats.changeMembers(chat, { remove: [user("mira")] });
    await until(async () => (await placeOf(ravi, chat)).members.length === 2);
    const receipt = { type: "receipt", chat, user: user("mira"), delivered: 2, read: 2 };
    backend.sockets.get(ravi.name)?.deliver(receipt);
    await ravi.client.send(chat, "without mira");
    await got(raju, "without mira");
    expect(sessions().size).toBe(2);
    expect((await placeOf(ravi, chat)).members).toEqual([user("raju"), user("ravi")]);
  });

  test("whose members change while keys are claimed is sealed for those who are left", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const mira = await connect("mira/phone");
    const chat = await ravi.client.chats.group(["raju", "mira"].map(user));
    backend.lies.set("POST keys", async (truth) => {
      backend.lies.clear();
      const members = { [user("ravi")]: {}, [user("raju")]: {} };
      backend.takeOut(chat, user("mira"));
      const place = { seq: 0, after: 0, complete_to: 0, missing: [], members };
      const synced = { type: "synced", chats: { [chat]: place }, more: false };
      backend.sockets.get(ravi.name)?.deliver(synced);
      await until(() => eventsOf(ravi, "members").length > 0);
      return truth;
    });
    await ravi.client.send(chat, "without mira");
    await got(raju, "without mira");
    expect(sentTo(mira)).toEqual([]);
  });

  test("who asks for something and is removed reads nothing more", { tags: "deep" }, async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.group([user("raju")]);
    const id = await ravi.client.send(chat, "before");
    await got(raju, "before");
    const mira = await connect("mira/phone");
    await ravi.client.chats.changeMembers(chat, { add: [user("mira")] });
    await ravi.client.send(chat, "hello mira");
    await got(mira, "hello mira");
    await ask(mira, ravi, chat, id);
    await raju.client.chats.changeMembers(chat, { remove: [user("mira")] });
    await until(async () => (await placeOf(ravi, chat)).members.length === 2);
    const before = sessions();
    await ravi.client.send(chat, "without mira");
    await got(raju, "without mira");
    expect(sessions().size).toBe(before.size + 1);
  });

  test("who asks for something is sent the key once more, and the session goes on", async () => {
    // What is asked for here looks like a text that was written before a restore.
    vi.spyOn(Encryption.prototype, "renew").mockResolvedValue(false);
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(chat, "1");
    await got(raju, "1");
    const before = sentTo(raju).length;
    await ask(raju, ravi, chat, ulid(Date.now()));
    await ravi.client.send(chat, "2");
    await got(raju, "2");
    await ravi.client.send(chat, "3");
    await got(raju, "3");
    expect(sessions().size).toBe(1);
    expect(sentTo(raju).length).toBe(before + 1);
  });
});

test("what a removed device wrote before is still read", async () => {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const laptop = await connect("raju/laptop");
  const chat = await ravi.client.chats.direct(user("raju"));
  await ravi.client.send(chat, "1");
  await got(laptop, "1");
  await laptop.client.send(chat, "2");
  await got(ravi, "2");
  const arrive = hold(ravi, ({ type }) => type !== "accepted");
  await laptop.client.send(chat, "on its way");
  await until(() => arrive.messages() > 0);
  backend.quiet = true;
  await raju.client.devices.remove("laptop");
  await ravi.client.send(chat, "3");
  await got(raju, "3");
  arrive();
  await got(ravi, "on its way");
});

test("a text whose sender was not known at first is asked for when it is", async () => {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  const chat = await raju.client.chats.direct(user("ravi"));
  await ravi.client.sync();
  const refused: [number, unknown] = [429, { error: { code: "rate_limited", message: "no" } }];
  backend.lies.set("GET users", (truth, to) => (to === user("ravi") ? refused : truth));
  const to = { [ravi.name]: "1.AAAA" };
  backend.post(raju.name, {
    action: "send",
    message_id: ulid(Date.now()),
    chat,
    alg: "olm.v1",
    to,
  });
  await until(() => ravi.events.some((event) => event.type === "message" && event.unreadable));
  backend.lies.clear();
  await ravi.client.devices.of(user("raju"));
  await until(() => sentTo(raju).some(({ message_id }) => !isText(message_id)));
});

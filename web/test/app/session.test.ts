import { expect, test, vi } from "vitest";
import { App } from "../../src/app/model/app.ts";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { ChatClient, Comparison, StoredMessage } from "../../src/client/index.ts";
import { until } from "../scene.ts";

/** A client that has no chats; `listed` are those of the backend, known once they are asked for. */
function clientOf(listed: readonly string[]) {
  const known: object[] = [];
  let asked = 0;
  const client = {
    user: "raju",
    listen: () => () => {},
    chats: {
      all: async () => known,
      watermarks: async () => new Map(),
      refresh: async () => {
        asked += 1;
        const some = { kind: "direct", members: ["raju", "ravi"], unread: 0, read: 0 };
        known.push(...listed.map((chat) => ({ chat, ...some })));
      },
    },
    messages: { history: async () => [], uploads: async () => [] },
    devices: { registeredAt: async () => 1 },
    writing: { profile: async () => ({}) },
    people: {
      watch: async () => {},
      chats: async () => listed.map((chat) => ({ chat, kind: "direct" })),
      invitations: async () => [],
      contacts: async () => new Map(),
    },
  };
  return { client: client as unknown as ChatClient, asked: () => asked };
}

test("a tab that joins knows what is in no store, and watches again once it has the device", async () => {
  const { client } = clientOf(["c1"]);
  const watched: string[][] = [];
  Object.assign(client, { connecting: true });
  Object.assign(client.people, { watch: async (users: string[]) => void watched.push(users) });
  await client.chats.refresh();
  const session = new Session(client, { all: new Map() } as unknown as Drafts);
  const now = {
    link: { at: "connected" },
    problem: "rate_limited",
    presence: new Map([["ravi", { online: true, lastSeen: undefined }]]),
    comparisons: new Map([["ravi/phone", { chat: "c1", comparison: {} as Comparison }]]),
    changedKeys: new Set(["ravi"]),
    storeFailing: true,
    drafts: new Map(),
  } as const;
  await session.beginBeside(now);
  expect(session.now).toEqual(now);
  expect(watched).toEqual([["ravi"]]);
  session.takeOver();
  await until(() => watched.length > 1);
  expect(watched[1]).toEqual(["ravi"]);
});

test("what is typed is stored before a session is over, however it ends", async () => {
  for (const end of ["close", "closed"] as const) {
    const { client } = clientOf([]);
    const close = vi.fn(async () => {});
    Object.assign(client, { close: async () => {} });
    await new Session(client, { close } as unknown as Drafts)[end]();
    expect(close).toHaveBeenCalledTimes(1);
  }
});

test("what is written goes to the client whole, and the other tabs are notified", async () => {
  const { client } = clientOf([]);
  const asked: unknown[][] = [];
  const does =
    (what: string) =>
    async (...given: unknown[]) =>
      void asked.push([what, ...given]);
  const names = ["edit", "delete", "react", "setName", "setPicture", "setTimer"];
  const writing = Object.fromEntries(names.map((name) => [name, does(name)]));
  Object.assign(client, { send: does("send"), writing });
  const session = new Session(client, {} as Drafts);
  const changes: object[] = [];
  session.changedHere = (change) => changes.push(change);
  const reference = { by: "raju/web", id: "m1" };
  const message = { chat: "c1", reference } as StoredMessage;
  await session.send("c1", "hello", reference);
  await session.edit(message, "edited");
  await session.delete(message);
  await session.react(message, null);
  await session.describe("c1", { picture: null, timer: 0 });
  await session.describe("c1", { name: "" });
  expect(asked).toEqual([
    ["send", "c1", "hello", reference],
    ["edit", "c1", reference, "edited"],
    ["delete", "c1", reference],
    ["react", "c1", reference, null],
    ["setPicture", "c1", null],
    ["setTimer", "c1", 0],
    ["setName", "c1", ""],
  ]);
  const what = ["tail", "all", "all", "all", "tail", "tail"];
  expect(changes).toEqual(what.map((each) => ({ type: "wrote", chat: "c1", what: each })));
});

test("a chat that is open already stays as it is", async () => {
  const session = new Session(clientOf([]).client, {} as Drafts);
  await session.openChat("c1");
  const { open } = session;
  await session.openChat("c1");
  expect(session.open).toBe(open);
});

test.each([
  ["c1", 1, "direct"],
  ["of nobody", 1, undefined],
  [undefined, 0, undefined],
])("the chat %s that is opened by its address alone is asked for", async (chat, times, kind) => {
  const { client, asked } = clientOf(["c1"]);
  const session = new Session(client, {} as Drafts);
  await session.openChat(chat);
  await until(() => asked() >= times);
  await until(() => session.entry(chat ?? "")?.kind === kind);
  expect(asked()).toBe(times);
});

test("whether the browser keeps what is here is shown once it is known", async () => {
  vi.stubGlobal("navigator", { storage: { persist: async () => true } });
  const app = new App("");
  const drawn = vi.fn();
  app.watch(drawn);
  await app.askToPersist();
  vi.unstubAllGlobals();
  expect([app.persisted, drawn.mock.calls.length]).toEqual([true, 1]);
});

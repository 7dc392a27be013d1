import { expect, test, vi } from "vitest";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { ChatClient } from "../../src/client/index.ts";
import { until } from "../scene.ts";

/** A client that has no chats; `listed` are those of the backend, known once they are asked for. */
function clientOf(listed: readonly string[]) {
  const known: object[] = [];
  let asked = 0;
  const client = {
    user: "raju",
    listen: () => () => {},
    chats: async () => known,
    history: async () => [],
    watermarks: async () => new Map(),
    profile: async () => ({}),
    writing: { profile: async () => ({}) },
    watch: async () => {},
    refreshChats: async () => {
      asked += 1;
      const members = ["raju", "ravi"];
      known.push(...listed.map((chat) => ({ chat, kind: "direct", members, unread: 0, read: 0 })));
    },
    people: {
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
  Object.assign(client, {
    watch: async (users: string[]) => void watched.push(users),
    uploads: async () => [],
    registeredAt: async () => 1,
    connecting: true,
  });
  await client.refreshChats();
  const session = new Session(client, { all: new Map() } as unknown as Drafts);
  const now = {
    link: { at: "connected" },
    presence: new Map([["ravi", { online: true, lastSeen: undefined }]]),
    comparisons: new Map(),
    changedKeys: new Set(["ravi"]),
    storeFailing: true,
    drafts: new Map(),
  } as const;
  await session.beginBeside(now);
  expect(session.now).toEqual(now);
  expect(watched).toEqual([["ravi"]]);
  session.goOn();
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

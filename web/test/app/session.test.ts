import { expect, test } from "vitest";
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

/** The page in several tabs of one browser: which one opens the device, and how each of them ends. */

import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../../src/app/model/app.ts";
import type { Snapshot } from "../../src/app/model/calls.ts";
import { Drafts } from "../../src/app/model/drafts.ts";
import { Holder } from "../../src/app/model/holder.ts";
import {
  forgetInstalled,
  type Installation,
  installed,
  markInstalled,
  pageDatabaseOf,
} from "../../src/app/model/installation.ts";
import { Session } from "../../src/app/model/session.ts";
import { ChatClient, databaseOf, type Event, type Linked } from "../../src/client/index.ts";
import { lockDevice, type Release } from "../../src/client/store/lock.ts";

const CHAT = {
  chat: "c1",
  kind: "direct",
  members: ["raju", "ravi"],
  unread: 0,
  read: 0,
  left: false,
};
const NEVER = () => new Promise<never>(() => {});
const WITHIN = { timeout: 60_000 };

/** Of the device's store. */
interface Disk {
  readonly written: object[];
}

let devices = 0;
let known: Installation;
let disk: Disk;
/** The tabs that have opened the device, in turn. */
let opened: ReturnType<typeof clientOf>[];
const stored = new Map<string, string>();

beforeEach(async () => {
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  vi.stubGlobal("location", { hash: "" });
  opened = [];
  disk = { written: [] };
  known = { user: "ravi", device: `app-${devices++}` };
  await databaseFor(known);
  markInstalled(known);
  vi.spyOn(ChatClient, "open").mockImplementation(async ({ user, device, wait }) => {
    const release = await lockDevice(databaseOf(user, device), wait);
    const client = clientOf({ user, device }, release);
    opened.push(client);
    return client as unknown as ChatClient;
  });
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => vi.unstubAllGlobals());

async function databaseFor({ user, device }: Installation): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const request = indexedDB.open(databaseOf(user, device), 1);
  request.onsuccess = () => {
    request.result.close();
    resolve();
  };
  await promise;
}

async function isStored({ user, device }: Installation): Promise<boolean> {
  return (await indexedDB.databases()).some(({ name }) => name === databaseOf(user, device));
}

/** A client without a backend, over what is on `disk`. */
function clientOf({ user, device }: Installation, release: Release = async () => {}) {
  const listeners = new Set<(event: Event) => void>();
  const { written } = disk;
  const client = {
    user,
    device,
    connecting: false,
    listen: (listener: (event: Event) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (event: Event) => {
      for (const each of [...listeners]) each(event);
    },
    chats: {
      all: async (): Promise<object[]> => [CHAT],
      watermarks: async () => new Map(),
      refresh: async () => {},
    },
    messages: { history: async () => [...written], uploads: async () => [] },
    devices: { registeredAt: async () => 1, webPushKey: NEVER },
    send: async (chat: string, text: string) => {
      const reference = { by: "ravi/app", id: text };
      written.push({ chat, text, messageId: text, reference, sender: "ravi", sentAt: 1 });
      await NEVER(); // it ends before it says so
    },
    writing: { profile: async () => ({}) },
    people: {
      chats: async () => [{ chat: "c1" }],
      invitations: async () => [],
      contacts: async () => new Map(),
      watch: async () => {},
    },
    signUpOrIn: async () => false,
    connect: async () => void Object.assign(client, { connecting: true }),
    signOut: async () => client.close(),
    close: async () => release(),
  };
  return client;
}

/** One whose part has these methods. */
function clientWith(part: "chats" | "messages" | "devices", methods: object) {
  const client = clientOf(known);
  Object.assign(client[part], methods);
  return client;
}

/** A tab that has the device, of which only that is here. */
async function holds(client: ReturnType<typeof clientOf>) {
  const name = databaseOf(client.user, client.device);
  const release = await lockDevice(name, new AbortController().signal);
  const session = new Session(client as unknown as ChatClient, new Drafts(new Map()));
  const leaving = { signOut: NEVER, deleteAccount: NEVER };
  const holder = new Holder(name, session, leaving);
  return {
    holder,
    session,
    end: async () => {
      holder.close();
      await release();
    },
  };
}

function tab(): App {
  const app = new App("");
  void app.begin();
  return app;
}

async function reaches(app: App, at: App["phase"]["at"]): Promise<void> {
  await vi.waitFor(() => expect(app.phase.at).toBe(at), WITHIN);
}

function sessionOf({ phase }: App): Session {
  if (phase.at !== "in") throw new Error(phase.at);
  return phase.session;
}

test.each([
  ["chats", "all"],
  ["messages", "uploads"],
  ["devices", "registeredAt"],
] as const)(
  "a tab gets the device when the one before ends without an answer to %s.%s",
  async (part, call) => {
    const asked = vi.fn(NEVER);
    const first = await holds(clientWith(part, { [call]: asked }));
    const app = tab();
    await vi.waitFor(() => expect(asked).toHaveBeenCalled(), WITHIN);
    await first.end();
    await reaches(app, "in");
    await vi.waitFor(() => expect(opened[0]?.connecting).toBe(true), WITHIN);
  },
);

test("a tab that can't take part shows so, and gets the device in its turn", async () => {
  const failing = async () => Promise.reject(new Error("the store is damaged"));
  const first = await holds(clientWith("devices", { registeredAt: failing }));
  const app = tab();
  await reaches(app, "elsewhere");
  app.takeOver();
  expect(app.phase).toEqual({ at: "elsewhere", taking: true });
  await first.end();
  await reaches(app, "in");
});

test("a tab that gets a response in time, and can't take part later, shows so", async () => {
  const answer = Promise.withResolvers<number>();
  const registeredAt = vi.fn(() => answer.promise);
  const first = await holds(clientWith("devices", { registeredAt }));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const app = tab();
    await vi.waitFor(() => expect(registeredAt).toHaveBeenCalled(), WITHIN);
    await vi.advanceTimersByTimeAsync(WITHIN.timeout);
    expect(app.phase.at).toBe("opening");
    answer.reject(new Error("the store is damaged"));
    await reaches(app, "elsewhere");
  } finally {
    vi.useRealTimers();
  }
  await first.end();
});

test("keys that the browser has deleted are reported as gone, and never made anew in silence", async () => {
  markInstalled({ user: "ravi", device: `app-${devices++}` });
  const app = tab();
  await reaches(app, "keys-gone");
  expect(opened).toEqual([]);
});

test("a sign-in that fails leaves nothing here", async () => {
  const app = new App("");
  const made: Installation[] = [];
  vi.mocked(ChatClient.open).mockImplementation(async ({ user, device }) => {
    made.push({ user, device });
    await databaseFor({ user, device });
    const signIn = async () => Promise.reject(new Error("a wrong password"));
    const abort = async () => {};
    return { user, device, signIn, abort } as unknown as ChatClient;
  });
  const before = installed();
  await expect(app.signIn({ user: "meena", password: "wrong" }, false)).rejects.toThrow("wrong");
  expect(await Promise.all(made.map(isStored))).toEqual([false]);
  expect(installed()).toEqual(before);
});

test("a linked device that can't be opened leaves nothing here", async () => {
  const app = new App("");
  forgetInstalled();
  vi.mocked(ChatClient.open).mockRejectedValue(new Error("damaged"));
  const of = { user: "meena", device: `app-${devices++}` };
  const linked = { confirmation: of, install: () => databaseFor(of) } as unknown as Linked;
  await expect(app.enterLinked(linked)).rejects.toThrow("damaged");
  expect([installed(), await isStored(of)]).toEqual([undefined, false]);
});

test("what was typed beside another tab is stored once this tab has the device", async () => {
  const first = await holds(clientOf(known));
  const app = tab();
  await reaches(app, "in");
  const { drafts } = sessionOf(app);
  drafts.typed("c1", "kept");
  await first.end();
  await vi.waitFor(() => expect(opened[0]?.connecting).toBe(true), WITHIN);
  app.takeOver(); // it has it
  expect(app.phase.at).toBe("in");
  await drafts.close();
  const again = await Drafts.open(pageDatabaseOf(known));
  expect(again.of("c1")).toBe("kept");
  await again.close();
});

test("of tabs that begin at once one opens the device, and the others work through it", async () => {
  const tabs = [tab(), tab(), tab()];
  for (const app of tabs) await reaches(app, "in");
  expect(opened).toHaveLength(1);
});

test.each([
  ["joins", false],
  ["has joined", true],
])(
  "what another user has here now stays, and is opened, when a tab that %s hears that the one before has left",
  async (_which, joined) => {
    const other = { user: "meena", device: `app-${devices++}` };
    await databaseFor(other);
    const chats = vi.fn(joined ? async () => [CHAT] : NEVER);
    const first = await holds(clientWith("chats", { all: chats }));
    const app = tab();
    await vi.waitFor(() => expect(chats).toHaveBeenCalled(), WITHIN);
    if (joined) await reaches(app, "in");
    markInstalled(other);
    if (joined) first.holder.left();
    await first.end();
    await vi.waitFor(() => expect(sessionOf(app).user).toBe("meena"), WITHIN);
    expect(await isStored(known)).toBe(false);
    expect(await isStored(other)).toBe(true);
    expect(installed()).toEqual(other);
  },
);

test.each([
  ["the connection ends first", true],
  ["it is answered first", false],
])(
  "signing out, by any tab, deletes what is here and shows the way in on all where %s",
  async (_which, endsFirst) => {
    for (const by of [0, 1]) {
      known = { user: "ravi", device: `app-${devices++}` };
      await databaseFor(known);
      markInstalled(known);
      const tabs = [tab(), tab(), tab()];
      for (const app of tabs) await reaches(app, "in");
      const client = opened.at(-1);
      if (client === undefined) throw new Error("no tab has opened it");
      client.signOut = async () => {
        if (endsFirst) client.tell({ type: "signed_out", reason: "signed out" });
        await new Promise((resolve) => setTimeout(resolve, 20)); // the others hear of it, if they can
        await client.close();
      };
      const phases = new Set(tabs.map(({ phase }) => phase.at));
      for (const app of tabs) app.watch(() => phases.add(app.phase.at));
      const asked = tabs[by] ?? tab();
      location.hash = "#/chat/c1";
      const forget = vi.spyOn(asked.notifications, "forget");
      await asked.signOut(sessionOf(asked), false);
      expect([location.hash, forget.mock.calls.length]).toEqual(["#/", by === 0 ? 1 : 0]);
      for (const app of tabs) await reaches(app, "signed-out");
      expect(phases).not.toContain("ended");
      expect(installed()).toBeUndefined();
      expect(await isStored(known)).toBe(false);
    }
  },
);

test("a sign-in that ends while signing out fails is over on every tab", async () => {
  const tabs = [tab(), tab()];
  for (const app of tabs) await reaches(app, "in");
  const [client] = opened;
  if (client === undefined) throw new Error("no tab has opened it");
  client.signOut = async () => {
    client.tell({ type: "signed_out", reason: "removed by another device" });
    throw new Error("the sign-in is over");
  };
  const [first] = tabs;
  if (first === undefined) throw new Error("there is no tab");
  await expect(first.signOut(sessionOf(first), false)).rejects.toThrow("the sign-in is over");
  for (const app of tabs) await reaches(app, "ended");
});

test("signing out ends while another tab has what another user has here now, and opens that", async () => {
  const app = tab();
  await reaches(app, "in");
  const other = { user: "meena", device: `app-${devices++}` };
  await databaseFor(other);
  const second = await holds(clientOf(other));
  markInstalled(other);
  await app.signOut(sessionOf(app), false);
  expect(await isStored(known)).toBe(false);
  await vi.waitFor(() => expect(sessionOf(app).user).toBe("meena"), WITHIN);
  expect(installed()).toEqual(other);
  await second.end();
});

test.each(["signed_out", "displaced"] as const)("every tab is notified of %s", async (type) => {
  const tabs = [tab(), tab()];
  for (const app of tabs) await reaches(app, "in");
  opened[0]?.tell(type === "displaced" ? { type } : { type, reason: "elsewhere" });
  for (const app of tabs) {
    await reaches(app, "ended");
    expect(app.phase).toEqual({ at: "ended", why: type });
  }
});

test("a tab that joins is notified that the sign-in is over, before it gets the device", async () => {
  const chats = vi.fn(NEVER);
  const first = await holds(clientWith("chats", { all: chats }));
  const app = tab();
  await vi.waitFor(() => expect(chats).toHaveBeenCalled(), WITHIN);
  first.holder.ended("displaced");
  await first.end();
  await reaches(app, "ended");
  await (await lockDevice(databaseOf(known.user, known.device), new AbortController().signal))();
  expect(app.phase.at).toBe("ended");
  expect(opened.every(({ connecting }) => !connecting)).toBe(true);
});

test("a tab shows what the one before has written and not reported, and reports to the next what was typed", async () => {
  const first = await holds(clientOf(known));
  const app = tab();
  await reaches(app, "in");
  const session = sessionOf(app);
  await session.openChat("c1");
  session.drafts.typed("c1", "some");
  const sending = session.send("c1", "hello").catch((error: unknown) => error);
  await vi.waitFor(() => expect(disk.written).toHaveLength(1), WITHIN);
  first.holder.close(); // its lock stays: another tab than this one is the next
  session.drafts.typed("c1", "some more");
  const next = await nextOf(first.session.now);
  await sending;
  await vi.waitFor(() => {
    expect(session.open?.messages).toHaveLength(1);
    expect(session.entry("c1")?.last).toMatchObject({ text: "hello" });
    expect(next.drafts.of("c1")).toBe("some more");
    expect(session.drafts.of("c2")).toBe("typed there");
  }, WITHIN);
});

/** A tab that has taken part until now. */
async function nextOf(now: Snapshot): Promise<Session> {
  const session = new Session(clientOf(known) as unknown as ChatClient, new Drafts(now.drafts));
  session.drafts.typed("c2", "typed there");
  new Holder(databaseOf(known.user, known.device), session, {
    signOut: NEVER,
    deleteAccount: NEVER,
  });
  return session;
}

/** The service worker itself: which events it hears, and how it opens the device. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChatClient } from "../src/client/index.ts";
import { openChat } from "../src/worker/clicked.ts";
import { fetchUnread, unreadOf } from "../src/worker/device.ts";
import { remember, remembered } from "../src/worker/installation.ts";
import { handlePush, type Notice } from "../src/worker/pushed.ts";
import type { Scope } from "../src/worker/scope.ts";
import { fallback, kindWords } from "../src/worker/words.ts";

const BASE = "https://chat.example/app/";
const OF = { user: "raju", device: "web" };
const TEXT = { sender: "ravi", seq: 1, kind: "text", text: "Hey", deleted: false };

/** CacheStorage, as far as it is used. */
class Caches {
  readonly sets = new Map<string, Map<string, Response>>();

  async open(name: string) {
    const set = this.sets.get(name) ?? new Map<string, Response>();
    this.sets.set(name, set);
    return {
      addAll: async (requests: Request[]) => {
        for (const { url } of requests) set.set(url, new Response("kept"));
      },
      put: async (name: string, response: Response) => void set.set(name, response),
      match: async (name: string) => set.get(name)?.clone(),
    };
  }

  async keys() {
    return [...this.sets.keys()];
  }

  async match({ url }: Request) {
    return [...this.sets.values()].flatMap((set) => set.get(url)?.clone() ?? [])[0];
  }

  async delete(name: string) {
    return this.sets.delete(name);
  }
}

const stored = new Caches();

beforeEach(() => {
  stored.sets.clear();
  vi.stubGlobal("caches", stored);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the device, while no page is open", () => {
  const chat = { chat: "c1", kind: "direct", members: ["raju", "ravi"], read: 0, unread: 1 };

  /** A client that fails at `fails`; what was done with it. */
  function opens(fails?: string) {
    const done: string[] = [];
    const does = (what: string) => async (timeout?: number) => {
      done.push(timeout === undefined ? what : `${what} within ${timeout}`);
      if (what === fails) throw new Error("no network");
    };
    const client = {
      user: "raju",
      signUpOrIn: does("sign in"),
      connect: does("connect"),
      close: does("close"),
      chats: { all: async () => [chat] },
      messages: { history: async () => [TEXT] },
    };
    const open = vi.spyOn(ChatClient, "open");
    open.mockResolvedValue(client as unknown as ChatClient);
    return { done, open };
  }

  test("is opened, caught up and closed within the time of a push", async () => {
    await remember(OF);
    const { done, open } = opens();
    const unread = await fetchUnread("olm.wasm", kindWords(["en"]));
    expect(unread.get("c1")?.body).toBe("Hey");
    expect(done).toEqual(["sign in", "connect within 20000", "close"]);
    expect(open.mock.calls[0]?.[0]).toMatchObject({ ...OF, wasm: "olm.wasm" });
    expect(open.mock.calls[0]?.[0].wait).toBeInstanceOf(AbortSignal);
  });
  test.each(["sign in", "connect"])("is closed also where %s fails", async (fails) => {
    await remember(OF);
    const { done } = opens(fails);
    await expect(fetchUnread("", kindWords(["en"]))).rejects.toThrow("no network");
    expect(done.at(-1)).toBe("close");
  });
  test("is not opened where there is none any more", async () => {
    await remember(OF);
    expect(await remembered()).toEqual(OF);
    await remember(undefined);
    expect(await remembered()).toBeUndefined();
    const { open } = opens();
    await expect(fetchUnread("", kindWords(["en"]))).rejects.toThrow("no device");
    expect(open).not.toHaveBeenCalled();
  });
  test.each([
    ["in which nothing counts as unread", { unread: 0 }],
    ["that was left", { left: true }],
  ])("has nothing to show of a chat %s", async (_which, more) => {
    const client = {
      user: "raju",
      chats: { all: async () => [{ ...chat, ...more }] },
      messages: { history: async () => [TEXT] },
    };
    expect((await unreadOf(client as never, kindWords(["en"]))).size).toBe(0);
  });
  test("has the texts of several pages in their order", async () => {
    const texts = ["a", "b", "c"].map((text, at) => ({ ...TEXT, text, seq: at * 40 + 1 }));
    const notices = Array.from({ length: 120 }, (_, at) => ({
      ...TEXT,
      kind: "timer",
      seq: at + 1,
    }));
    const rows = notices.map((each) => texts.find(({ seq }) => seq === each.seq) ?? each);
    const client = {
      user: "raju",
      chats: { all: async () => [{ ...chat, unread: 3 }] },
      messages: {
        history: async (_: string, limit: number, before: number) =>
          rows.filter(({ seq }) => seq < before).slice(-limit),
      },
    };
    const unread = await unreadOf(client as never, kindWords(["en"]));
    expect(unread.get("c1")?.body).toBe("a\nb\nc");
  });
});

test("the text of the chat that rings takes its place also where nothing else is known of it", async () => {
  const closed: string[] = [];
  const show = vi.fn(async (_: Notice) => {});
  await handlePush(
    { chat: "c1", rings: true },
    {
      fallback: { title: "New message", body: "" },
      show,
      shown: async () => ["c1", "c2"].map((tag) => ({ tag, close: () => void closed.push(tag) })),
      fetch: async () => new Map(),
      after: () => new Promise(() => {}),
    },
  );
  expect(closed).toEqual(["c2"]);
  expect(show.mock.calls[0]?.[0].chat).toBe("c1");
});

test("a page that this worker does not control yet is found, and comes to the front", async () => {
  const done: string[] = [];
  const page = {
    focus: async () => {
      done.push("focus");
      return page;
    },
    navigate: async (url: string) => void done.push(url),
  };
  const clients = {
    matchAll: async (which: object) => {
      expect(which).toEqual({ type: "window", includeUncontrolled: true });
      return [page];
    },
    openWindow: async () => void done.push("another window"),
  };
  await openChat("c1", BASE, clients as unknown as Scope["clients"]);
  expect(done).toEqual(["focus", `${BASE}#/chat/c1`]);
});

test("of the browser's languages the first that there is counts", () => {
  expect(fallback(["en-GB", "de"]).title).toBe("New message");
  expect(fallback(["fr", "de", "en"]).title).toBe("Neue Nachricht");
});

describe("the worker", () => {
  type Heard = Record<string, unknown>;
  const heard = new Map<string, (event: Heard) => void>();
  const shown: [string, NotificationOptions & { renotify?: boolean }][] = [];
  const done: string[] = [];

  beforeEach(async () => {
    for (const list of [shown, done]) list.length = 0;
    const note = (what: string) => async () => void done.push(what);
    vi.stubGlobal("window", undefined); // it names itself so, for libolm
    vi.stubGlobal("BUILD", {
      version: "1",
      files: ["", "assets/olm.wasm", "manifest.webmanifest"],
    });
    vi.stubGlobal("location", { href: `${BASE}worker.js` });
    vi.stubGlobal("skipWaiting", note("takes over"));
    vi.stubGlobal("clients", {
      claim: note("claims"),
      matchAll: async () => [],
      openWindow: note("opens"),
    });
    vi.stubGlobal("registration", {
      getNotifications: async () => [],
      showNotification: async (...notification: [string, object]) => void shown.push(notification),
    });
    vi.stubGlobal("addEventListener", (type: string, listener: (event: Heard) => void) =>
      heard.set(type, listener),
    );
    await import("../src/worker/worker.ts");
  });

  async function hears(type: string, event: Heard = {}): Promise<void> {
    let work: unknown;
    heard.get(type)?.({
      ...event,
      waitUntil: (until: unknown) => {
        work = until;
      },
    });
    await work;
  }

  test.each([
    ["of a chat", { json: () => ({ chat_id: "c1" }) }, "c1", true],
    ["without one", { json: () => ({}) }, "", false],
    ["without anything", null, "", false],
    [
      "that is no JSON",
      {
        json: () => {
          throw new SyntaxError();
        },
      },
      "",
      false,
    ],
  ])(
    "shows one notification for a push %s, and rings again for its chat",
    async (_what, data, tag, again) => {
      await hears("push", { data });
      expect(shown).toHaveLength(1);
      expect(shown[0]?.[1]).toMatchObject({ tag, renotify: again });
    },
  );
  test("closes a notification that was clicked, and opens its chat", async () => {
    await hears("notificationclick", {
      notification: { tag: "c1", close: () => done.push("closed") },
    });
    expect(done).toEqual(["closed", "opens"]);
  });
  test.each([
    [{ type: "update" }, ["takes over"]],
    [{ type: "other" }, []],
    [{}, []],
  ])("takes over where the user wants it: %j", async (data, expected) => {
    await hears("message", { data });
    expect(done).toEqual(expected);
  });
  test("keeps its files before it serves, and serves pages that are open already", async () => {
    await hears("install");
    expect([...(stored.sets.get("switchboard.page.1")?.keys() ?? [])]).toEqual([
      BASE,
      `${BASE}assets/olm.wasm`,
      `${BASE}manifest.webmanifest`,
    ]);
    await hears("activate");
    expect(done).toEqual(["claims"]);
  });
  test.each([
    ["", true],
    ["assets/olm.wasm", true],
    ["api/chats", false],
    ["../elsewhere", false],
  ])("answers for %j: %s", async (path, answers) => {
    await hears("install");
    const respondWith = vi.fn();
    const url = new URL(path, BASE).href;
    await hears("fetch", { request: { url, method: "GET", mode: "navigate" }, respondWith });
    expect(respondWith).toHaveBeenCalledTimes(answers ? 1 : 0);
    const response: Response | undefined = await respondWith.mock.calls[0]?.[0];
    expect(await response?.text()).toBe(answers ? "kept" : undefined);
  });
  test("asks the server for a name that stays, and for others only where they are not kept", async () => {
    const asked: Request[] = [];
    const { open } = Caches.prototype;
    vi.spyOn(stored, "open").mockImplementation(async (name) => ({
      ...(await open.call(stored, name)),
      addAll: async (requests: Request[]) => void asked.push(...requests),
    }));
    await hears("install");
    expect(asked.map(({ cache }) => cache)).toEqual(["no-cache", "default", "no-cache"]);
  });
});

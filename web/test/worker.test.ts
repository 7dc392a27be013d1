/** What the service worker decides: what a push shows, and which files a page gets. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { de } from "../src/app/words/de.ts";
import { en } from "../src/app/words/en.ts";
import type { ChatSummary, StoredMessage } from "../src/client/index.ts";
import { Assets } from "../src/worker/assets.ts";
import { openChat } from "../src/worker/clicked.ts";
import { noticeOf, unreadOf } from "../src/worker/device.ts";
import {
  FALLBACK_MS,
  handlePush,
  type Notice,
  parsePush,
  type Surroundings,
  type Unread,
} from "../src/worker/pushed.ts";
import type { Scope } from "../src/worker/scope.ts";
import { fallback, kindWords } from "../src/worker/words.ts";

const RING = { chat: "c1", rings: true } as const;
const BACK = { chat: "c1", rings: false } as const;
const BASE = "https://chat.example/";
const HEY: Notice = { chat: "c1", title: "ravi", body: "Hey Raju!" };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A browser with these notifications; `fetch` is what opening the device gives. */
class Phone implements Surroundings {
  readonly fallback = { title: "New message", body: "" };
  readonly log: string[] = [];
  readonly notifications = new Map<string, string>();
  readonly #fetch: () => Promise<Unread>;

  constructor(fetch: () => Promise<Unread>, ...chats: string[]) {
    this.#fetch = fetch;
    for (const chat of chats) this.notifications.set(chat, "before");
  }

  async show({ chat, title, body }: Notice, { again }: { again: boolean }): Promise<void> {
    this.log.push(`${again ? "rings" : "silent"}: ${title} ${body}`.trim());
    this.notifications.set(chat, body);
  }

  async shown() {
    return [...this.notifications.keys()].map((tag) => ({
      tag,
      close: () => void this.notifications.delete(tag),
    }));
  }

  fetch(): Promise<Unread> {
    return this.#fetch();
  }

  after(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

const unread = (...notices: Notice[]): Unread => new Map(notices.map((each) => [each.chat, each]));
const in_ = (ms: number, result: Unread | Error) => () =>
  new Promise<Unread>((resolve, reject) => {
    setTimeout(() => (result instanceof Error ? reject(result) : resolve(result)), ms);
  });

async function handled(push: typeof RING | typeof BACK, phone: Phone): Promise<Phone> {
  const done = handlePush(push, phone);
  await vi.advanceTimersByTimeAsync(60_000);
  await done;
  return phone;
}

test("a text that is there in time is shown, once", async () => {
  const phone = await handled(RING, new Phone(in_(FALLBACK_MS - 1, unread(HEY))));
  expect(phone.log).toEqual(["rings: ravi Hey Raju!"]);
});

test("after three seconds it shows that there is something, and the text takes its place", async () => {
  const phone = new Phone(in_(FALLBACK_MS + 1, unread(HEY)));
  const done = handlePush(RING, phone);
  await vi.advanceTimersByTimeAsync(FALLBACK_MS);
  expect(phone.log).toEqual(["rings: New message"]);
  await vi.advanceTimersByTimeAsync(1);
  await done;
  expect(phone.log).toEqual(["rings: New message", "silent: ravi Hey Raju!"]);
  expect([...phone.notifications]).toEqual([["c1", "Hey Raju!"]]);
});

test("whatever fails, a ring shows a notification", async () => {
  for (const ms of [0, FALLBACK_MS + 1]) {
    const phone = await handled(RING, new Phone(in_(ms, new Error("a page has the device"))));
    expect(phone.log).toEqual(["rings: New message"]);
  }
  const never = new Phone(() => new Promise(() => {}));
  void handlePush(RING, never);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(never.log).toEqual(["rings: New message"]);
  const read = await handled(RING, new Phone(in_(1, unread())));
  expect(read.log).toEqual(["rings: New message"]);
});

test("what was read elsewhere goes with the next ring, and other chats stay", async () => {
  const other = { chat: "c2", title: "mira", body: "…" };
  const phone = await handled(RING, new Phone(in_(1, unread(HEY, other)), "c1", "c2", "c3"));
  expect([...phone.notifications]).toEqual([
    ["c1", "Hey Raju!"],
    ["c2", "before"],
  ]);
});

test("a text that was read before it came late leaves nothing", async () => {
  const phone = await handled(RING, new Phone(in_(FALLBACK_MS + 1, unread()), "c1"));
  expect([...phone.notifications]).toEqual([]);
});

test("a taking back closes its chat alone, and opens no device", async () => {
  const phone = await handled(BACK, new Phone(in_(1, new Error("not asked")), "c1", "c2"));
  expect([...phone.notifications.keys()]).toEqual(["c2"]);
  expect(phone.log).toEqual([]);
});

test("a push is read from whatever the push service gives", () => {
  expect(parsePush({ chat_id: "c1", message_id: "m", unread: 2 })).toEqual(RING);
  expect(parsePush({ chat_id: "c1", read: 7, unread: 0 })).toEqual(BACK);
  for (const data of [undefined, null, 1, "x", [], {}, { chat_id: 1 }]) {
    expect(parsePush(data)).toEqual({ chat: "", rings: true });
  }
});

test("a notification has the sender of a direct chat, and the name of a group", () => {
  const chat = { chat: "c1", kind: "direct", name: undefined, members: ["raju", "ravi"] } as const;
  const texts = [
    { sender: "ravi", text: "Hey Raju!" },
    { sender: "ravi", text: "…" },
  ];
  expect(noticeOf(chat, texts)).toEqual({ chat: "c1", title: "ravi", body: "Hey Raju!\n…" });
  const group = { ...chat, kind: "group", name: "Trip" } as const;
  expect(noticeOf(group, texts)?.title).toBe("Trip");
  expect(noticeOf(group, texts)?.body).toBe("ravi: Hey Raju!\nravi: …");
  expect(noticeOf({ ...group, name: undefined }, texts)?.title).toBe("raju, ravi");
  expect(noticeOf(chat, [])).toBeUndefined();
  const long = noticeOf(chat, [{ sender: "ravi", text: "x".repeat(5000) }]);
  expect(long?.body.length).toBeLessThan(250);
});

describe("what is unread in a chat", () => {
  const file = (kind: "picture" | "voice" | "file", text = "") =>
    ({ kind: "file", text, content: { kind: "file", file: { kind, name: "a.pdf" } } }) as const;
  const chat = { chat: "c1", kind: "direct", members: ["raju", "ravi"], read: 1, unread: 1 };

  async function shown(...messages: object[]): Promise<string | undefined> {
    const all = messages.map((each) => ({ sender: "ravi", seq: 2, deleted: false, ...each }));
    const client = {
      user: "raju",
      chats: { all: async () => [chat as unknown as ChatSummary] },
      messages: {
        history: async (_: string, limit = 50, before = Number.POSITIVE_INFINITY) =>
          (all as unknown as StoredMessage[])
            .filter(({ seq }) => (seq ?? 0) < before)
            .slice(-limit),
      },
    };
    return (await unreadOf(client, kindWords(["en"]))).get("c1")?.body;
  }

  test.each<[string, object, string | undefined]>([
    ["a text", { kind: "text", text: "Hey", content: { kind: "text" } }, "Hey"],
    ["a picture", file("picture"), "Picture"],
    ["a picture with a caption", file("picture", "look"), "Picture, look"],
    ["a voice message", file("voice"), "Voice message"],
    ["a file", file("file"), "File: a.pdf"],
    ["what can't be read yet", { kind: "text", text: undefined }, "…"],
    ["a kind of a later version", { kind: "unknown", text: "" }, "…"],
    ["a disappearing time", { kind: "timer", text: "" }, undefined],
    ["a group's name", { kind: "chat_name", text: "" }, undefined],
    ["a group's picture", { kind: "chat_picture", text: "" }, undefined],
    ["a deleted picture", { ...file("picture"), deleted: true }, undefined],
    ["an own picture", { ...file("picture"), sender: "raju" }, undefined],
    ["a picture that was read", { ...file("picture"), seq: 1 }, undefined],
  ])("%s", async (_what, message, expected) => {
    expect(await shown(message)).toBe(expected);
  });

  test.each([4, 300])("is found behind %i own and deleted ones and notices", async (count) => {
    const others = [{ sender: "raju" }, { deleted: true }, { kind: "timer" }];
    const later = Array.from({ length: count }, (_, at) => ({ ...others[at % 3], seq: at + 3 }));
    const texts = ["1", "2", "3", "4", "5", "6"].map((text, at) => ({ text, seq: at - 4 })); // read;
    expect(await shown(...texts, { text: "Hey" }, ...later)).toBe("Hey");
  });

  test("is at most five texts", async () => {
    const texts = ["1", "2", "3", "4", "5", "6"].map((text, at) => ({ text, seq: at + 2 }));
    expect(await shown(...texts)).toBe("2\n3\n4\n5\n6");
  });

  test("is named as in the page", () => {
    expect([kindWords(["en"]), kindWords(["de-AT"])]).toEqual([en.fileSaid, de.fileSaid]);
  });
});

test("the fallback is in a language of the browser's", () => {
  expect(fallback(["fr", "de-AT", "en"]).title).toBe("Neue Nachricht");
  expect(fallback(["fr"]).title).toBe("New message");
});

// -- a click

/** Windows of the browser; `led` is whether this worker controls the page that is open. */
function windows(page: boolean, led = true) {
  const log: string[] = [];
  const navigate = async (url: string) => {
    if (!led) throw new TypeError("not its client");
    log.push(`led to ${url}`);
    return null;
  };
  const window = { url: "", navigate, postMessage: () => {}, focus: async () => window };
  const openWindow = async (url: string) => {
    log.push(`opened ${url}`);
    return null;
  };
  return { log, matchAll: async () => (page ? [window] : []), openWindow };
}

test.each([
  ["c/1", windows(true), "led to https://chat.example/#/chat/c%2F1"],
  ["c1", windows(false), "opened https://chat.example/#/chat/c1"],
  ["c1", windows(true, false), "opened https://chat.example/#/chat/c1"],
  ["", windows(true), "led to https://chat.example/#/"],
])("a click on the notification of %j leads to the chat", async (chat, clients, expected) => {
  await openChat(chat, BASE, clients as unknown as Scope["clients"]);
  expect(clients.log).toEqual([expected]);
});

// -- the files of the page

const OLD = { version: "1", files: ["", "assets/a-1.js", "assets/olm.wasm"] };
const NEW = { version: "2", files: ["", "assets/a-2.js", "assets/olm.wasm"] };

/** The server has one build at a time; `down` answers nothing. */
class Server {
  serving = OLD;
  down = false;

  async fetch(request: Request | string): Promise<Response> {
    if (this.down) throw new TypeError("no network");
    const url = typeof request === "string" ? request : request.url;
    const file = url.replace(BASE, "");
    const found = this.serving.files.includes(file);
    return new Response(`${file} of ${this.serving.version}`, { status: found ? 200 : 404 });
  }
}

/** CacheStorage, as far as it is used: Node.js has none. */
class Caches {
  readonly #server: Server;
  readonly sets = new Map<string, Map<string, string>>();

  constructor(server: Server) {
    this.#server = server;
  }

  async open(name: string) {
    const set = this.sets.get(name) ?? new Map<string, string>();
    this.sets.set(name, set);
    return {
      addAll: async (requests: Request[]) => {
        const got = await Promise.all(requests.map((each) => this.#server.fetch(each)));
        if (got.some(({ ok }) => !ok)) throw new TypeError("not all of it is there");
        for (const [at, { url }] of requests.entries())
          set.set(url, await (got[at] as Response).text());
      },
      match: async (url: string) => response(set.get(url)),
    };
  }

  async keys() {
    return [...this.sets.keys()];
  }

  async delete(name: string) {
    return this.sets.delete(name);
  }

  async match({ url }: Request) {
    return response([...this.sets.values()].map((set) => set.get(url)).find((one) => one));
  }
}

function response(text: string | undefined): Response | undefined {
  return text === undefined ? undefined : new Response(text);
}

function asked(path: string, mode = "no-cors"): Request {
  return { url: BASE + path, mode, method: "GET" } as Request;
}

async function text(assets: Assets, path: string, mode?: string): Promise<string> {
  const found = await assets.respond(asked(path, mode));
  return found.ok ? found.text() : String(found.status);
}

function world() {
  const server = new Server();
  const caches = new Caches(server);
  vi.stubGlobal("fetch", (request: Request) => server.fetch(request));
  const assets = (build: typeof OLD) => new Assets(caches as unknown as CacheStorage, BASE, build);
  return { server, caches, old: assets(OLD), fresh: assets(NEW) };
}

afterEach(() => vi.unstubAllGlobals());

test("a page that was loaded once is there without a network", async () => {
  const { server, old } = world();
  await old.install();
  server.down = true;
  expect(await text(old, "", "navigate")).toBe(" of 1");
  expect(await text(old, "assets/a-1.js")).toBe("assets/a-1.js of 1");
  expect(old.find(".wasm")).toBe(`${BASE}assets/olm.wasm`);
});

test("a tab with the old page finds its assets after a deployment, and the new page its own", async () => {
  const { server, old, fresh } = world();
  await old.install();
  server.serving = NEW;
  expect(await text(old, "", "navigate")).toBe(" of 1");
  expect(await text(old, "assets/a-1.js")).toBe("assets/a-1.js of 1");
  expect(await text(old, "assets/a-2.js")).toBe("assets/a-2.js of 2"); // it has it from nobody else
  await fresh.install();
  await fresh.activate();
  expect(await text(fresh, "", "navigate")).toBe(" of 2");
  expect(await text(fresh, "assets/a-1.js")).toBe("assets/a-1.js of 1");
});

test("a set that can't be fetched whole is none, and the old one goes on", async () => {
  const { server, caches, old, fresh } = world();
  await old.install();
  await expect(fresh.install()).rejects.toThrow("not all of it is there");
  expect(await caches.keys()).toEqual(["switchboard.page.1"]);
  server.down = true;
  expect(await text(old, "", "navigate")).toBe(" of 1");
});

test("what no build has is not found", async () => {
  const { old } = world();
  await old.install();
  expect(await text(old, "assets/a-0.js")).toBe("404");
});

test("the set in use and the one before are kept, and nothing of others", async () => {
  const { server, caches, old, fresh } = world();
  for (const name of ["switchboard.page.x", "switchboard.page.0", "switchboard.device"]) {
    await caches.open(name);
  }
  await old.install();
  await old.activate();
  expect(await caches.keys()).toEqual([
    "switchboard.page.0",
    "switchboard.device",
    "switchboard.page.1",
  ]);
  server.serving = NEW;
  await fresh.install();
  await fresh.activate();
  expect(await caches.keys()).toEqual([
    "switchboard.device",
    "switchboard.page.1",
    "switchboard.page.2",
  ]);
});

test("calls of the API, other methods and other origins go past it", () => {
  const { old } = world();
  expect(old.concerns(asked(""))).toBe(true);
  expect(old.concerns(asked("assets/x.js"))).toBe(true);
  expect(old.concerns(asked("api/chats"))).toBe(false);
  expect(old.concerns({ ...asked(""), method: "POST", url: BASE } as Request)).toBe(false);
  expect(old.concerns({ ...asked(""), url: "https://other.example/" } as Request)).toBe(false);
});

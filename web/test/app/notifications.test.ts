/** Notifications while the page is closed: what the browser and the backend know of each other. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Notifications } from "../../src/app/model/notifications.ts";
import type { ChatClient } from "../../src/client/index.ts";

const KEY = "AQID"; // of 1, 2, 3
const DEVICE = { user: "raju", device: "web-1" };
let done: string[];
let permission: NotificationPermission;
let subscription: object | null;
let stored: Map<string, string>;
let notifications: Notifications;
let registration: Record<string, unknown>;
let controller: object | null;

const client = {
  devices: {
    webPushKey: async () => KEY,
    pushTo: async (to?: { endpoint: string }) => void done.push(`push to ${to?.endpoint}`),
  },
} as unknown as ChatClient;

function subscribed(endpoint: string, key: number[]) {
  return {
    options: { applicationServerKey: Uint8Array.from(key).buffer },
    toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" } }),
    unsubscribe: async () => {
      done.push(`ends ${endpoint}`);
      subscription = null;
    },
  };
}

beforeEach(async () => {
  [done, permission, subscription, controller] = [[], "granted", null, null];
  stored = new Map();
  const shown = ["c1", "c2"].map((tag) => ({ tag, close: () => done.push(`closes ${tag}`) }));
  registration = {
    waiting: null,
    installing: null,
    addEventListener: () => {},
    getNotifications: async ({ tag }: { tag?: string } = {}) =>
      shown.filter((each) => tag === undefined || each.tag === tag),
    pushManager: {
      getSubscription: async () => subscription,
      subscribe: async () => {
        subscription = subscribed("new", [1, 2, 3]);
        return subscription;
      },
    },
  };
  const serviceWorker = {
    register: async () => registration,
    ready: Promise.resolve(registration),
    get controller() {
      return controller;
    },
  };
  vi.stubGlobal("navigator", { serviceWorker });
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("Notification", {
    get permission() {
      return permission;
    },
    requestPermission: async () => void done.push("asks"),
  });
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  vi.stubGlobal("caches", {
    open: async () => ({ put: async () => {} }),
    delete: async () => void done.push("forgets"),
  });
  notifications = new Notifications();
  await notifications.begin();
});
afterEach(() => vi.unstubAllGlobals());

const again = async () => {
  done.length = 0;
  notifications = new Notifications();
  await notifications.begin();
  await notifications.resume(client, DEVICE);
};

test("are on once the user wants them, and at the next start", async () => {
  await notifications.resume(client, DEVICE);
  expect([notifications.state, done]).toEqual(["off", []]);
  await notifications.turnOn(client);
  expect([notifications.state, done]).toEqual(["on", ["asks", "push to new"]]);
  await again();
  expect([notifications.state, done]).toEqual(["on", ["push to new"]]);
});

test.each([
  ["denied", "denied"],
  ["default", "off"],
] as const)("stay away where the answer is %s, also at the next start", async (answer, state) => {
  permission = answer;
  await notifications.turnOn(client);
  expect([notifications.state, done]).toEqual([state, ["asks"]]);
  permission = "granted";
  await again();
  expect([notifications.state, done]).toEqual(["off", []]);
});

test.each([
  ["of the backend's key is kept", [1, 2, 3], ["push to old"]],
  ["of another key is replaced", [9], ["ends old", "push to new"]],
])("a subscription %s", async (_, key, expected) => {
  await notifications.turnOn(client);
  subscription = subscribed("old", key);
  await again();
  expect(done).toEqual(expected);
});

test("that are turned off end here and at the backend, and stay off", async () => {
  await notifications.turnOn(client);
  done.length = 0;
  await notifications.turnOff(client);
  expect([notifications.state, done]).toEqual(["off", ["ends new", "push to undefined"]]);
  await again();
  expect([notifications.state, done]).toEqual(["off", []]);
});

test.each([
  ["while the key is asked for", "key", []],
  ["while the backend hears of it", "push", ["push to new", "ends new", "push to undefined"]],
])("that are turned off %s stay off", async (_, at, expected) => {
  stored.set("switchboard.notifications", "");
  const waiting = Promise.withResolvers<void>();
  const devices = Object.create(client.devices);
  const wait = async (when: string) => (when === at ? waiting.promise : undefined);
  devices.webPushKey = async () => wait("key").then(() => client.devices.webPushKey());
  devices.pushTo = async (to: never) => {
    if (to !== undefined) await wait("push");
    await client.devices.pushTo(to);
  };
  const resuming = notifications.resume({ devices } as unknown as typeof client, DEVICE);
  await new Promise((resolve) => setTimeout(resolve));
  await notifications.turnOff(client);
  done.length = 0;
  subscription = at === "push" ? subscribed("new", [1, 2, 3]) : null;
  waiting.resolve();
  await resuming;
  expect([notifications.state, done]).toEqual(["off", expected]);
});

test("of a chat that is open are seen, and all are once this is no device any more", async () => {
  await notifications.turnOn(client);
  done.length = 0;
  await notifications.seen("c2");
  expect(done.splice(0)).toEqual(["closes c2"]);
  await notifications.forget();
  expect(done).toEqual(["forgets", "ends new", "closes c1", "closes c2"]);
  await again();
  expect(notifications.state).toBe("off");
});

test.each([
  [null, null, false],
  [{}, null, false], // the first worker of this page
  [null, {}, false],
  [{}, {}, true],
])("a newer page waits beside the one that is in use: %#", async (waiting, inUse, waits) => {
  registration.waiting = waiting;
  controller = inUse;
  notifications = new Notifications();
  await notifications.begin();
  expect(notifications.updateWaits).toBe(waits);
});

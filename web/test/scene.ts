/** Whole clients against the real handlers in memory: `useBackend` gives each test of a file its own. */

import { afterEach, beforeEach, vi } from "vitest";
import type { Event } from "../src/client/core/events.ts";
import type { Settings } from "../src/client/core/settings.ts";
import { Store, type Work } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";
import { Backend, type SendFrame, type TestClient } from "./backend.ts";

const QUICK = {
  reconnectBase: 10,
  resendAfter: 3_000,
  fetchRetry: 50,
  claimAgain: 50,
  gapGrace: 20,
  askAfter: [100, 1_000, 5_000],
  // Making and signing one takes libolm longer than most tests take with it.
  keysLow: 4,
  keysWanted: 10,
};

export let backend: Backend;
let suffix = 0;
let ahead = 0;
const clock = Date.now;
const running: TestClient[] = [];

/**
 * For the top of a test file. Hooks belong to the file that runs when they are made, and all files
 * share this module.
 */
export function useBackend(): void {
  beforeEach(async () => {
    suffix += 1;
    backend = await Backend.made();
    backend.install();
    ahead = 0;
    vi.spyOn(Date, "now").mockImplementation(() => clock() + ahead);
  });
  afterEach(async () => {
    for (const { client } of running.splice(0)) await client.abort().catch(() => {});
    globalThis.indexedDB = new IDBFactory(); // the memory of what no test opens any more
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
}

/** So much time passes, on the devices and in the backend. */
export function later(milliseconds: number): void {
  ahead += milliseconds;
  backend.later(milliseconds);
}

/** The devices' clocks are ahead of the backend's from now on; negative: behind. */
export function wrongBy(milliseconds: number): void {
  ahead += milliseconds;
}

/** Names are other ones in each test, for the state of all lies in one IndexedDB. */
export const named = (name: string) => name.replace("/", `${suffix}/`);
export const user = (name: string) => `${name}${suffix}`;

export async function connect(name: string, settings: Partial<Settings> = {}): Promise<TestClient> {
  const made = await backend.client(named(name), { settings: { ...QUICK, ...settings } });
  running.push(made);
  return made;
}

export async function crash(one: TestClient): Promise<void> {
  running.splice(running.indexOf(one), 1);
  await one.client.abort();
}

/**
 * As long as a busy machine may take: only a test that fails waits for so long. What raises is asked
 * again. `vi.waitFor` makes an error with its stack at each look.
 */
export async function until(what: () => unknown, within = 60_000): Promise<void> {
  const end = performance.now() + within;
  for (;;) {
    try {
      if (await what()) return;
      if (performance.now() >= end) throw new Error(`it was waited for without success: ${what}`);
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const shows = ({ events }: TestClient, text: string) =>
  events.filter(
    (event: Event) =>
      (event.type === "message" || event.type === "message_readable") && event.text === text,
  );
export const got = (one: TestClient, text: string) => until(() => shows(one, text).length > 0);

export const eventsOf = <T extends Event["type"]>({ events }: TestClient, type: T) =>
  events.filter((event): event is Extract<Event, { type: T }> => event.type === type);

/** How often it was notified that devices or members are others now. */
export const deviceChanges = (one: TestClient) => eventsOf(one, "devices_changed").length;

export async function texts({ client }: TestClient, chat: string): Promise<(string | undefined)[]> {
  return (await client.messages.history(chat, 1_000)).map((message) => message.text);
}

/** All `send` frames so far. */
export const frames = () => backend.sent.map((text) => JSON.parse(text) as SendFrame);

/** Changes what a device has on disk, while it does not run. */
export async function changeStore(
  { name }: TestClient,
  change: (work: Work) => Promise<void>,
): Promise<void> {
  const store = await Store.open(`switchboard/${name}`, tables.VERSION, tables.TABLES);
  await store.transaction(change);
  await store.close();
}

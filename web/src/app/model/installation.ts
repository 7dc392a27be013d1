/**
 * The record of which device this browser is. It is stored outside of the database, so that the
 * page notices if the browser has deleted the database, and does not make a new one without a word
 * to the user.
 */

import { databaseOf } from "../../client/index.ts";

const MARKER = "switchboard.device";
const NAME_BYTES = 4;

export interface Installation {
  readonly user: string;
  readonly device: string;
}

export function installed(): Installation | undefined {
  const text = localStorage.getItem(MARKER);
  if (text === null) return undefined;
  try {
    const { user, device } = JSON.parse(text) as Record<string, unknown>;
    if (typeof user === "string" && typeof device === "string") return { user, device };
  } catch {
    // not ours: as if there were none
  }
  return undefined;
}

/** Whether this browser is that device, and not another one meanwhile. */
export function isInstalled({ user, device }: Installation): boolean {
  const now = installed();
  return now?.user === user && now.device === device;
}

export function markInstalled({ user, device }: Installation): void {
  localStorage.setItem(MARKER, JSON.stringify({ user, device }));
}

export function forgetInstalled(): void {
  localStorage.removeItem(MARKER);
}

/** A name that none of the user's devices has yet. */
export function newDevice(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(NAME_BYTES));
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const BROWSERS = {
  Edg: "Edge",
  OPR: "Opera",
  Firefox: "Firefox",
  Chrome: "Chrome",
  Safari: "Safari",
};
const SYSTEMS = {
  Android: "Android",
  iPhone: "iPhone",
  iPad: "iPad",
  Windows: "Windows",
  "Mac OS": "macOS",
  CrOS: "ChromeOS",
  Linux: "Linux",
};

/** What this browser calls itself for people: "Firefox on Linux". */
export function browserName(agent = navigator.userAgent): string {
  const named = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).find(([sign]) => agent.includes(sign))?.[1];
  return `${named(BROWSERS) ?? "A browser"} on ${named(SYSTEMS) ?? "a computer"}`;
}

/** False where the browser has deleted what this device had. */
export async function keysAreThere({ user, device }: Installation): Promise<boolean> {
  const names = (await indexedDB.databases()).map(({ name }) => name);
  return names.includes(databaseOf(user, device));
}

/** The page's own database, beside the client's. */
export function pageDatabaseOf({ user, device }: Installation): string {
  return `${databaseOf(user, device)}/page`;
}

/** Deletes what this device had. Nothing can be read here after that. */
export async function deleteDatabases(of: Installation): Promise<void> {
  const own = databaseOf(of.user, of.device);
  const all = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
  for (const name of all.filter((each) => each === own || each.startsWith(`${own}/`))) {
    await new Promise<void>((resolve) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = () => resolve();
      request.onerror = () => resolve(); // it holds sealed rows, and is tried again by nobody
      request.onblocked = () => resolve();
    });
  }
}

/** Olm sessions of a chat and a pair of devices: how one begins, which to use, and which to keep. */

import { nameOf, partsOf } from "../core/ids.ts";
import type { Work } from "../store/store.ts";
import * as tables from "../store/tables.ts";
import type { Self } from "./envelope.ts";
import { type KnownDevice, retired } from "./identities.ts";
import { type IdentityKeys, RatchetError } from "./olm.ts";

/** At most so many for a pair: both may start one at the same time, and again after a loss. */
export const KEPT = 5;

export interface OlmSession {
  readonly chat: string;
  /** The other device, `user/device`. */
  readonly device: string;
  readonly id: string;
  readonly pickle: string;
  /** Order among the pair's sessions: when it was made, and when it last opened something (0 = never). */
  readonly made: number;
  readonly opened: number;
}

/** A device to seal for, `user/device`, by the identity that this device trusts. */
export interface Recipient {
  readonly name: string;
  readonly keys: IdentityKeys;
}

/** To encrypt with: the one that opened something last; before any did, the newest. */
export function toEncrypt(sessions: readonly OlmSession[]): OlmSession | undefined {
  return sessions.toSorted((a, b) => b.opened - a.opened || b.made - a.made)[0];
}

/** In the order to try them: the most recently used first. */
export function byUse(sessions: readonly OlmSession[]): OlmSession[] {
  return sessions.toSorted((a, b) => used(b) - used(a));
}

/** What has to go for the others to be at most KEPT. */
export function superfluous(sessions: readonly OlmSession[]): OlmSession[] {
  return byUse(sessions).slice(KEPT);
}

/** The next number in the order of a pair. */
export function next(sessions: readonly OlmSession[]): number {
  return 1 + Math.max(0, ...sessions.map(used));
}

function used(session: OlmSession): number {
  return Math.max(session.made, session.opened);
}

export async function sessionsWith(
  work: Work,
  chat: string,
  device: string,
): Promise<OlmSession[]> {
  return work.all(tables.olmSessions, undefined, tables.startingWith(chat, device));
}

/** Begins a session with a one-time key that `to` has signed; false if it is no valid key. */
export async function begin(
  work: Work,
  self: Self,
  chat: string,
  to: Recipient,
  oneTimeKey: string,
): Promise<boolean> {
  const account = await work.get(tables.account, tables.ONLY);
  if (account === undefined) throw new RangeError("this device has no account");
  const made = outbound(self, account.pickle, to, oneTimeKey);
  if (made === undefined) return false;
  const { session, id } = made;
  const others = await sessionsWith(work, chat, to.name);
  const row = { chat, device: to.name, id, pickle: session, made: next(others), opened: 0 };
  work.put(tables.olmSessions, row);
  work.put(tables.knownSessions, { id });
  for (const old of superfluous([...others, row])) {
    work.delete(tables.olmSessions, [chat, to.name, old.id]);
  }
  return true;
}

function outbound({ ratchets }: Self, account: string, { keys }: Recipient, oneTimeKey: string) {
  try {
    return ratchets.outbound(account, keys.curve25519, oneTimeKey);
  } catch (error) {
    if (error instanceof RatchetError) return undefined; // signed, and no key anyway
    throw error;
  }
}

/** Of these devices those without a session in the chat. */
export async function withoutSession(
  work: Work,
  chat: string,
  devices: Iterable<string>,
): Promise<string[]> {
  const without: string[] = [];
  for (const name of devices) {
    if ((await sessionsWith(work, chat, name)).length === 0) without.push(name);
  }
  return without;
}

/** Of the identity that was: they open what was sent with it, and encrypt nothing more. */
export async function retireSessions(
  work: Work,
  { user, device, keys }: KnownDevice,
): Promise<void> {
  if (keys === undefined) return;
  const name = nameOf(user, device);
  const range = IDBKeyRange.only([name]);
  for (const row of await work.all(tables.olmSessions, "device", range)) {
    work.delete(tables.olmSessions, [row.chat, name, row.id]);
    work.put(tables.olmSessions, { ...row, device: retired(name, keys) });
  }
}

/** Every session of a chat; whether there was one. */
export async function retireAll(work: Work, chat: string): Promise<boolean> {
  let any = false;
  for (const row of await work.all(tables.olmSessions, undefined, tables.startingWith(chat))) {
    if (row.device.includes("#")) continue;
    any = true;
    const keys = (await work.get(tables.knownDevices, [...partsOf(row.device)]))?.keys;
    work.delete(tables.olmSessions, [chat, row.device, row.id]);
    if (keys === undefined) continue;
    work.put(tables.olmSessions, { ...row, device: retired(row.device, keys) });
  }
  return any;
}

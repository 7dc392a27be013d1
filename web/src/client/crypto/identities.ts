/**
 * The stored identity keys of other devices, and the changes by a response of the directory: an
 * entry is used only if its signature is right and its keys are the stored ones.
 */

import type { FormerDevice } from "../core/bodies.generated.ts";
import type { Found, Listing } from "../core/cipher.ts";
import type { Work } from "../store/store.ts";
import * as tables from "../store/tables.ts";
import { checkedFormer, checkedList, isIntroduced } from "./entries.ts";
import type { Self } from "./envelope.ts";
import type { IdentityKeys } from "./olm.ts";

export interface KnownDevice {
  readonly user: string;
  readonly device: string;
  /** Trusted: the first that were seen, or what this device's user accepted. */
  readonly keys: IdentityKeys | undefined;
  /** What the directory shows instead; nothing is sent to the user until it is accepted. */
  readonly pending: IdentityKeys | undefined;
  /** The user compared safety numbers or emoji. */
  readonly verified: boolean;
  /** What the device had before `keys`: these open what it sent then, and nothing is sent for them. */
  readonly former?: readonly IdentityKeys[];
  /** The user had to accept `keys`, now or before: no other device vouches for them. */
  readonly accepted?: boolean;
  /** Since when `keys` are trusted, epoch ms by this device's clock: seen first, or accepted. */
  readonly trustedAt: number;
}

/** A device that this one has linked, with the keys that its code stands for. */
export type Introduced = Pick<KnownDevice, "user" | "device"> & { readonly keys: IdentityKeys };

/** Keys that a device had; the later `until`, the later it had them. */
export type Former = Pick<FormerDevice, "device" | "keys" | "until">;

/** An identity that a message may be by. */
export interface Author {
  readonly keys: IdentityKeys;
  readonly former: boolean;
}

export type Listed = ReadonlyMap<string, IdentityKeys>;

/** What the directory lists of a user, and what is remembered of the user since it did. */
export interface Seen {
  readonly listed: Listed;
  readonly memory: readonly KnownDevice[];
}

export type Change = { readonly device: string; readonly what: "added" | "changed" | "new" };

export interface Recognised {
  /** Rows that are to be written. */
  readonly changed: readonly KnownDevice[];
  readonly changes: readonly Change[];
}

/** All methods inside a transaction; `time` is that of the step, epoch ms. */
export class Identities {
  readonly #work: Work;
  readonly #self: Self;
  readonly #time: number;

  constructor(work: Work, self: Self, time: number) {
    this.#work = work;
    this.#self = self;
    this.#time = time;
  }

  /**
   * Stores the user's devices as the directory lists them; entries without a valid signature are
   * ignored.
   */
  async learn(user: string, found: Listing): Promise<Found> {
    const listed = checkedList(this.#self, user, found);
    const former = checkedFormer(this.#self, user, found.former);
    const memory = await this.devices(user);
    const own = user === this.#self.user;
    const rows = own ? await this.#work.all(tables.introduced) : [];
    const linked = new Map(rows.map(({ device, keys }) => [device, keys]));
    const introduced = new Map([
      ...linked,
      ...introductions(this.#self, user, memory, listed, found, linked),
    ]);
    const { changed, changes } = recognise(user, memory, listed, this.#time, {
      former,
      own,
      introduced,
    });
    for (const row of changed) this.#work.put(tables.knownDevices, row);
    const named = (added: boolean) =>
      changes.filter(({ what }) => (what === "added") === added).map(({ device }) => device);
    const learned = changed.map(({ device }) => device);
    return { listed, learned, added: named(true), changed: named(false) };
  }

  /** All devices of the user that this one remembers, listed or not. */
  async devices(user: string): Promise<KnownDevice[]> {
    return this.#work.all(tables.knownDevices, undefined, tables.startingWith(user));
  }

  /** Of the keys that devices show now, those in `keys` are trusted; gives the rows before that. */
  async accept(user: string, keys: Listed): Promise<KnownDevice[]> {
    const waiting = (await this.devices(user)).filter(({ pending }) => pending !== undefined);
    return this.#agree(waiting, keys, false);
  }

  /** As `accept`, and all are verified; undefined where the devices are not those `seen`. */
  async compared(user: string, seen: Seen): Promise<KnownDevice[] | undefined> {
    const memory = await this.devices(user);
    return alike(memory, seen.memory) ? this.#agree(memory, seen.listed, true) : undefined;
  }

  /** This device's user has agreed to these keys. Gives the rows that waited for that. */
  #agree(rows: readonly KnownDevice[], keys: Listed, compared: boolean): KnownDevice[] {
    const accepted: KnownDevice[] = [];
    for (const row of rows) {
      const shown = keys.get(row.device);
      const trusted = shown && agreed(row, shown, this.#time);
      if (trusted === undefined) continue;
      const verified = compared || trusted.verified;
      this.#work.put(tables.knownDevices, { ...trusted, verified });
      if (row.pending !== undefined) accepted.push(row);
    }
    return accepted;
  }
}

/**
 * What else is known of the user: `introduced` are keys of devices that this one has linked, or
 * another one that is verified.
 */
interface Besides {
  readonly former?: readonly Former[];
  readonly own?: boolean;
  readonly introduced?: Listed;
}

/**
 * The memory of `user` after the directory has listed `listed`.
 *
 * Devices that are no longer listed stay remembered: one that comes back has to be the same.
 */
export function recognise(
  user: string,
  memory: readonly KnownDevice[],
  listed: Listed,
  now: number,
  { former = [], own = false, introduced = new Map() }: Besides = {},
): Recognised {
  const known = new Map(memory.map((each) => [each.device, each]));
  const verified = memory.some((each) => each.verified);
  const first = memory.length === 0 && !own; // of this user's own devices the first is this one
  const changed: KnownDevice[] = [];
  const changes: Change[] = [];
  for (const [device, keys] of listed) {
    const before = known.get(device);
    const key = introduced.get(device);
    const linked = key !== undefined && same(key, keys);
    if (before === undefined && linked) {
      changed.push({ user, device, keys, pending: undefined, verified: true, trustedAt: now });
      changes.push({ device, what: "added" });
    } else if (before === undefined) {
      changed.push({
        user,
        device,
        keys: verified ? undefined : keys,
        pending: verified ? keys : undefined,
        verified: false,
        trustedAt: now,
      });
      if (!first) changes.push({ device, what: verified ? "new" : "added" });
    } else if (before.keys !== undefined && same(before.keys, keys)) {
      const isVerified = before.verified || linked;
      if (before.pending !== undefined || before.verified !== isVerified) {
        changed.push({ ...before, pending: undefined, verified: isVerified });
      }
    } else if (before.pending === undefined || !same(before.pending, keys)) {
      changed.push({ ...before, pending: keys });
      changes.push({ device, what: before.keys === undefined ? "new" : "changed" });
    }
  }
  const were = formerOf(user, former, changed, new Set(known.keys()), verified, now);
  if (!first && !verified) {
    for (const { device } of were.gone) changes.push({ device, what: "added" });
  }
  return { changed: [...were.changed, ...were.gone], changes };
}

/**
 * What former identities add to rows of devices that were not `known` before: of a known one only
 * the identity that is remembered counts. A device that is `gone` is remembered by its last one.
 */
function formerOf(
  user: string,
  former: readonly Former[],
  changed: readonly KnownDevice[],
  known: ReadonlySet<string>,
  verified: boolean,
  now: number,
): { changed: KnownDevice[]; gone: KnownDevice[] } {
  const rows = new Map(changed.map((row) => [row.device, row]));
  const gone = new Map<string, KnownDevice>();
  for (const { device, keys } of former.toSorted((a, b) => b.until - a.until)) {
    if (known.has(device)) continue;
    const row = rows.get(device) ?? gone.get(device);
    if (row === undefined) {
      const trusted = verified ? { keys: undefined, pending: keys } : { keys, pending: undefined };
      gone.set(device, { user, device, ...trusted, verified: false, trustedAt: now });
    } else if (!verified) {
      (gone.has(device) ? gone : rows).set(device, withFormer(row, keys));
    }
  }
  return { changed: [...rows.values()], gone: [...gone.values()] };
}

function withFormer(row: KnownDevice, keys: IdentityKeys): KnownDevice {
  const others = (row.former ?? []).filter((each) => !same(each, keys));
  return { ...row, former: [...others, keys] };
}

/** The identities whose messages count: the trusted one, and those the device had before. */
export function authorsOf({ keys, former = [] }: KnownDevice): Author[] {
  const before = former.filter((each) => keys === undefined || !same(each, keys));
  return [
    ...(keys === undefined ? [] : [{ keys, former: false }]),
    ...before.map((each) => ({ keys: each, former: true })),
  ];
}

/** Where sessions with an identity stand once the device has another one. */
export function retired(name: string, { ed25519 }: IdentityKeys): string {
  return `${name}#${ed25519}`;
}

/**
 * The row once this device's user has agreed to `keys`: trusted where they were waiting for that.
 * Undefined where the device shows others by now.
 */
export function agreed(row: KnownDevice, keys: IdentityKeys, now: number): KnownDevice | undefined {
  const shown = row.pending ?? row.keys;
  if (shown === undefined || !same(shown, keys)) return undefined;
  if (row.pending === undefined) return row;
  const before = row.keys === undefined ? row : withFormer(row, row.keys);
  return { ...before, keys, pending: undefined, verified: false, accepted: true, trustedAt: now };
}

/** Whether nothing may be sent to the user: one of the listed devices is not as remembered. */
export function blocked(memory: readonly KnownDevice[], listed: Iterable<string>): boolean {
  const names = new Set(listed);
  return memory.some((each) => each.pending !== undefined && names.has(each.device));
}

/** Whether the devices in both are the same ones, with the same keys. */
export function alike(a: readonly KnownDevice[], b: readonly KnownDevice[]): boolean {
  const identities = (rows: readonly KnownDevice[]) =>
    JSON.stringify(rows.map(({ device, keys, pending }) => [device, keys, pending]));
  return identities(a) === identities(b);
}

export function same(a: IdentityKeys, b: IdentityKeys): boolean {
  return a.curve25519 === b.curve25519 && a.ed25519 === b.ed25519;
}

/**
 * The keys that verified devices of the user have signed for devices that they linked.
 *
 * A device that this one has `linked`, with these keys, is verified as well. What is introduced
 * introduces others in its turn. Only listed devices introduce others: the signatures of a removed
 * device do not count any more. Devices whose keys the user had to accept are not introduced.
 */
function introductions(
  self: Self,
  user: string,
  memory: readonly KnownDevice[],
  listed: Listed,
  found: Listing,
  linked: Listed,
): Listed {
  const known = new Map(memory.map((row) => [row.device, row]));
  const trusted = new Map<string, string>();
  const candidates = new Map<string, IdentityKeys>();
  for (const [device, keys] of listed) {
    const before = known.get(device);
    if (before !== undefined && !shows(before, keys)) continue;
    const own = linked.get(device);
    if (before?.verified || (own !== undefined && same(own, keys))) {
      trusted.set(device, keys.ed25519);
    } else if (!before?.accepted && !before?.former?.length) {
      candidates.set(device, keys);
    }
  }
  const introduced = new Map<string, IdentityKeys>();
  for (let before = -1; before !== trusted.size; ) {
    before = trusted.size;
    for (const [device, keys] of candidates) {
      if (trusted.has(device)) continue;
      const introduction = found.devices.get(device)?.introduction;
      if (!isIntroduced(self.ratchets, { user, device, keys }, introduction, trusted)) continue;
      introduced.set(device, keys);
      trusted.set(device, keys.ed25519);
    }
  }
  return introduced;
}

/** These are its trusted keys, and it does not wait for the acceptance of others. */
function shows({ keys, pending }: KnownDevice, shown: IdentityKeys): boolean {
  return keys !== undefined && pending === undefined && same(keys, shown);
}

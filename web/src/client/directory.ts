/**
 * Other devices' keys: nothing from the backend's directory is used before its signature holds, and
 * before it is as this device remembers it.
 */

import type { Api } from "./api.ts";
import type { SignedDevice } from "./core/bodies.generated.ts";
import type { Event } from "./core/events.ts";
import { nameOf, partsOf } from "./core/ids.ts";
import type { Self } from "./crypto/envelope.ts";
import { blocked, type KnownDevice, type Listed, recognise } from "./crypto/identities.ts";
import type { IdentityKeys, Ratchets } from "./crypto/olm.ts";
import type { Recipient } from "./crypto/sealing.ts";
import { canonical, deviceDocument, keyDocument } from "./crypto/signing.ts";
import type { Driver } from "./driver.ts";
import { ApiError } from "./errors.ts";
import * as tables from "./store/tables.ts";
import { startingWith } from "./store/tables.ts";

const CLAIMED_AT_ONCE = 100;

/** The registered devices of a user, and whether they are as remembered. */
export interface Roll {
  /** Those with keys that are trusted here. */
  readonly devices: readonly Recipient[];
  /** Nothing may be sent to the user until the user of this device has accepted a change. */
  readonly blocked: boolean;
}

/** What the directory lists of a user, and what is remembered of the user since it did. */
export interface Seen {
  readonly listed: Listed;
  readonly memory: readonly KnownDevice[];
}

export class Directory {
  readonly #self: Self;
  readonly #api: Api;
  readonly #driver: Driver;
  readonly #notify: (event: Event) => void;
  readonly #asked = new Map<string, Promise<Seen>>();
  #version = 0;

  constructor(self: Self, api: Api, driver: Driver, notify: (event: Event) => void) {
    this.#self = self;
    this.#api = api;
    this.#driver = driver;
    this.#notify = notify;
  }

  /** The next question about the user (or about everybody) goes to the backend. */
  forget(user?: string): void {
    this.#version += 1;
    if (user === undefined) this.#asked.clear();
    else this.#asked.delete(user);
  }

  /** Another one each time something is forgotten. */
  get version(): number {
    return this.#version;
  }

  /** Raises ApiError and Unreachable. */
  async roll(user: string): Promise<Roll> {
    const { listed } = await this.#seen(user);
    const memory = await this.memory(user);
    const known = new Map(memory.map((each) => [each.device, each.keys]));
    const devices = [...listed.keys()].flatMap((device) => {
      const keys = known.get(device);
      return keys === undefined ? [] : [{ name: nameOf(user, device), keys }];
    });
    return { devices, blocked: blocked(memory, listed.keys()) };
  }

  /** As the directory says now, and not before. Raises ApiError and Unreachable. */
  async seen(user: string): Promise<Seen> {
    this.forget(user);
    return this.#seen(user);
  }

  async memory(user: string): Promise<KnownDevice[]> {
    return this.#driver.step(({ ledger }) =>
      ledger.work.all(tables.knownDevices, undefined, startingWith(user)),
    );
  }

  /** Asks who the user's devices are, unless this one is known. */
  async meet(user: string, device: string): Promise<void> {
    if (nameOf(user, device) === this.#self.name) return;
    const known = await this.#driver.step(({ ledger }) =>
      ledger.work.get(tables.knownDevices, [user, device]),
    );
    if (known !== undefined) return;
    const { listed } = await this.#seen(user);
    if (!listed.has(device)) await this.seen(user);
  }

  /** Keys to begin sessions with, of those that have one left; checked. Raises ApiError, Unreachable. */
  async claim(recipients: readonly Recipient[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let at = 0; at < recipients.length; at += CLAIMED_AT_ONCE) {
      const some = recipients.slice(at, at + CLAIMED_AT_ONCE);
      for (const [name, key] of await this.#claimed(some)) found.set(name, key);
    }
    return found;
  }

  async #claimed(recipients: readonly Recipient[]): Promise<[string, string][]> {
    let response: Awaited<ReturnType<Api["claim"]>>;
    try {
      response = await this.#api.claim(recipients.map(({ name }) => name));
    } catch (error) {
      // Too often: they are left out now, and tried again at the next message.
      if (error instanceof ApiError && error.status === 429) return [];
      throw error;
    }
    return recipients.flatMap(({ name, keys }): [string, string][] => {
      const claimed = response.get(name);
      if (claimed === undefined) return [];
      const [user, device] = partsOf(name);
      const document = keyDocument(user, device, claimed.id, claimed.key, claimed.fallback);
      const good = signedBy(this.#self.ratchets, keys, document, claimed.signature);
      return good ? [[name, claimed.key]] : [];
    });
  }

  async #seen(user: string): Promise<Seen> {
    const known = this.#asked.get(user);
    if (known !== undefined) return known;
    const asking = this.#ask(user);
    this.#asked.set(user, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.#asked.get(user) === asking) this.#asked.delete(user);
      throw error;
    }
  }

  async #ask(user: string): Promise<Seen> {
    const listed = new Map<string, IdentityKeys>();
    for (const [device, entry] of await this.#entries(user)) {
      // Nobody has to say who this device is.
      if (nameOf(user, device) === this.#self.name) continue;
      if (this.#sound(user, device, entry)) listed.set(device, entry.keys);
    }
    return { listed, memory: await this.#remember(user, listed) };
  }

  async #entries(user: string): Promise<Map<string, SignedDevice>> {
    try {
      return await this.#api.devices(user);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return new Map(); // a user who is no more
      throw error;
    }
  }

  /** A device whose entry it has not signed itself is none. */
  #sound(user: string, device: string, { keys, signature }: SignedDevice): boolean {
    const document = deviceDocument(user, device, keys);
    return signedBy(this.#self.ratchets, keys, document, signature);
  }

  async #remember(user: string, listed: Listed): Promise<KnownDevice[]> {
    const { changes, memory } = await this.#driver.step(async (step, engine) => {
      const { work } = step.ledger;
      const remembered = () => work.all(tables.knownDevices, undefined, startingWith(user));
      const recognised = recognise(user, await remembered(), listed, step.time);
      for (const row of recognised.changed) work.put(tables.knownDevices, row);
      for (const { device } of recognised.changed) await engine.reopen(step, user, device);
      return { changes: recognised.changes, memory: await remembered() };
    });
    for (const { device, what } of changes) {
      const type = what === "added" ? "device_added" : "identity_changed";
      this.#notify({ type, user, device });
    }
    return memory;
  }
}

function signedBy(
  ratchets: Ratchets,
  keys: IdentityKeys,
  document: Parameters<typeof canonical>[0],
  signature: string,
): boolean {
  return ratchets.verify(keys.ed25519, canonical(document), signature);
}

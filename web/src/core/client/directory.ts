/**
 * Other devices' keys: nothing from the backend's directory is used before its signature holds, and
 * before it is as this device remembers it.
 */

import { held, type KnownDevice, type Listed, recognise } from "../crypto/identity.ts";
import type { IdentityKeys, Ratchets } from "../crypto/olm.ts";
import type { Recipient } from "../crypto/sealing.ts";
import { canonical, deviceDocument, keyDocument } from "../crypto/signing.ts";
import { nameOf, partsOf, type Self } from "../device.ts";
import { ApiError } from "../errors.ts";
import type { Api, SignedDevice } from "../net/api.ts";
import type { Event } from "../protocol/events.ts";
import * as tables from "../store/tables.ts";
import { startingWith } from "../store/tables.ts";
import type { Driver } from "./driver.ts";

const CLAIMED_AT_ONCE = 100;

/** The registered devices of a user, and whether they are as remembered. */
export interface Roll {
  /** Those with keys that are trusted here. */
  readonly devices: readonly Recipient[];
  /** What the directory shows, trusted or not. */
  readonly shown: Listed;
  /** Nothing may be sent to the user until the user of this device has accepted a change. */
  readonly held: boolean;
}

export class Directory {
  readonly #self: Self;
  readonly #api: Api;
  readonly #driver: Driver;
  readonly #tell: (event: Event) => void;
  readonly #rolls = new Map<string, Promise<Listed>>();
  #version = 0;

  constructor(self: Self, api: Api, driver: Driver, tell: (event: Event) => void) {
    this.#self = self;
    this.#api = api;
    this.#driver = driver;
    this.#tell = tell;
  }

  /** The next question about the user (or about everybody) goes to the backend. */
  forget(user?: string): void {
    this.#version += 1;
    if (user === undefined) this.#rolls.clear();
    else this.#rolls.delete(user);
  }

  /** Another one each time something is forgotten. */
  get version(): number {
    return this.#version;
  }

  /** Raises ApiError and Unreachable. */
  async roll(user: string): Promise<Roll> {
    const listed = await this.#listed(user);
    const memory = await this.memory(user);
    const known = new Map(memory.map((each) => [each.device, each.keys]));
    const devices = [...listed.keys()].flatMap((device) => {
      const keys = known.get(device);
      return keys === undefined ? [] : [{ name: nameOf(user, device), keys }];
    });
    return { devices, shown: listed, held: held(memory, listed.keys()) };
  }

  async memory(user: string): Promise<KnownDevice[]> {
    return this.#driver.step(({ ledger }) =>
      ledger.work.all(tables.knownDevices, undefined, startingWith(user)),
    );
  }

  /** Asks who the user's devices are, unless this one is known. */
  async meet(user: string, device: string): Promise<void> {
    const known = await this.#driver.step(({ ledger }) =>
      ledger.work.get(tables.knownDevices, [user, device]),
    );
    if (known !== undefined) return;
    const listed = await this.#listed(user);
    if (listed.has(device)) return;
    this.forget(user);
    await this.#listed(user);
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
    let answer: Awaited<ReturnType<Api["claim"]>>;
    try {
      answer = await this.#api.claim(recipients.map(({ name }) => name));
    } catch (error) {
      // Too often: they are left out now, and tried again at the next message.
      if (error instanceof ApiError && error.status === 429) return [];
      throw error;
    }
    return recipients.flatMap(({ name, keys }): [string, string][] => {
      const claimed = answer?.[name];
      if (typeof claimed?.id !== "string" || typeof claimed.key !== "string") return [];
      const [user, device] = partsOf(name);
      const document = keyDocument(user, device, claimed.id, claimed.key, claimed.fallback);
      const good = signedBy(this.#self.ratchets, keys, document, claimed.signature);
      return good ? [[name, claimed.key]] : [];
    });
  }

  async #listed(user: string): Promise<Listed> {
    const known = this.#rolls.get(user);
    if (known !== undefined) return known;
    const asking = this.#ask(user);
    this.#rolls.set(user, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.#rolls.get(user) === asking) this.#rolls.delete(user);
      throw error;
    }
  }

  async #ask(user: string): Promise<Listed> {
    const answer = await this.#api.devices(user);
    const listed = new Map<string, IdentityKeys>();
    for (const [device, entry] of Object.entries(answer ?? {})) {
      const keys = this.#sound(user, device, entry);
      if (keys !== undefined) listed.set(device, keys);
    }
    await this.#remember(user, listed);
    return listed;
  }

  /** A device whose entry it has not signed itself is none. */
  #sound(user: string, device: string, entry: SignedDevice): IdentityKeys | undefined {
    const { curve25519, ed25519 } = entry?.keys ?? {};
    if (typeof curve25519 !== "string" || typeof ed25519 !== "string") return undefined;
    const keys = { curve25519, ed25519 };
    const document = deviceDocument(user, device, keys);
    return signedBy(this.#self.ratchets, keys, document, entry.signature) ? keys : undefined;
  }

  async #remember(user: string, listed: Listed): Promise<void> {
    const changes = await this.#driver.step(async (step, engine) => {
      const { work } = step.ledger;
      const memory = await work.all(tables.knownDevices, undefined, startingWith(user));
      const recognised = recognise(user, memory, listed);
      for (const row of recognised.changed) work.put(tables.knownDevices, row);
      for (const { device } of recognised.changed) await engine.reopen(step, user, device);
      return recognised.changes;
    });
    for (const { device, what } of changes) {
      const type = what === "added" ? "device_added" : "identity_changed";
      if (nameOf(user, device) !== this.#self.name) this.#tell({ type, user, device });
    }
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

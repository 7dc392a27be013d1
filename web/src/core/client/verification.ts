/** Knowing that a device is whose it says: safety numbers, emoji, and accepting a change. */

import { Comparisons, type Effect } from "../crypto/comparisons.ts";
import type { Content } from "../crypto/envelope.ts";
import { accepted, type KnownDevice } from "../crypto/identity.ts";
import { type DeviceKeys, safetyNumber } from "../crypto/safety-number.ts";
import type { Comparison } from "../crypto/sas.ts";
import type { Recipient } from "../crypto/sealing.ts";
import { nameOf, partsOf, type Self } from "../device.ts";
import { ClientError } from "../errors.ts";
import type { Event } from "../protocol/events.ts";
import type { Message } from "../protocol/frames.ts";
import type { Work } from "../store/store.ts";
import * as tables from "../store/tables.ts";
import type { Directory } from "./directory.ts";
import type { Driver } from "./driver.ts";
import type { Sealer } from "./sealer.ts";

export class Verification {
  readonly #self: Self;
  readonly #driver: Driver;
  readonly #directory: Directory;
  readonly #sealer: Sealer;
  readonly #tell: (event: Event) => void;
  readonly #comparisons: Comparisons;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    self: Self,
    driver: Driver,
    directory: Directory,
    sealer: Sealer,
    tell: (event: Event) => void,
  ) {
    this.#self = self;
    this.#driver = driver;
    this.#directory = directory;
    this.#sealer = sealer;
    this.#tell = tell;
    const me = { name: self.name, ed25519: self.keys.ed25519 };
    this.#comparisons = new Comparisons(self.ratchets, me);
  }

  /**
   * 60 digits that `user` sees as well, unless somebody sits in between, and the text of the QR
   * code. Of the identities that the directory shows, those that wait for acceptance included.
   */
  async safetyNumber(user: string): Promise<{ digits: string; qr: string }> {
    const mine = await this.#shownBy(this.#self.user);
    return safetyNumber([
      [this.#self.user, { ...mine, [this.#self.device]: this.#self.keys.ed25519 }],
      [user, await this.#shownBy(user)],
    ]);
  }

  /**
   * `shown` is what `user` sees: the digits, or the text of the QR code. True: all devices of the
   * user are verified now, and changed identities accepted.
   */
  async compareSafetyNumber(user: string, shown: string): Promise<boolean> {
    const { digits, qr } = await this.safetyNumber(user);
    if (shown !== qr && shown.replaceAll(/\s/g, "") !== digits) return false;
    const devices = new Set((await this.#directory.roll(user)).shown.keys());
    await this.accept(user);
    await this.#change(user, (row) => devices.has(row.device) && { ...row, verified: true });
    return true;
  }

  /** From now on the identities that the directory shows are trusted; messages go out again. */
  async accept(user: string): Promise<void> {
    await this.#driver.step(async (step, engine) => {
      const { work } = step.ledger;
      for (const row of accepted(await this.#memory(work, user))) {
        work.put(tables.knownDevices, row);
        await this.#dropSessions(work, nameOf(user, row.device));
        await engine.reopen(step, user, row.device);
      }
    });
    await this.#sealer.pokeAll();
  }

  // -- emoji

  /** Asks a device, `user/device`, to compare emoji, or agrees to what it asks. */
  async compare(chat: string, device: string): Promise<void> {
    const { name, keys } = await this.#recipient(device);
    const party = { name, ed25519: keys.ed25519 };
    await this.#carryOut(this.#comparisons.start(chat, party, performance.now()));
  }

  /** The user says whether the emoji are the same on both. */
  async decide(device: string, match: boolean): Promise<void> {
    await this.#carryOut(this.#comparisons.decide(device, match, performance.now()));
  }

  async cancel(device: string): Promise<void> {
    await this.#carryOut(this.#comparisons.cancel(device));
  }

  comparisonWith(device: string): Comparison | undefined {
    return this.#comparisons.with(device);
  }

  async received(
    message: Message,
    { txn, step }: Extract<Content, { kind: "sas" }>,
  ): Promise<void> {
    const { sender, senderDevice, chat } = message;
    const known = (await this.#directory.memory(sender)).find(
      (each) => each.device === senderDevice,
    );
    if (known?.keys === undefined) return;
    const party = { name: nameOf(sender, senderDevice), ed25519: known.keys.ed25519 };
    const now = performance.now();
    await this.#carryOut(this.#comparisons.received(chat, party, txn, step, now));
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  async #carryOut(effects: readonly Effect[]): Promise<void> {
    for (const { chat, device, txn, steps, comparison } of effects) {
      if (comparison?.stage === "verified") await this.#proved(comparison);
      for (const step of steps) {
        await this.#sealer.sendStep(chat, await this.#recipient(device), {
          kind: "sas",
          txn,
          step,
        });
      }
      if (comparison !== undefined) this.#tell({ type: "comparison", chat, comparison });
    }
    this.#arm();
  }

  async #proved({ peer }: Comparison): Promise<void> {
    const [user, device] = partsOf(peer.name);
    const same = (row: KnownDevice) =>
      row.device === device && row.pending === undefined && row.keys?.ed25519 === peer.ed25519;
    await this.#change(user, (row) => same(row) && { ...row, verified: true });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#comparisons.nextDue();
    if (due === undefined) return;
    const pause = Math.max(0, due - performance.now());
    this.#timer = setTimeout(() => {
      void this.#carryOut(this.#comparisons.due(performance.now())).catch(() => {});
    }, pause);
  }

  // -- identities

  async #recipient(name: string): Promise<Recipient> {
    const { devices } = await this.#directory.roll(partsOf(name)[0]);
    const found = devices.find((each) => each.name === name);
    if (found === undefined) throw new ClientError(`there is no device ${name}`);
    return found;
  }

  async #shownBy(user: string): Promise<DeviceKeys> {
    const { shown } = await this.#directory.roll(user);
    return Object.fromEntries([...shown].map(([device, keys]) => [device, keys.ed25519]));
  }

  async #memory(work: Work, user: string): Promise<KnownDevice[]> {
    return work.all(tables.knownDevices, undefined, tables.startingWith(user));
  }

  async #change(user: string, how: (row: KnownDevice) => KnownDevice | false): Promise<void> {
    await this.#driver.step(async ({ ledger: { work } }) => {
      for (const row of await this.#memory(work, user)) {
        const changed = how(row);
        if (changed !== false) work.put(tables.knownDevices, changed);
      }
    });
  }

  /** They belong to the identity that was. */
  async #dropSessions(work: Work, device: string): Promise<void> {
    const range = IDBKeyRange.only([device]);
    for (const session of await work.all(tables.olmSessions, "device", range)) {
      work.delete(tables.olmSessions, [session.chat, device, session.id]);
    }
  }
}

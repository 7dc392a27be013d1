/** Verification of devices: safety numbers, emoji, and accepting changed keys. */

import type { Event } from "./core/events.ts";
import type { Message } from "./core/frames.ts";
import { nameOf, partsOf } from "./core/ids.ts";
import { isMember } from "./core/membership.ts";
import type { SasContent } from "./core/outputs.ts";
import type { Self } from "./crypto/envelope.ts";
import { type KnownDevice, type Listed, type Seen, same } from "./crypto/identities.ts";
import type { IdentityKeys } from "./crypto/olm.ts";
import { type DeviceKeys, isShown, safetyNumber } from "./crypto/safety-number.ts";
import type { Comparison } from "./crypto/sas.ts";
import type { Recipient } from "./crypto/sessions.ts";
import { type Effect, Verifications } from "./crypto/verifications.ts";
import type { Directory } from "./directory.ts";
import type { Driver } from "./driver.ts";
import { ClientError } from "./errors.ts";
import type { ChatRow } from "./store/tables.ts";
import * as tables from "./store/tables.ts";

export class Verification {
  readonly #self: Self;
  readonly #driver: Driver;
  readonly #directory: Directory;
  readonly #learn: () => Promise<void>;
  readonly #notify: (event: Event) => void;
  readonly #verifications: Verifications;
  #received: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `learn`: asks the backend for the list of chats, which says what kind each is. */
  constructor(
    self: Self,
    driver: Driver,
    directory: Directory,
    learn: () => Promise<void>,
    notify: (event: Event) => void,
  ) {
    this.#self = self;
    this.#driver = driver;
    this.#directory = directory;
    this.#learn = learn;
    this.#notify = notify;
    const me = { name: self.name, ed25519: self.keys.ed25519 };
    this.#verifications = new Verifications(self.ratchets, me);
  }

  /**
   * 60 digits that `user` sees as well, unless somebody sits in between, and the text of the QR
   * code. Of the identities that the directory shows now, those that wait for acceptance included.
   */
  async safetyNumber(user: string): Promise<{ digits: string; qr: string }> {
    return this.#numberOf(user, await this.#directory.seen(user));
  }

  /**
   * `shown` is what `user` sees: the digits, or the text of the QR code. True: all devices of the
   * user are verified now, and changed identities accepted. False as well where one of them became
   * another one while it was compared.
   */
  async compareSafetyNumber(user: string, shown: string): Promise<boolean> {
    const seen = await this.#directory.seen(user);
    if (!isShown(await this.#numberOf(user, seen), shown)) return false;
    return this.#driver.step((step, engine) => engine.compared(step, user, seen));
  }

  /**
   * Trusts the changed identities in `shown`, which is what `devices` gave and the user saw, as far
   * as the directory shows the same ones now. Messages go out again when nothing else has changed.
   */
  async accept(user: string, shown: readonly KnownDevice[]): Promise<void> {
    const { listed } = await this.#directory.seen(user);
    const wanted = new Map<string, IdentityKeys>();
    for (const { device, pending } of shown) {
      const now = listed.get(device);
      if (pending !== undefined && now !== undefined && same(pending, now)) wanted.set(device, now);
    }
    await this.#driver.step((step, engine) => engine.accept(step, user, wanted));
  }

  // -- emoji

  /** Asks a device, `user/device`, to compare emoji, or agrees to what it asks. */
  async compare(chat: string, device: string): Promise<void> {
    const to = await this.#recipient(device);
    if (to === undefined) throw new ClientError(`there is no device ${device} that is trusted`);
    const [user] = partsOf(device);
    if ((await this.#about(chat)).request === true) {
      throw new ClientError(`accept the request of ${user} first, or answer it`);
    }
    if (!(await this.#isBetween(chat, user))) {
      throw new ClientError("emoji are compared in the direct chat of the two");
    }
    const party = { name: to.name, ed25519: to.keys.ed25519 };
    await this.#carryOut(this.#verifications.start(chat, party, performance.now()));
  }

  /** The user says whether the emoji are the same on both. */
  async decide(device: string, match: boolean): Promise<void> {
    await this.#carryOut(this.#verifications.decide(device, match, performance.now()));
  }

  async cancel(device: string): Promise<void> {
    await this.#carryOut(this.#verifications.cancel(device));
  }

  comparisonWith(device: string): Comparison | undefined {
    return this.#verifications.with(device);
  }

  /** Steps are taken in the order in which they came, though each has to look up who sends it. */
  async received(message: Message, content: SasContent): Promise<void> {
    const turn = this.#received.then(() => this.#take(message, content));
    this.#received = turn.catch(() => {});
    await turn;
  }

  /** The device shows another identity: a comparison with it can prove nothing any more. */
  async changed(user: string, device: string): Promise<void> {
    await this.#carryOut(this.#verifications.cancel(nameOf(user, device), "identity_changed"));
  }

  /** The user leaves: cancels all comparisons, which notifies the other devices. */
  async leave(): Promise<void> {
    for (const device of this.#verifications.open()) await this.cancel(device);
  }

  /** Ends like a crash: all comparisons are forgotten, and nobody is notified. */
  end(): void {
    clearTimeout(this.#timer);
    this.#verifications.end();
  }

  async #take(message: Message, { txn, step }: SasContent): Promise<void> {
    const { sender, senderDevice, chat } = message;
    const name = nameOf(sender, senderDevice);
    if (!(await this.#isBetween(chat, sender))) return;
    const known = await this.#driver.step(({ ledger }) =>
      ledger.work.get(tables.knownDevices, [sender, senderDevice]),
    );
    if (known?.keys === undefined) return;
    if (known.pending !== undefined) return this.changed(sender, senderDevice);
    const party = { name, ed25519: known.keys.ed25519 };
    const now = performance.now();
    await this.#carryOut(this.#verifications.received(chat, party, txn, step, now));
  }

  /**
   * Whether it is the direct chat with `user`; this user's own devices may use any. In a request
   * nothing is sent before the user has accepted it.
   */
  async #isBetween(chat: string, user: string): Promise<boolean> {
    const kindOf = async () => (await this.#about(chat)).kind;
    if (user !== this.#self.user && (await kindOf()) === undefined) await this.#learn();
    const { kind, members, request } = await this.#about(chat);
    if (request === true) return false;
    return user === this.#self.user || (kind === "direct" && isMember(members, user));
  }

  #about(chat: string): Promise<ChatRow> {
    return this.#driver.step(({ ledger }) => ledger.chat(chat));
  }

  async #carryOut(effects: readonly Effect[]): Promise<void> {
    this.#arm();
    for (const { chat, device, txn, steps, comparison } of effects) {
      if (comparison?.stage === "verified") await this.#proved(comparison);
      const until = comparison?.deadline ?? performance.now();
      for (const step of steps) {
        const content = { kind: "sas", txn, step } as const;
        await this.#driver.step((turn, engine) =>
          engine.sendToDevice(turn, chat, device, content, until),
        );
      }
      if (comparison !== undefined) this.#notify({ type: "comparison", chat, comparison });
    }
  }

  async #proved({ peer }: Comparison): Promise<void> {
    const [user, device] = partsOf(peer.name);
    const same = (row: KnownDevice) =>
      row.pending === undefined && row.keys?.ed25519 === peer.ed25519;
    await this.#driver.step(async ({ ledger: { work } }) => {
      const row = await work.get(tables.knownDevices, [user, device]);
      if (row !== undefined && same(row)) work.put(tables.knownDevices, { ...row, verified: true });
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#verifications.nextDue();
    if (due === undefined) return;
    const pause = Math.max(0, due - performance.now());
    this.#timer = setTimeout(() => {
      void this.#carryOut(this.#verifications.due(performance.now())).catch(() => {});
    }, pause);
  }

  // -- identities

  async #recipient(name: string): Promise<Recipient | undefined> {
    const [user, device] = partsOf(name);
    const { listed, memory } = await this.#directory.known(user);
    const known = memory.find((each) => each.device === device);
    if (known?.keys === undefined || known.pending !== undefined) return undefined;
    return listed.has(device) ? { name, keys: known.keys } : undefined;
  }

  async #numberOf(user: string, theirs: Seen): Promise<{ digits: string; qr: string }> {
    if (user === this.#self.user) throw new ClientError("a safety number is with somebody else");
    if (theirs.listed.size === 0) throw new ClientError(`${user} has no device yet`);
    const { listed } = await this.#directory.seen(this.#self.user);
    const mine = { ...keysOf(listed), [this.#self.device]: this.#self.keys.ed25519 };
    return safetyNumber([
      [this.#self.user, mine],
      [user, keysOf(theirs.listed)],
    ]);
  }
}

function keysOf(listed: Listed): DeviceKeys {
  return Object.fromEntries([...listed].map(([device, keys]) => [device, keys.ed25519]));
}

/**
 * The engine: the decisions of the client for each command, timer and frame, without I/O.
 *
 * Each input is called inside a step, which is one transaction; when that is on disk, the caller
 * carries out what `outputs` returns. A caller whose transaction fails drops the engine and takes a
 * new one: the store is the truth, the engine a view of it.
 */

import type { Listed, Seen } from "../crypto/identities.ts";
import type { ChatRow } from "../store/tables.ts";
import type { FetchResult, Lists, Request } from "./cipher.ts";
import type { MessageContent } from "./content.ts";
import type { ServerFrame } from "./frames.ts";
import { nameOf, partsOf } from "./ids.ts";
import { isPair } from "./membership.ts";
import type { Output, ToDeviceContent } from "./outputs.ts";
import { Parts } from "./parts.ts";
import type { Random } from "./random.ts";
import { Receiving } from "./receiving.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";

export class Engine {
  readonly #user: string;
  readonly #device: string;
  readonly #random: Random;
  readonly #settings: Settings;
  #online = false;
  #openedAt = 0;
  #step: Step | undefined; // the last one
  readonly #parts: Parts;
  readonly #receiving: Receiving;

  constructor(user: string, device: string, random: Random, settings: Settings) {
    this.#user = user;
    this.#device = device;
    this.#random = random;
    this.#settings = settings;
    this.#parts = new Parts(user, device, random, settings);
    this.#receiving = new Receiving(this.#parts);
  }

  /**
   * An engine to be restored in place of this one, after a transaction that failed.
   *
   * The list of watched users is not stored, so the new engine takes it over.
   */
  anew(): Engine {
    const fresh = new Engine(this.#user, this.#device, this.#random, this.#settings);
    fresh.#parts.presence = this.#parts.presence;
    fresh.#parts.presence.closed();
    return fresh;
  }

  /** What the store has: to be called once, before anything else. */
  async restore(step: Step): Promise<void> {
    const parts = this.#parts;
    this.#step = step;
    await parts.chats.restore(step);
    await parts.own.restore(step);
    await parts.sending.restore(step);
  }

  // -- what the caller asks

  /** Online, and on this connection the server has responded for every chat. */
  get resumed(): boolean {
    return this.#online && this.#parts.sync.resumed;
  }

  knows(chat: string): boolean {
    return this.#parts.chats.logs.has(chat);
  }

  /** The user was in that chat, and is no longer. */
  left(chat: string): boolean {
    return this.#parts.chats.left.has(chat);
  }

  /** The outputs to carry out now that the transaction is on disk, in order. */
  outputs(): Output[] {
    return this.#parts.outputs.splice(0);
  }

  /** When to call `due` at the latest, on the clock of the steps. */
  nextDue(): number | undefined {
    const parts = this.#parts;
    if (this.#step === undefined) return undefined;
    const disappears = parts.changes.nextDue(this.#step);
    if (!this.#online) return disappears;
    const { now, time } = this.#step;
    const times = [
      disappears,
      parts.liveness.nextDue(),
      parts.sync.nextDue(),
      parts.outbox.nextDue(this.#mayResend(now)),
      this.resumed ? undefined : this.#openedAt + this.#settings.resendAfter,
      parts.receipts.nextDue(),
      this.resumed ? parts.sending.nextDue(now, time) : undefined,
      parts.presence.nextDue(),
    ].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // -- the connection

  async opened(step: Step): Promise<void> {
    const parts = this.#parts;
    this.#step = step;
    this.#online = true;
    this.#openedAt = step.now;
    parts.liveness.opened(step.now);
    parts.sync.opened(step.now);
    parts.membership.opened();
    parts.chats.opened();
    parts.outbox.opened();
    parts.sending.opened();
    const chats = await step.ledger.chats();
    parts.receipts.opened(new Map(chats.map(({ chat, reported }) => [chat, reported])));
    for (const chat of chats) {
      if (!chat.gone) await parts.receipts.reportAgain(step, chat);
    }
    parts.presence.opened(step.now);
    parts.emit({ type: "connected" });
    await this.due(step);
  }

  closed(step: Step): void {
    const parts = this.#parts;
    this.#step = step;
    this.#online = false;
    parts.liveness.closed();
    parts.sync.closed();
    parts.outbox.closed();
    parts.sending.closed();
    parts.receipts.closed();
    parts.presence.closed();
  }

  /** The user leaves: sends at once the receipts that were to be batched. */
  closing(step: Step): void {
    this.#parts.transmit(this.#parts.receipts.due(step.now, true));
  }

  async due(step: Step): Promise<void> {
    const parts = this.#parts;
    const { now } = step;
    this.#step = step;
    await parts.changes.due(step);
    if (!this.#online) return;
    const dead = parts.liveness.dead(now);
    if (dead || parts.sync.expired(now)) {
      const reason = `no response to ${dead ? "ping" : "sync"}`;
      parts.outputs.push({ type: "drop", reason, planned: false });
      return;
    }
    if (parts.liveness.reconnectDue(now)) {
      parts.transmit(parts.receipts.due(now, true));
      parts.outputs.push({ type: "drop", reason: "time to reconnect", planned: true });
      return;
    }
    if (this.resumed) await parts.sending.due(step);
    const asked = parts.sync.due(now, () => parts.chats.watermarks());
    if (asked !== undefined) parts.transmit([asked]);
    for (const { row, again } of parts.outbox.due(now, this.#mayResend(now))) {
      parts.outputs.push({ type: "transmit", text: row.frame });
      if (again) parts.liveness.probe(now);
    }
    await parts.chats.reportReadable(step);
    parts.transmit(parts.receipts.due(now));
    parts.transmit(parts.presence.due(now));
    if (parts.liveness.pingDue(now)) {
      parts.receipts.pinged();
      parts.transmit([{ action: "ping" }]);
    }
  }

  async received(step: Step, frame: ServerFrame): Promise<void> {
    this.#step = step;
    this.#parts.liveness.heard();
    await this.#receiving.received(step, frame);
    await this.due(step);
  }

  // -- commands

  /**
   * Stores a text, and seals and sends it when it can be.
   *
   * Raises MessageTooLarge, and then nothing has changed.
   */
  async send(step: Step, messageId: string, chat: string, content: MessageContent): Promise<void> {
    step.cipher.check(content);
    this.#parts.chats.log(chat);
    const me = nameOf(this.#user, this.#device);
    const target = content.kind === "deletion" ? content.of : undefined;
    const own = target?.by === me;
    if (own && (await this.#parts.sending.withdraw(step, chat, target))) return;
    this.#parts.sending.add(step, chat, messageId, content);
    await this.#parts.changes.came(step, chat, { by: me, id: messageId }, content);
    await this.due(step);
  }

  /** A hidden message to one `user/device`, as soon as it can be sealed; not after `until`. */
  async sendToDevice(
    step: Step,
    chat: string,
    device: string,
    content: ToDeviceContent,
    until?: number,
  ): Promise<void> {
    await step.cipher.queueToDevice(chat, device, content, until);
    this.#parts.sending.look(chat);
    await this.due(step);
  }

  /**
   * The user accepts the changed identities of `user`; what waited for that goes on. `keys` are what
   * the user was shown; others are not accepted.
   */
  async accept(step: Step, user: string, keys: Listed): Promise<void> {
    for (const device of await step.cipher.accept(user, keys)) {
      await this.#parts.arrivals.reopen(step, user, device);
    }
    await this.due(step);
  }

  /** People have compared the keys of all devices of `user`; false if they are others now. */
  async compared(step: Step, user: string, seen: Seen): Promise<boolean> {
    const accepted = await step.cipher.compared(user, seen);
    for (const device of accepted ?? []) await this.#parts.arrivals.reopen(step, user, device);
    await this.due(step);
    return accepted !== undefined;
  }

  /** The devices of `user`, if that list is up to date. */
  listed(user: string): Listed | undefined {
    return this.#parts.keys.fresh(user);
  }

  /**
   * For a caller who fetches a device list itself, without a `fetch`, and then calls
   * `fetchSucceeded` or `fetchFailed`.
   */
  lookAt(_: Step, user: string): Lists {
    return this.#parts.keys.lookAt(user);
  }

  /** False as long as the backend takes no request for a device list. */
  mayList({ now }: Step): boolean {
    return this.#parts.keys.mayList(now);
  }

  /** The response to a `fetch`. False for a device list older than what is known. */
  async fetchSucceeded(step: Step, result: FetchResult): Promise<boolean> {
    const learned = await this.#parts.sending.fetchSucceeded(step, result);
    for (const name of learned ?? []) await this.#parts.arrivals.reopen(step, ...partsOf(name));
    await this.due(step);
    return learned !== undefined;
  }

  /** There was no response to a `fetch`. `retryAfter`: what the backend asks to wait for, ms. */
  async fetchFailed(step: Step, request: Request, retryAfter = 0): Promise<void> {
    this.#parts.sending.fetchFailed(step, request, retryAfter);
    await this.due(step);
  }

  async markRead(step: Step, chat: string, seq: number): Promise<void> {
    await this.#parts.chats.read(step, chat, seq);
    await this.due(step);
  }

  /** The user is in this chat, as a REST response has said. */
  async chatIs(
    step: Step,
    chat: string,
    members: readonly string[],
    {
      request = false,
      ...changes
    }: Pick<ChatRow, "kind"> & Partial<Pick<ChatRow, "name" | "request">>,
  ): Promise<void> {
    await this.#parts.chats.isIn(step, chat);
    await this.#parts.membership.requestIs(step, chat, request);
    const before = await step.ledger.chat(chat);
    const kind = isPair(before, this.#user) ? before.kind : changes.kind;
    await this.#parts.chats.membersAre(step, chat, members);
    await step.ledger.changeChat(chat, { ...changes, kind });
    await this.due(step);
  }

  /** The user is no longer in this chat, as a REST response has said. */
  async leave(step: Step, chat: string): Promise<void> {
    await this.#parts.chats.leave(step, chat);
  }

  /**
   * The backend has lost its data: the chats of this store can still be read, but nothing can be
   * sent to them.
   */
  async beginAnew(step: Step): Promise<void> {
    const over = [...this.#parts.chats.logs.keys()].filter((chat) => !this.left(chat));
    for (const chat of over) await this.#parts.chats.leave(step, chat);
    if (over.length > 0) this.#parts.emit({ type: "began_anew" });
  }

  /** The user adds these to the chat. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    await this.#parts.chats.adding(step, chat, users);
  }

  async typing(step: Step, chat: string): Promise<void> {
    if (this.left(chat) || !(await this.#parts.membership.maySendUnasked(step, chat))) return;
    const { members } = await step.ledger.chat(chat);
    this.#parts.transmit(this.#parts.presence.typing(step.now, chat, members.length));
  }

  watch(step: Step, users: readonly string[]): void {
    this.#parts.transmit(this.#parts.presence.watch(step.now, users));
  }

  async sync(step: Step): Promise<void> {
    this.#parts.sync.wantAll(step.now);
    await this.due(step);
  }

  // -- small

  #mayResend(now: number): boolean {
    return this.resumed || now >= this.#openedAt + this.#settings.resendAfter;
  }
}

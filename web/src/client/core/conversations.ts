/** The chats of this device: messages taken in order, acceptances, watermarks, read marks. */

import type { MessageRow } from "../store/tables.ts";
import type { Arrivals } from "./arrivals.ts";
import { ChatLog, holes, type Taken } from "./chat-log.ts";
import type { Event } from "./events.ts";
import { type Accepted, type Message, NOWHERE, type Receipt, type SyncedChat } from "./frames.ts";
import { isText, isWritten } from "./ids.ts";
import type { Membership } from "./membership.ts";
import type { OwnMessages } from "./own-messages.ts";
import type { ReceiptPlan } from "./receipts.ts";
import type { Step } from "./step.ts";

/** `message` or the position of an own one. */
type Entry = Message | { readonly type: "own" };

export class Conversations {
  readonly logs = new Map<string, ChatLog<Entry>>();
  /** In which the user was, and is no longer. What was written there stays. */
  readonly left = new Set<string>();
  /** Chats with a text that is still to be asked for. */
  readonly #waiting = new Set<string>();
  /** Chats whose sessions were given up on this connection. */
  readonly #renewed = new Set<string>();
  readonly #user: string;
  readonly #own: OwnMessages;
  readonly #membership: Membership;
  readonly #arrivals: Arrivals;
  readonly #receipts: ReceiptPlan;
  readonly #emit: (event: Event) => void;

  constructor(
    user: string,
    own: OwnMessages,
    membership: Membership,
    arrivals: Arrivals,
    receipts: ReceiptPlan,
    emit: (event: Event) => void,
  ) {
    this.#user = user;
    this.#own = own;
    this.#membership = membership;
    this.#arrivals = arrivals;
    this.#receipts = receipts;
    this.#emit = emit;
  }

  async restore(step: Step): Promise<void> {
    for (const { chat, watermark, gone } of await step.ledger.chats()) {
      this.log(chat, watermark);
      if (gone) this.left.add(chat);
      if ((await step.ledger.firstWaiting(chat)) !== undefined) this.#waiting.add(chat);
    }
  }

  opened(): void {
    this.#renewed.clear();
  }

  /**
   * Called when the backend has more of this device than the store, which is an older copy or a new
   * one. Its ratchets may have been used since, so they encrypt nothing more. This is found before
   * the first text of a connection is sealed. One-time keys that were uploaded since are missing as
   * well.
   */
  async isOutdated(step: Step, chat: string): Promise<void> {
    if (this.#renewed.has(chat)) return;
    this.#renewed.add(chat);
    if (await step.cipher.renew(chat)) {
      this.#emit({ type: "keys_low", remaining: 0, fallbackUsed: true });
    }
  }

  log(chat: string, watermark = 0): ChatLog<Entry> {
    const known = this.logs.get(chat);
    if (known !== undefined) return known;
    const log = new ChatLog<Entry>(watermark);
    this.logs.set(chat, log);
    return log;
  }

  async leave(step: Step, chat: string): Promise<void> {
    const log = this.log(chat);
    log.highest = log.watermark; // there will be nothing to fetch
    this.left.add(chat);
    this.#receipts.forget(chat);
    await step.ledger.changeChat(chat, { gone: true });
  }

  async isIn(step: Step, chat: string): Promise<void> {
    if (this.left.delete(chat)) await step.ledger.changeChat(chat, { gone: false });
  }

  watermarks(): Map<string, number> {
    return new Map([...this.logs].map(([chat, log]) => [chat, log.watermark]));
  }

  async message(step: Step, message: Message): Promise<void> {
    await this.#take(step, message.chat, this.log(message.chat).offer(message.seq, message));
  }

  async accepted(step: Step, frame: Accepted): Promise<MessageRow | undefined> {
    const own = await step.ledger.own(frame.messageId);
    if (own === undefined || own.chat !== frame.chat) return undefined;
    await this.#own.placed(step, own, frame.seq, frame.sentAt);
    if (isText(own.messageId)) await this.#membership.requestIs(step, frame.chat, false);
    await this.#take(step, frame.chat, this.log(frame.chat).offer(frame.seq, { type: "own" }));
    return own;
  }

  /** Nothing else at or below `completeTo` will appear: steps over what is not here. */
  async complete(step: Step, chat: string, place: SyncedChat): Promise<void> {
    const log = this.log(chat);
    const before = log.watermark;
    const taken = log.complete(place.completeTo);
    const seqs = taken.map(([seq]) => seq);
    for (const [first, last] of holes(before, place.completeTo, seqs, place.missing)) {
      step.ledger.addExpired(chat, first, last);
      this.#emit({ type: "expired", chat, first, last });
    }
    await this.#take(step, chat, taken, before);
  }

  // -- members

  async receipt(step: Step, frame: Receipt): Promise<void> {
    await this.#membership.undelivered(step, frame.chat, frame.undelivered);
    await this.#membership.receipt(step, frame);
  }

  async syncedMembers(step: Step, chat: string, place: SyncedChat): Promise<void> {
    await this.#membership.requestIs(step, chat, place.request);
    await this.#membership.undelivered(step, chat, place.undelivered);
    await this.#membership.listed(step, chat, place.members, place.seq);
  }

  /** Stores the members that a REST response lists, which has no watermarks. */
  async membersAre(step: Step, chat: string, members: readonly string[]): Promise<void> {
    const marks = new Map(members.map((user) => [user, NOWHERE]));
    await this.#membership.listed(step, chat, marks, this.log(chat).highest);
  }

  /** This device is about to add them: nothing that is there or sealed by now is for them. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    await this.#membership.adding(step, chat, users, this.log(chat).highest);
  }

  // -- reading

  /** The user has seen everything in `chat` up to `seq`, here. */
  async read(step: Step, chat: string, seq: number): Promise<void> {
    const log = this.log(chat);
    const { read: before } = await step.ledger.chat(chat);
    const read = Math.min(seq, log.watermark);
    if (read <= before) return;
    await step.ledger.changeChat(chat, { read });
    await this.#arrivals.changes.read(step, chat, read);
    const senders = await step.ledger.senders(chat, before, read);
    await this.#report(step, chat, senders);
  }

  /** Reports texts as delivered that waited and are readable now, or given up. */
  async reportReadable(step: Step): Promise<void> {
    for (const chat of [...this.#waiting]) {
      const before = this.#receipts.delivered(chat);
      const { delivered } = await step.ledger.readable(await step.ledger.chat(chat));
      if (delivered <= before) continue;
      await this.#report(step, chat, await step.ledger.senders(chat, before, delivered));
    }
  }

  async #report(step: Step, chat: string, senders: Iterable<string>): Promise<void> {
    const row = await step.ledger.chat(chat);
    const marks = await step.ledger.readable(row);
    if (marks.delivered < row.watermark) this.#waiting.add(chat);
    else this.#waiting.delete(chat);
    if (this.left.has(chat)) return; // there is nobody to notify
    this.#receipts.moved(chat, step.now, marks, senders, row.members.length);
  }

  /** A text of this device that its store does not have. */
  async #isLost(step: Step, message: Message): Promise<boolean> {
    if (!this.#own.wrote(message) || !isWritten(message.messageId)) return false;
    return (await step.ledger.own(message.messageId)) === undefined;
  }

  async #take(
    step: Step,
    chat: string,
    taken: readonly Taken<Entry>[],
    watermarkBefore = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const log = this.log(chat);
    const senders = new Set<string>();
    for (const [, entry] of taken) {
      if (entry.type === "own") continue;
      if (await this.#isLost(step, entry)) await this.isOutdated(step, chat);
      await this.#arrivals.take(step, entry);
      if (entry.sender !== this.#user) senders.add(entry.sender);
      else if (isText(entry.messageId)) await this.#membership.requestIs(step, chat, false);
    }
    if (taken.length > 0 || log.watermark > watermarkBefore) {
      await step.ledger.changeChat(chat, { watermark: log.watermark });
      await this.#report(step, chat, senders);
    }
  }
}

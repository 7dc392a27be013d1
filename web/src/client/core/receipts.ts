/** Receipts: the watermarks that this device reports, fewer of them in larger chats (rule 4). */

import type { ChatRow } from "../store/tables.ts";
import { type ClientFrame, NOWHERE, receipt, type Watermarks } from "./frames.ts";
import { type Random, uniform } from "./random.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";

interface Chat {
  delivered: number;
  read: number;
  sent: Watermarks; // on this connection
  senders: Set<string>;
  named: Set<string>; // in receipts that may not have arrived
  since: number | undefined; // the first change that is not sent yet
  members: number;
  share: number; // of the interval that the change waits
  sentAt: number;
  force: boolean;
}

export class ReceiptPlan {
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #chats = new Map<string, Chat>();
  readonly #dirty = new Set<string>();
  #sentAtPing = new Map<string, Watermarks>();
  #online = false;
  #notBefore = Number.NEGATIVE_INFINITY; // until then the backend asked to wait

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /**
   * Repeats receipts on a new connection: they have no response, so those of the last connection
   * may be lost.
   */
  opened(confirmed: ReadonlyMap<string, Watermarks>): void {
    this.#online = true;
    this.#sentAtPing.clear();
    for (const [chat, state] of this.#chats) {
      state.sent = confirmed.get(chat) ?? NOWHERE;
      state.since = undefined;
      state.named.clear();
      this.#dirty.delete(chat);
    }
  }

  closed(): void {
    this.#online = false;
  }

  /** The watermarks of `chat` are now these; `senders` wrote what they moved over. */
  moved(
    chat: string,
    now: number,
    marks: Watermarks,
    senders: Iterable<string>,
    members: number,
  ): void {
    const state = this.#chats.get(chat) ?? fresh();
    this.#chats.set(chat, state);
    state.delivered = Math.max(state.delivered, marks.delivered);
    state.read = Math.max(state.read, marks.read);
    for (const sender of senders) state.senders.add(sender);
    state.members = members;
    this.#mark(chat, state, now);
  }

  /** Up to where this device has, or will have, reported the chat as delivered. */
  delivered(chat: string): number {
    return this.#chats.get(chat)?.delivered ?? 0;
  }

  /**
   * The server's marks of this device are behind, so a receipt was lost, also for the senders that
   * it named: repeats it.
   */
  repeat(chat: string, now: number): void {
    const state = this.#chats.get(chat);
    if (state === undefined || (state.delivered === 0 && state.read === 0)) return;
    state.force = true;
    for (const sender of state.named) state.senders.add(sender);
    this.#mark(chat, state, now);
  }

  /** The user is no member any more: there is nobody to notify. */
  forget(chat: string): void {
    this.#chats.delete(chat);
    this.#dirty.delete(chat);
  }

  /** What the server may not know: nothing that was sent after it has been confirmed. */
  async reportAgain(step: Step, row: ChatRow): Promise<void> {
    const { chat, reported } = row;
    const { delivered, read } = await step.ledger.readable(row);
    if (delivered <= reported.delivered && read <= reported.read) return;
    const after =
      read <= reported.read ? reported.delivered : Math.min(reported.read, reported.delivered);
    const senders = await step.ledger.senders(chat, after, delivered);
    this.moved(chat, step.now, { delivered, read }, senders, row.members.length);
  }

  /** The server could not take one of them now, and the error does not say which. */
  async failed(step: Step, retryAfter: number | undefined): Promise<void> {
    this.waitUntil(step.now + (retryAfter ?? 0));
    for (const row of await step.ledger.chats()) {
      const { delivered, read } = await step.ledger.readable(row);
      if (delivered !== row.reported.delivered || read !== row.reported.read) {
        this.repeat(row.chat, step.now);
      }
    }
  }

  /** Sends no receipt before that time: the backend asked to wait. */
  waitUntil(time: number): void {
    this.#notBefore = time;
  }

  /**
   * Notes the receipts that the pong will confirm; not those whose other parts are not sent yet.
   */
  pinged(): void {
    const whole = [...this.#chats].filter(([, { force }]) => !force);
    this.#sentAtPing = new Map(whole.map(([chat, { sent }]) => [chat, sent]));
  }

  /** A pong says that what was sent before the ping has arrived. */
  async confirmed(step: Step): Promise<void> {
    for (const [chat, marks] of this.#sentAtPing) {
      const state = this.#chats.get(chat);
      if (state?.sent === marks) state.named.clear(); // a later part has equal marks
      const { reported } = await step.ledger.chat(chat);
      if (reported.delivered !== marks.delivered || reported.read !== marks.read) {
        await step.ledger.changeChat(chat, { reported: marks });
      }
    }
    this.#sentAtPing.clear();
  }

  nextDue(): number | undefined {
    if (!this.#online || this.#dirty.size === 0) return undefined;
    return Math.min(...[...this.#dirty].map((chat) => this.#dueAt(this.#state(chat))));
  }

  /** The frames to send now; `everything`: without waiting, because the client closes. */
  due(now: number, everything = false): ClientFrame[] {
    if (!this.#online) return [];
    return [...this.#dirty]
      .filter((chat) => everything || this.#dueAt(this.#state(chat)) <= now)
      .sort()
      .map((chat) => this.#frame(chat, now));
  }

  #mark(chat: string, state: Chat, now: number): void {
    const { force, delivered, read, sent } = state;
    if (!force && delivered <= sent.delivered && read <= sent.read) return;
    this.#dirty.add(chat);
    if (state.since !== undefined) return;
    state.since = now;
    // all members get a message at the same moment: their receipts are spread
    state.share = state.members > 2 ? uniform(this.#random, 0.5, 1) : 0;
  }

  #dueAt(state: Chat): number {
    const { receiptDelay, quietReceiptDelay } = this.#settings;
    const interval = this.#interval(state);
    const soon = state.senders.size > 0 || state.force;
    const delay = soon ? Math.max(receiptDelay, interval * state.share) : quietReceiptDelay;
    return Math.max((state.since ?? 0) + delay, state.sentAt + interval, this.#notBefore);
  }

  #interval(state: Chat): number {
    const { receiptPerMember, receiptMembers, receiptLargeGroup } = this.#settings;
    const times = state.members > receiptLargeGroup ? 2 : 1;
    const interval = times * receiptPerMember * Math.min(state.members, receiptMembers);
    const reads = state.read > state.sent.read;
    return Math.max(reads ? interval / 2 : interval, receiptPerMember * 2);
  }

  #frame(chat: string, now: number): ClientFrame {
    const state = this.#state(chat);
    state.sent = { delivered: state.delivered, read: state.read };
    const named = [...state.senders].sort().slice(0, this.#settings.receiptSenders);
    const frame = receipt(chat, state.sent, named);
    for (const sender of named) {
      state.named.add(sender);
      state.senders.delete(sender);
    }
    state.since = undefined;
    state.force = state.senders.size > 0; // the next receipt names the other senders
    state.sentAt = now;
    this.#dirty.delete(chat);
    this.#mark(chat, state, now);
    return frame;
  }

  #state(chat: string): Chat {
    const state = this.#chats.get(chat);
    if (state === undefined) throw new RangeError(`no receipt is planned for ${chat}`);
    return state;
  }
}

function fresh(): Chat {
  return {
    delivered: 0,
    read: 0,
    sent: NOWHERE,
    senders: new Set(),
    named: new Set(),
    since: undefined,
    members: 2,
    share: 0,
    sentAt: Number.NEGATIVE_INFINITY,
    force: false,
  };
}

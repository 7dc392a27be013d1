/** The outbox: own sealed messages, sent in order and repeated until they are accepted. */

import type { OutboxRow } from "../store/tables.ts";
import { type Random, uniform } from "./random.ts";
import type { Settings } from "./settings.ts";

interface Unaccepted {
  readonly row: OutboxRow;
  maybeSent: boolean; // on an earlier connection or by an earlier page
  attempts: number;
  dueAt: number;
}

/**
 * The same message id and payloads each time, so the receivers drop what came twice. One at a time
 * in a chat: functions run side by side, and two frames would race for a seq.
 */
export class Outbox {
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #chats = new Map<string, Unaccepted[]>();
  readonly #byId = new Map<string, Unaccepted>();
  #online = false;

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  row(messageId: string): OutboxRow | undefined {
    return this.#byId.get(messageId)?.row;
  }

  rows(chat: string): OutboxRow[] {
    return (this.#chats.get(chat) ?? []).map((entry) => entry.row);
  }

  inFlight(chat: string): boolean {
    return this.#chats.get(chat)?.some((entry) => entry.attempts > 0) ?? false;
  }

  add(row: OutboxRow, maybeSent: boolean): void {
    const entry = { row, maybeSent, attempts: 0, dueAt: Number.NEGATIVE_INFINITY };
    this.#byId.set(row.messageId, entry);
    this.#chats.set(row.chat, [...(this.#chats.get(row.chat) ?? []), entry]);
  }

  remove(messageId: string): void {
    const entry = this.#byId.get(messageId);
    if (entry === undefined) return;
    this.#byId.delete(messageId);
    const left = (this.#chats.get(entry.row.chat) ?? []).filter((each) => each !== entry);
    if (left.length > 0) this.#chats.set(entry.row.chat, left);
    else this.#chats.delete(entry.row.chat);
  }

  opened(): void {
    this.#online = true;
  }

  closed(): void {
    this.#online = false;
    for (const entry of this.#byId.values()) {
      entry.maybeSent ||= entry.attempts > 0;
      entry.attempts = 0;
      entry.dueAt = Number.NEGATIVE_INFINITY;
    }
  }

  /**
   * The server could not take it now: `rate_limited` or `internal`. Not before `retryAfter`
   * seconds, if it is given.
   */
  retry(messageId: string, now: number, retryAfter = 0): void {
    const entry = this.#byId.get(messageId);
    if (entry === undefined) return;
    const exponent = Math.max(entry.attempts - 1, 0);
    const pause = this.#spread(this.#settings.retryAfterError, exponent);
    entry.dueAt = now + Math.max(pause, retryAfter * uniform(this.#random, 1, 1.2));
  }

  nextDue(resumed: boolean): number | undefined {
    const times = this.#candidates(resumed).map((entry) => entry.dueAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What to send now. `resumed`: the sync that may bring earlier acceptances is through. */
  due(now: number, resumed: boolean): { row: OutboxRow; again: boolean }[] {
    const ready = this.#candidates(resumed).filter((entry) => entry.dueAt <= now);
    return ready.map((entry) => {
      entry.dueAt = now + this.#spread(this.#settings.resendAfter, entry.attempts);
      entry.attempts += 1;
      return { row: entry.row, again: entry.attempts > 1 };
    });
  }

  #candidates(resumed: boolean): Unaccepted[] {
    if (!this.#online) return [];
    const first = [...this.#chats.values()].flatMap((entries) => entries.slice(0, 1));
    // it may come back as accepted, and nothing may overtake it
    return first.filter((entry) => resumed || !entry.maybeSent);
  }

  #spread(base: number, exponent: number): number {
    const pause = Math.min(base * 2 ** Math.min(exponent, 16), this.#settings.resendCap);
    return pause * uniform(this.#random, 0.8, 1.2);
  }
}

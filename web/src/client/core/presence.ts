/**
 * Presence and typing: the users that are watched, and the times of `watch` and `typing` frames.
 */

import type { ClientFrame } from "./frames.ts";
import { type Random, uniform } from "./random.ts";
import type { Settings } from "./settings.ts";

const WATCH_LIMIT = 100; // users in one `watch` frame
const TYPING_MEMBERS = 256; // in a chat with more the backend shows it to nobody
const ASK_AGAIN = 60_000; // ms, at the earliest, about who writes and is said to be offline

export class PresencePlan {
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #watched = new Set<string>();
  readonly #there = new Set<string>();
  readonly #asked = new Map<string, number>();
  readonly #typed = new Map<string, number>();
  #watchAt: number | undefined;
  #failures = 0;
  #failed = false; // a `watch` since the last time that all were sent
  #online = false;

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  opened(now: number): void {
    this.#online = true;
    this.#watchAt = this.#watched.size > 0 ? now : undefined;
    this.#failures = 0;
    this.#failed = false;
  }

  closed(): void {
    this.#online = false;
  }

  /** Until the client ends; subscriptions are renewed before the server forgets them. */
  watch(now: number, users: readonly string[]): ClientFrame[] {
    for (const user of users) this.#watched.add(user);
    if (!this.#online || users.length === 0) return [];
    this.#watchAt ??= now + this.#settings.watchInterval;
    return frames(users);
  }

  /** Takes the presence of a watched user. */
  seen(user: string, online: boolean): void {
    if (online) this.#there.add(user);
    else this.#there.delete(user);
  }

  /**
   * Watches a user again who writes but is reported as offline. A stranger who answers may be
   * watched from then on, of which no frame notifies.
   */
  wrote(now: number, user: string): ClientFrame[] {
    const last = this.#asked.get(user) ?? Number.NEGATIVE_INFINITY;
    const unseen = this.#watched.has(user) && !this.#there.has(user);
    if (!this.#online || !unseen || now - last < ASK_AGAIN) return [];
    this.#asked.set(user, now);
    return frames([user]);
  }

  /**
   * A `watch` got an error that passes: earlier ones may have ended with it, so all are renewed. After
   * a growing pause, and not before `retryAfter`.
   */
  failed(now: number, retryAfter = 0): void {
    if (this.#watchAt === undefined) return;
    const { retryAfterError, watchInterval } = this.#settings;
    if (!this.#failed) {
      const pause = retryAfterError * 2 ** Math.min(this.#failures, 16);
      this.#watchAt = now + Math.min(pause * uniform(this.#random, 0.8, 1.2), watchInterval);
      this.#failures += 1;
    }
    this.#failed = true;
    this.#watchAt = Math.max(this.#watchAt, now + retryAfter);
  }

  typing(now: number, chat: string, members: number): ClientFrame[] {
    if (members > TYPING_MEMBERS) return [];
    const last = this.#typed.get(chat) ?? Number.NEGATIVE_INFINITY;
    if (!this.#online || now - last < this.#settings.typingInterval) return [];
    this.#typed.set(chat, now);
    return [{ action: "typing", chat }];
  }

  nextDue(): number | undefined {
    return this.#watchAt;
  }

  due(now: number): ClientFrame[] {
    if (this.#watchAt === undefined || now < this.#watchAt) return [];
    this.#watchAt = now + this.#settings.watchInterval;
    if (!this.#failed) this.#failures = 0;
    this.#failed = false;
    return frames([...this.#watched]);
  }
}

function frames(users: readonly string[]): ClientFrame[] {
  const names = users.toSorted();
  const parts: ClientFrame[] = [];
  for (let at = 0; at < names.length; at += WATCH_LIMIT) {
    parts.push({ action: "watch", users: names.slice(at, at + WATCH_LIMIT) });
  }
  return parts;
}

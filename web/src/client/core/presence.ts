/** Watched presence and typing: which users are watched, and when to report that the user types. */

import type { ClientFrame } from "./frames.ts";
import type { Settings } from "./settings.ts";

const WATCH_LIMIT = 100; // users in one `watch` frame
const TYPING_MEMBERS = 256; // in a chat with more the backend shows it to nobody
const ASK_AGAIN = 60_000; // ms, at the earliest, about who writes and is said to be offline

export class PresencePlan {
  readonly #settings: Settings;
  readonly #watched = new Set<string>();
  readonly #there = new Set<string>();
  readonly #asked = new Map<string, number>();
  readonly #typed = new Map<string, number>();
  #watchAt: number | undefined;
  #online = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  opened(now: number): void {
    this.#online = true;
    this.#watchAt = this.#watched.size > 0 ? now : undefined;
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

  /** What the backend says of a watched user. */
  seen(user: string, online: boolean): void {
    if (online) this.#there.add(user);
    else this.#there.delete(user);
  }

  /**
   * Asks once more about a watched user who is said to be offline and writes anyway. A stranger
   * who answers may be seen from then on, and nobody says so.
   */
  wrote(now: number, user: string): ClientFrame[] {
    const last = this.#asked.get(user) ?? Number.NEGATIVE_INFINITY;
    const unseen = this.#watched.has(user) && !this.#there.has(user);
    if (!this.#online || !unseen || now - last < ASK_AGAIN) return [];
    this.#asked.set(user, now);
    return frames([user]);
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

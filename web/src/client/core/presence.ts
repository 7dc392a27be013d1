/** Whose presence is watched, and when to report that the user types. */

import type { ClientFrame } from "./frames.ts";
import type { Settings } from "./settings.ts";

const WATCH_LIMIT = 100; // users in one `watch` frame

export class PresencePlan {
  readonly #settings: Settings;
  readonly #watched = new Set<string>();
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

  typing(now: number, chat: string): ClientFrame[] {
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

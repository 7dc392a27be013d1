/** The schedule of `sync` requests. At most one is under way, so each response has its request. */

import { type ClientFrame, sync } from "./frames.ts";
import { type Random, uniform } from "./random.ts";
import type { Settings } from "./settings.ts";

type Places = ReadonlyMap<string, number>;

/** A `sync` that is under way. */
export interface Question {
  /** Undefined for one that names no chats. */
  readonly chats: Places | undefined;
  /** This device's watermarks when it was asked. */
  readonly before: Places;
  readonly expiresAt: number;
  /** The cursor of the page of all chats; undefined for the first page. */
  readonly cursor?: string | undefined;
}

export class SyncPlan {
  /** The server has responded for every chat on this connection. */
  resumed = false;
  readonly #settings: Settings;
  readonly #random: Random;
  #question: Question | undefined;
  #wholeAt: number | undefined;
  #cursor: string | undefined; // of the page to ask for at `wholeAt`
  readonly #wanted = new Map<string, number>();
  readonly #alone = new Set<string>();
  readonly #news = new Set<string>(); // chats to sync although no message is missing
  readonly #tries = new Map<string | undefined, number>();
  #online = false;

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get question(): Question | undefined {
    return this.#question;
  }

  /** Whether the response under way will have this chat. */
  covers(chat: string): boolean {
    const question = this.#question;
    return question !== undefined && (question.chats?.has(chat) ?? true);
  }

  opened(now: number): void {
    this.#online = true;
    this.resumed = false;
    this.#question = undefined;
    this.#wanted.clear();
    this.#alone.clear();
    this.#news.clear();
    this.#tries.clear();
    this.#wholeAt = now;
    this.#cursor = undefined;
  }

  closed(): void {
    this.#online = false;
    this.#question = undefined;
  }

  /** Whether no request is under way, and none is to be made. */
  get idle(): boolean {
    return (
      this.#question === undefined &&
      this.#wholeAt === undefined &&
      this.#wanted.size === 0 &&
      this.#news.size === 0
    );
  }

  /** There is something to ask right now. */
  isDue(now: number): boolean {
    const due = this.nextDue();
    return due !== undefined && due <= now;
  }

  wants(chat: string): boolean {
    return this.#wanted.has(chat);
  }

  want(chat: string, at: number): void {
    this.#wanted.set(chat, Math.min(at, this.#wanted.get(chat) ?? at));
  }

  /**
   * The server rejected a sync of several chats; requests for each alone show which was the reason.
   */
  wantAlone(chat: string, at: number): void {
    this.#alone.add(chat);
    this.want(chat, at);
  }

  wantAll(at: number): void {
    this.#wholeAt = Math.min(at, this.#wholeAt ?? at);
    this.#cursor = undefined;
  }

  /** The next page of all chats, unless all of them are wanted anew. */
  wantPage(cursor: string, at: number): void {
    if (this.#wholeAt !== undefined) return;
    this.#wholeAt = at;
    this.#cursor = cursor;
  }

  /** Wants a sync of the chat for its members, which only `synced` has. */
  wantMembersOf(chat: string): void {
    this.#news.add(chat);
  }

  /** The chat is no longer behind. */
  settled(chat: string): void {
    this.#wanted.delete(chat);
    this.#alone.delete(chat);
    this.#tries.delete(chat);
  }

  progressed(chat: string | undefined): void {
    this.#tries.delete(chat);
  }

  /** A slightly longer time, by chance: many clients may have got the same `retry_after`. */
  spread(retryAfter: number | undefined): number | undefined {
    if (retryAfter === undefined) return undefined;
    const [least, most] = this.#settings.syncJitter;
    return retryAfter * uniform(this.#random, least, most);
  }

  /** Ask again, with a growing pause. Undefined = all. `retryAfter`: at first the server's. */
  wantLater(chat: string | undefined, now: number, retryAfter?: number, cursor?: string): void {
    const tries = this.#tries.get(chat) ?? 0;
    this.#tries.set(chat, tries + 1);
    let pause = Math.min(this.#settings.syncBackoff * 2 ** tries, this.#settings.syncBackoffCap);
    if (retryAfter !== undefined) pause = Math.max(retryAfter, tries > 0 ? pause / 2 : 100);
    if (chat !== undefined) {
      this.#wanted.set(chat, now + pause);
      return;
    }
    this.#wholeAt = now + pause;
    this.#cursor = cursor;
  }

  nextDue(): number | undefined {
    if (!this.#online) return undefined;
    if (this.#question !== undefined) return this.#question.expiresAt;
    if (this.#news.size > 0) return Number.NEGATIVE_INFINITY;
    const times = [...this.#wanted.values()];
    if (this.#wholeAt !== undefined) times.push(this.#wholeAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  expired(now: number): boolean {
    return this.#question !== undefined && now >= this.#question.expiresAt;
  }

  /** The frame to send now, if any. `watermarks`: of all chats this device knows. */
  due(now: number, watermarks: () => Places): ClientFrame | undefined {
    if (!this.#online || this.#question !== undefined) return undefined;
    const ready = new Set([...this.#wanted].flatMap(([chat, at]) => (at <= now ? [chat] : [])));
    for (const chat of this.#news) ready.add(chat);
    const expiresAt = now + this.#settings.syncTimeout;
    if (ready.size > 0) {
      const before = watermarks();
      const alone = [...ready].find((chat) => this.#alone.has(chat));
      const named = alone === undefined ? [...ready].slice(0, this.#settings.syncChats) : [alone];
      const chats = new Map(named.map((chat) => [chat, before.get(chat) ?? 0]));
      for (const chat of named) {
        this.#wanted.delete(chat);
        this.#news.delete(chat);
      }
      this.#question = { chats, before: chats, expiresAt };
      return sync(chats);
    }
    if (this.#wholeAt !== undefined && this.#wholeAt <= now) {
      const cursor = this.#cursor;
      this.#wholeAt = undefined;
      this.#cursor = undefined;
      this.#question = { chats: undefined, before: watermarks(), expiresAt, cursor };
      return sync(undefined, cursor);
    }
    return undefined;
  }

  /** The question to which a `synced` (or an `error`) is the response. */
  responded(): Question | undefined {
    const question = this.#question;
    this.#question = undefined;
    return question;
  }
}

/** Requests to the backend: device lists that are up to date, requests under way, retries. */

import type { Listed } from "../crypto/identities.ts";
import type { Claims, Lists, Request, Tried } from "./cipher.ts";
import type { Settings } from "./settings.ts";

const CLAIMED_AT_ONCE = 100; // the most that a request may name

const ALL: Tried = { has: () => true };

/** Device lists are up to date from their response until `changed` or the next connection. */
export class KeyRequests {
  readonly #settings: Settings;
  readonly #emit: (request: Request) => void;
  #online = false;
  #number = 0;
  readonly #fresh = new Map<string, Listed>();
  /** user -> the request under way */
  readonly #listing = new Map<string, number>();
  /**
   * Responses to requests up to this number are outdated: one number by user, one for all others.
   */
  readonly #outdated = new Map<string, number>();
  #outdatedAll = 0;
  readonly #under = new Map<string, number>(); // other requests under way, by what they are for
  readonly #failures = new Map<string, number>();
  readonly #againAt = new Map<string, number>();
  // Before these the backend takes none from this device, on whichever connection.
  #listsAt = Number.NEGATIVE_INFINITY;
  #claimsAt = Number.NEGATIVE_INFINITY;
  /** chat -> device -> until when it is left out */
  readonly #tried = new Map<string, Map<string, number>>();

  constructor(settings: Settings, emit: (request: Request) => void) {
    this.#settings = settings;
    this.#emit = emit;
  }

  /** Responses to requests of an earlier connection may still come, but they are outdated. */
  opened(): void {
    this.#online = true;
    for (const memory of [this.#listing, this.#under, this.#failures, this.#againAt])
      memory.clear();
    this.#tried.clear();
    this.#fresh.clear();
    this.#outdated.clear();
    this.#outdatedAll = this.#number;
  }

  closed(): void {
    this.#online = false;
  }

  // -- lists

  fresh(user: string): Listed | undefined {
    return this.#fresh.get(user);
  }

  /** The user's devices have changed: a response that is under way may be from before. */
  changed(user: string): void {
    this.#fresh.delete(user);
    this.#listing.delete(user);
    this.#outdated.set(user, this.#number);
  }

  /** Counts a request for the list that another part of the client makes. */
  lookAt(user: string): Lists {
    return { type: "lists", number: this.#next(), user };
  }

  /** False as long as the backend takes no request for a device list. */
  mayList(now: number): boolean {
    return now >= this.#listsAt;
  }

  wantLists(users: Iterable<string>, now: number): void {
    if (!this.mayList(now)) return;
    for (const user of users) {
      const known = this.#fresh.has(user) || this.#listing.has(user);
      if (known || !this.#online || this.#waits(`lists ${user}`, now)) continue;
      const request = this.lookAt(user);
      this.#listing.set(user, request.number);
      this.#emit(request);
    }
  }

  /** Whether the response is news; otherwise it is older than what is known. */
  listed({ user, number }: Lists): boolean {
    this.#settle(`lists ${user}`);
    if (this.#listing.get(user) === number) this.#listing.delete(user);
    if (number <= (this.#outdated.get(user) ?? this.#outdatedAll)) return false;
    this.#outdated.set(user, number);
    return true;
  }

  /** The list of `user` is up to date now. */
  learned(user: string, listed: Listed): void {
    this.#fresh.set(user, listed);
  }

  // -- the list of chats

  wantChats(chat: string, now: number): void {
    const key = `chats ${chat}`;
    if (!this.#online || this.#under.has(key) || this.#waits(key, now)) return;
    const number = this.#next();
    this.#under.set(key, number);
    this.#emit({ type: "chats", number, chat });
  }

  // -- claims

  /** Devices that had no key; all, as long as the backend takes no claims. */
  tried(chat: string, now: number): Tried {
    if (now < this.#claimsAt) return ALL;
    const tried = [...(this.#tried.get(chat) ?? [])].filter(([, until]) => now < until);
    return new Set(tried.map(([device]) => device));
  }

  /** From the next text on, keys of the devices that had none are claimed again. */
  tryAgain(chat: string): void {
    this.#tried.delete(chat);
  }

  wantClaims(chat: string, devices: Iterable<string>, now: number, asking = false): void {
    const key = claims(chat, asking);
    const wanted = [...devices].filter((name) => !this.#under.has(`${key} ${name}`));
    const waits = now < this.#claimsAt || this.#waits(key, now);
    if (wanted.length === 0 || !this.#online || waits) return;
    const number = this.#next();
    for (let at = 0; at < wanted.length; at += CLAIMED_AT_ONCE) {
      const part = wanted.slice(at, at + CLAIMED_AT_ONCE);
      for (const name of part) this.#under.set(`${key} ${name}`, number);
      this.#emit({ type: "claims", number, chat, devices: part, asking });
    }
  }

  /** `retryAfter`: for how long the backend takes no more claims, ms. */
  claimed(request: Claims, begun: ReadonlySet<string>, now: number, retryAfter = 0): void {
    const { chat, asking } = request;
    this.#settle(claims(chat, asking));
    this.#forget(request);
    this.#claimsAt = later(this.#claimsAt, now, retryAfter);
    const without = request.devices.filter((name) => !begun.has(name));
    const tried = this.#tried.get(chat) ?? new Map<string, number>();
    if (without.length > 0) this.#tried.set(chat, tried);
    for (const name of begun) this.#failures.delete(`key ${chat} ${name}`);
    const { claimAgain, claimAgainCap } = this.#settings;
    for (const name of without) {
      const pause = this.#pause(`key ${chat} ${name}`, claimAgain, claimAgainCap);
      tried.set(name, now + Math.max(retryAfter, pause));
    }
  }

  /** Whether a response is on its way that `chat` waits for, or the device list of one of `users`. */
  underWay(chat: string, users: readonly string[]): boolean {
    const keys = [`chats ${chat}`, claims(chat, true), claims(chat, false)];
    const asked = [...this.#under.keys()].some((each) => keys.some((key) => each.startsWith(key)));
    return asked || users.some((user) => this.#listing.has(user));
  }

  // -- failures

  /**
   * No response, or none that helps: to be tried again after a growing pause. For `retryAfter`, ms,
   * the backend takes none of its kind.
   */
  failed(request: Request, now: number, retryAfter = 0): void {
    const key = keyOf(request);
    if (request.type === "claims") this.#claimsAt = later(this.#claimsAt, now, retryAfter);
    if (request.type === "lists") {
      this.#listsAt = later(this.#listsAt, now, retryAfter);
      if (this.#listing.get(request.user) === request.number) this.#listing.delete(request.user);
    } else this.#forget(request);
    const { fetchRetry, fetchRetryCap } = this.#settings;
    this.#againAt.set(key, now + Math.max(retryAfter, this.#pause(key, fetchRetry, fetchRetryCap)));
  }

  /** There was a response. */
  settled(request: Request): void {
    this.#settle(keyOf(request));
    if (request.type !== "lists") this.#forget(request);
  }

  /** When something that failed may be tried again. */
  nextDue(now: number): number | undefined {
    const tried = [...this.#tried.values()].flatMap((devices) => [...devices.values()]);
    const limits = [this.#listsAt, this.#claimsAt];
    const times = [...this.#againAt.values(), ...tried, ...limits].filter((at) => at > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // -- small

  /** Longer with each failure. */
  #pause(key: string, first: number, most: number): number {
    const times = this.#failures.get(key) ?? 0;
    this.#failures.set(key, times + 1);
    return Math.min(first * 2 ** Math.min(times, 16), most);
  }

  #waits(key: string, now: number): boolean {
    return now < (this.#againAt.get(key) ?? now);
  }

  #settle(key: string): void {
    this.#failures.delete(key);
    this.#againAt.delete(key);
  }

  #forget(request: Exclude<Request, Lists>): void {
    const key = keyOf(request);
    const keys = request.type === "chats" ? [key] : request.devices.map((name) => `${key} ${name}`);
    for (const each of keys) {
      if (this.#under.get(each) === request.number) this.#under.delete(each);
    }
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }
}

function later(at: number, now: number, retryAfter: number): number {
  return retryAfter > 0 ? Math.max(at, now + retryAfter) : at;
}

function claims(chat: string, asking: boolean): string {
  return `claims ${chat} ${asking}`;
}

function keyOf(request: Request): string {
  if (request.type === "lists") return `lists ${request.user}`;
  if (request.type === "chats") return `chats ${request.chat}`;
  return claims(request.chat, request.asking);
}

/**
 * Timers of a connection: the next ping, the end of a silent connection, the next attempt (client
 * rule 6).
 */

import { type Random, uniform } from "./random.ts";
import type { Settings } from "./settings.ts";

/** Of one open connection. Idle ones close after 10 minutes and all after 2 hours. */
export class Liveness {
  readonly #settings: Settings;
  readonly #random: Random;
  #pingAt: number | undefined;
  #deadAt: number | undefined;
  #reconnectAt: number | undefined;

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  opened(now: number): void {
    this.#pingAt = now + uniform(this.#random, ...this.#settings.pingBetween);
    this.#deadAt = undefined;
    this.#reconnectAt = now + uniform(this.#random, ...this.#settings.reconnectBetween);
  }

  closed(): void {
    this.#pingAt = this.#deadAt = this.#reconnectAt = undefined;
  }

  /**
   * A request had no response: sends a ping at once, to find out whether the connection still
   * works.
   */
  probe(now: number): void {
    if (this.#pingAt !== undefined && this.#deadAt === undefined) this.#pingAt = now;
  }

  /** True when a ping is to be sent now; the pong is then expected in time. */
  pingDue(now: number): boolean {
    if (this.#pingAt === undefined || now < this.#pingAt) return false;
    this.#pingAt = now + uniform(this.#random, ...this.#settings.pingBetween);
    this.#deadAt ??= now + this.#settings.pongTimeout;
    return true;
  }

  /** Any frame shows that the connection works. */
  heard(): void {
    this.#deadAt = undefined;
  }

  dead(now: number): boolean {
    return this.#deadAt !== undefined && now >= this.#deadAt;
  }

  reconnectDue(now: number): boolean {
    return this.#reconnectAt !== undefined && now >= this.#reconnectAt;
  }

  nextDue(): number | undefined {
    const times = [this.#pingAt, this.#deadAt, this.#reconnectAt].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

/** Full jitter: a random pause between 0 and a bound that doubles with each failure. */
export class Backoff {
  readonly #settings: Settings;
  readonly #random: Random;
  #failures = 0;
  #window: number | undefined;

  constructor(settings: Settings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /** `reconnectWindow`: as the newest ticket response carried it, ms. */
  ticket(reconnectWindow: number | undefined): void {
    this.#window = reconnectWindow;
  }

  connected(): void {
    this.#failures = 0;
  }

  /** How long to wait before the next attempt, ms. */
  pause(): number {
    const failures = this.#failures++;
    if (failures === 0 && this.#window !== undefined) return uniform(this.#random, 0, this.#window);
    const { reconnectBase, reconnectCap } = this.#settings;
    const bound = Math.min(reconnectBase * 2 ** Math.min(failures, 16), reconnectCap);
    return uniform(this.#random, 0, bound);
  }
}

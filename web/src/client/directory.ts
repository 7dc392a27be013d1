/** Requests to the backend's key directory. Their responses are checked where they are stored. */

import type { Api } from "./api.ts";
import type { Claims, FetchResult, Listing, Lists } from "./core/cipher.ts";
import type { Engine } from "./core/engine.ts";
import type { Step } from "./core/step.ts";
import type { Self } from "./crypto/envelope.ts";
import type { Seen } from "./crypto/identities.ts";
import type { Driver } from "./driver.ts";
import { ApiError, Unreachable } from "./errors.ts";
import * as tables from "./store/tables.ts";

const NO_DEVICES: Listing = { devices: new Map(), former: [] };
const ATTEMPTS = 3; // at a device list that changes while it is asked for

/** Raises ApiError and Unreachable where there is no response. */
export async function fetch(api: Api, request: Lists | Claims): Promise<FetchResult> {
  if (request.type === "lists") {
    try {
      return { type: "lists", request, found: await api.devices(request.user) };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      return { type: "lists", request, found: NO_DEVICES }; // a user who is no more
    }
  }
  try {
    return { type: "claims", request, found: await api.claim(request.devices) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 429) throw error;
    // Claimed too often: they are left out now, and tried again later.
    const retryAfter = 1_000 * (error.retryAfter ?? 0);
    return { type: "claims", request, found: new Map(), retryAfter };
  }
}

/** Looks at device lists for a caller who waits for them. */
export class Directory {
  readonly #self: Self;
  readonly #api: Api;
  readonly #driver: Driver;

  constructor(self: Self, api: Api, driver: Driver) {
    this.#self = self;
    this.#api = api;
    this.#driver = driver;
  }

  /** The user's devices as the directory lists them now. Raises ApiError and Unreachable. */
  async seen(user: string): Promise<Seen> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const request = await this.#driver.step((step, engine) => engine.lookAt(step, user));
      const result = await this.#fetch(request);
      const seen = await this.#driver.step(async (step, engine) => {
        const counts = await engine.fetchSucceeded(step, result);
        return counts ? seenOf(step, engine, user) : undefined;
      });
      if (seen !== undefined) return seen;
    }
    throw new Unreachable(`the devices of ${user} change while they are asked for`);
  }

  /** The devices as they were listed last, if that is up to date; else the directory is asked. */
  async known(user: string): Promise<Seen> {
    const known = await this.#driver.step((step, engine) => seenOf(step, engine, user));
    return known ?? this.seen(user);
  }

  async #fetch(request: Lists): Promise<FetchResult> {
    try {
      return await fetch(this.#api, request);
    } catch (error) {
      if (error instanceof ApiError && error.retryAfter !== undefined) {
        const retryAfter = 1_000 * error.retryAfter;
        await this.#driver.step((step, engine) => engine.fetchFailed(step, request, retryAfter));
      }
      throw error;
    }
  }

  /**
   * Asks who the user's devices are, unless this one is known, or the backend takes no such request
   * now.
   */
  async meet(user: string, device: string): Promise<void> {
    if (user === this.#self.user && device === this.#self.device) return;
    const known = await this.#driver.step(({ ledger }) =>
      ledger.work.get(tables.knownDevices, [user, device]),
    );
    if (known !== undefined) return;
    if (await this.#driver.step((step, engine) => engine.mayList(step))) await this.seen(user);
  }
}

/** What is remembered of the user, if the device list is up to date. */
async function seenOf(step: Step, engine: Engine, user: string): Promise<Seen | undefined> {
  const listed = engine.listed(user);
  if (listed === undefined) return undefined;
  const range = tables.startingWith(user);
  return { listed, memory: await step.ledger.work.all(tables.knownDevices, undefined, range) };
}

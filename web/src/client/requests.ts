/** Requests to the REST API: tokens, repetition, and responses as errors. */

import { type Fields, FrameError } from "./core/fields.ts";
import { type Random, uniform } from "./core/random.ts";
import { ApiError, Unreachable } from "./errors.ts";

const ATTEMPTS = 3;
const TIMEOUT_MS = 15_000;
const PAUSE_MS = 200;
const WAIT_LIMIT = 5; // seconds that a call waits when the backend asks for it; else it fails

export interface Tokens {
  readonly access: string | undefined;
  readonly refresh: string | undefined;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** May be repeated without harm: on a lost connection or a server fault. */
  readonly repeat?: boolean;
  /** Without a token. */
  readonly open?: boolean;
}

interface Received {
  readonly response: Response;
  readonly body: string;
}

/** Raises FrameError for what is not as it should be. */
type Read<T> = (body: Fields) => T;

/** Calls raise ApiError or Unreachable. A 401 makes it `renew` the access token once. */
export class Requests {
  tokens: Tokens;
  readonly #base: string;
  readonly #random: Random;
  readonly #newToken: () => Promise<void>;
  #renewing: Promise<void> | undefined;

  /** `base`: where the load balancer is, "" for the page's own origin. */
  constructor(base: string, tokens: Tokens, random: Random, renew: () => Promise<void>) {
    this.#base = base.replace(/\/$/, "");
    this.tokens = tokens;
    this.#random = random;
    this.#newToken = renew;
  }

  async call<T>(call: Call, read: Read<T>): Promise<T> {
    const token = call.open ? undefined : this.tokens.access;
    if (call.open || token !== undefined) {
      try {
        return await this.#repeat(call, token, read);
      } catch (error) {
        if (call.open || !(error instanceof ApiError) || error.status !== 401) throw error;
      }
    }
    await this.#renew(token);
    return this.#repeat(call, this.tokens.access, read);
  }

  /** A call with a token beside the one that is kept. */
  async withToken<T>(token: string, call: Call, read: Read<T>): Promise<T> {
    return this.#repeat(call, token, read);
  }

  /** One renewal serves all calls that were rejected with the same token. */
  async #renew(rejected: string | undefined): Promise<void> {
    if (this.tokens.access !== rejected) return;
    this.#renewing ??= this.#newToken().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #repeat<T>(call: Call, token: string | undefined, read: Read<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return readBody(await this.#once(call, token), read);
      } catch (error) {
        const wait = error instanceof ApiError ? error.retryAfter : undefined;
        const limited = wait !== undefined && wait <= WAIT_LIMIT;
        const fault = error instanceof ApiError && error.fault;
        const passing = error instanceof Unreachable || fault || limited;
        if (!call.repeat || !passing || attempt === ATTEMPTS) throw error;
        if (limited) await sleep(wait * 1000);
      }
      await sleep(uniform(this.#random, 0, PAUSE_MS * 2 ** attempt));
    }
  }

  async #once({ method, path, body }: Call, token: string | undefined): Promise<Received> {
    try {
      const response = await fetch(this.#base + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { response, body: await response.text() };
    } catch (error) {
      throw new Unreachable(`${this.#base || "the server"} does not respond: ${String(error)}`);
    }
  }
}

/** A response that is not as the protocol says is the server's fault. */
function readBody<T>({ response, body }: Received, read: Read<T>): T {
  const { ok, status, statusText } = response;
  const document = objectIn(body);
  if (!ok) {
    const { code, message, retry_after: wait } = fieldsOf(document?.error) ?? {};
    if (code === undefined) {
      throw new ApiError(status >= 500 ? "internal" : "bad_request", statusText, status);
    }
    throw new ApiError(String(code), String(message), status, waitOf(wait));
  }
  try {
    if (document === undefined) throw new FrameError("not a JSON object");
    return read(document);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new ApiError("internal", `the response has another form: ${error.message}`, 500);
  }
}

function waitOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

function objectIn(body: string): Fields | undefined {
  try {
    return body === "" ? {} : fieldsOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null ? (value as Fields) : undefined;
}

/**
 * The longest delay of a timer, about 24.8 days: it is kept in 32 bits, and one with a longer delay
 * fires at once (https://developer.mozilla.org/docs/Web/API/Window/setTimeout#maximum_delay_value).
 */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Pauses for at most LONGEST_DELAY_MS. */
export function sleep(milliseconds: number): Promise<void> {
  const delay = Math.min(milliseconds, LONGEST_DELAY_MS);
  return new Promise((resolve) => setTimeout(resolve, delay));
}

/** The REST side of the protocol: one method for each route. */

import { ApiError, Unreachable } from "../errors.ts";
import { type Random, uniform } from "../protocol/random.ts";

const ATTEMPTS = 3;
const TIMEOUT_MS = 15_000;
const PAUSE_MS = 200;

export interface Tokens {
  readonly access: string | undefined;
  readonly refresh: string | undefined;
}

/** Opens one WebSocket within `expiresIn` ms. */
export interface Ticket {
  readonly ticket: string;
  readonly url: string;
  readonly expiresIn: number;
  readonly reconnectWindow: number | undefined;
}

export interface SignedDevice {
  readonly keys: { readonly curve25519: string; readonly ed25519: string };
  readonly signature: string;
}

export interface SignedKey {
  readonly key: string;
  readonly signature: string;
}

export interface ClaimedKey extends SignedKey {
  readonly id: string;
  readonly fallback: boolean;
}

export interface KeyUpload {
  readonly one_time_keys: Readonly<Record<string, SignedKey>>;
  readonly fallback_key?: SignedKey & { readonly id: string };
}

export interface ListedChat {
  readonly chat: string;
  readonly kind: "direct" | "group";
  readonly members: readonly string[];
}

interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** May be repeated without harm: on a lost connection or a server fault. */
  readonly repeat?: boolean;
  /** Without a token. */
  readonly open?: boolean;
}

/** Calls raise ApiError or Unreachable. A 401 makes it get a new access token once. */
export class Api {
  tokens: Tokens;
  readonly #base: string;
  readonly #random: Random;
  readonly #saved: (tokens: Tokens) => Promise<void>;
  readonly #signInAgain: (() => Promise<void>) | undefined;
  #renewing: Promise<void> | undefined;

  /** `base`: where the load balancer is, "" for the page's own origin. */
  constructor(
    base: string,
    tokens: Tokens,
    random: Random,
    saved: (tokens: Tokens) => Promise<void>,
    signInAgain?: () => Promise<void>,
  ) {
    this.#base = base.replace(/\/$/, "");
    this.tokens = tokens;
    this.#random = random;
    this.#saved = saved;
    this.#signInAgain = signInAgain;
  }

  // -- accounts and tokens

  async signUp(username: string, password: string): Promise<void> {
    const body = { username, password };
    await this.#call({ method: "POST", path: "/api/sign-up", body, open: true });
  }

  async signIn(username: string, password: string): Promise<void> {
    const body = { username, password };
    const call: Call = { method: "POST", path: "/api/sign-in", body, open: true, repeat: true };
    const answer = await this.#call<{ access_token: string; refresh_token: string }>(call);
    await this.#keep({ access: answer.access_token, refresh: answer.refresh_token });
  }

  /** A new access token for the refresh token. Raises ApiError 401 if there is none. */
  async refresh(): Promise<void> {
    const { refresh } = this.tokens;
    if (refresh === undefined) throw new ApiError("unauthorized", "not signed in", 401);
    const body = { refresh_token: refresh };
    const call: Call = { method: "POST", path: "/api/token", body, open: true, repeat: true };
    const answer = await this.#call<{ access_token: string }>(call);
    await this.#keep({ access: answer.access_token, refresh });
  }

  // -- devices and keys

  async register(device: string, registration: SignedDevice): Promise<void> {
    const path = `/api/devices/${device}`;
    await this.#call({ method: "PUT", path, body: registration, repeat: true });
  }

  async removeDevice(device: string): Promise<void> {
    await this.#call({ method: "DELETE", path: `/api/devices/${device}`, repeat: true });
  }

  async devices(user: string): Promise<Readonly<Record<string, SignedDevice>>> {
    const call: Call = { method: "GET", path: `/api/users/${user}/devices`, repeat: true };
    return (await this.#call<{ devices: Record<string, SignedDevice> }>(call)).devices;
  }

  /** How many one-time keys the directory has left for the device. */
  async uploadKeys(device: string, body: KeyUpload): Promise<number> {
    // The same keys a second time do no harm: the directory passes over what it has seen.
    const path = `/api/devices/${device}/one-time-keys`;
    const call: Call = { method: "POST", path, body, repeat: true };
    return (await this.#call<{ remaining: number }>(call)).remaining;
  }

  /** Not repeated: each call uses keys up. */
  async claim(devices: readonly string[]): Promise<Readonly<Record<string, ClaimedKey>>> {
    const call: Call = { method: "POST", path: "/api/keys/claim", body: { devices } };
    return (await this.#call<{ keys: Record<string, ClaimedKey> }>(call)).keys;
  }

  // -- chats

  /** Two users have one direct chat, however often it is asked for. */
  async direct(user: string): Promise<{ chat: string; members: string[] }> {
    const body = { kind: "direct", with: user };
    return this.#call({ method: "POST", path: "/api/chats", body, repeat: true });
  }

  async group(members: readonly string[]): Promise<{ chat: string; members: string[] }> {
    const body = { kind: "group", members };
    return this.#call({ method: "POST", path: "/api/chats", body });
  }

  async chats(): Promise<ListedChat[]> {
    const found: ListedChat[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const call: Call = { method: "GET", path: `/api/chats${query}`, repeat: true };
      const page = await this.#call<{ chats: ListedChat[]; cursor?: string }>(call);
      found.push(...page.chats);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  async changeMembers(
    chat: string,
    add: readonly string[],
    remove: readonly string[],
  ): Promise<string[]> {
    const body = { ...(add.length > 0 ? { add } : {}), ...(remove.length > 0 ? { remove } : {}) };
    const call: Call = { method: "POST", path: `/api/chats/${chat}/members`, body, repeat: true };
    return (await this.#call<{ members: string[] }>(call)).members;
  }

  async ticket(device: string): Promise<Ticket> {
    const call: Call = { method: "POST", path: "/api/tickets", body: { device }, repeat: true };
    const answer = await this.#call<{
      ticket: string;
      url: string;
      expires_in: number;
      reconnect_window?: number;
    }>(call);
    const window = answer.reconnect_window;
    return {
      ticket: answer.ticket,
      url: answer.url,
      expiresIn: answer.expires_in * 1_000,
      reconnectWindow: window === undefined ? undefined : window * 1_000,
    };
  }

  // -- one call

  async #call<T>(call: Call): Promise<T> {
    const token = call.open ? undefined : this.tokens.access;
    if (call.open || token !== undefined) {
      try {
        return await this.#repeat<T>(call, token);
      } catch (error) {
        if (call.open || !(error instanceof ApiError) || error.status !== 401) throw error;
      }
    }
    await this.#renew(token);
    return this.#repeat<T>(call, this.tokens.access);
  }

  /** One renewal serves all calls that were refused with the same token. */
  async #renew(refused: string | undefined): Promise<void> {
    if (this.tokens.access !== refused) return;
    this.#renewing ??= this.#newToken().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #newToken(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      const refused = error instanceof ApiError && !error.fault;
      if (!refused || this.#signInAgain === undefined) throw error;
      await this.#signInAgain();
    }
  }

  async #repeat<T>(call: Call, token: string | undefined): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once<T>(call, token);
      } catch (error) {
        const passing = error instanceof Unreachable || (error instanceof ApiError && error.fault);
        if (!call.repeat || !passing || attempt === ATTEMPTS) throw error;
      }
      await sleep(uniform(this.#random, 0, PAUSE_MS * 2 ** attempt));
    }
  }

  async #once<T>({ method, path, body }: Call, token: string | undefined): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      throw new Unreachable(`${this.#base || "the server"} does not answer: ${String(error)}`);
    }
    return answered<T>(response, text);
  }

  async #keep(tokens: Tokens): Promise<void> {
    this.tokens = tokens;
    await this.#saved(tokens);
  }
}

/** What is in an answer is believed to have the form that the protocol says; keys are checked by who uses them. */
function answered<T>(response: Response, text: string): T {
  const { status } = response;
  let document: unknown;
  try {
    document = text === "" ? {} : JSON.parse(text);
  } catch {
    document = undefined;
  }
  if (typeof document !== "object" || document === null) {
    if (response.ok) throw new ApiError("internal", "the answer is not a JSON object", 500);
    throw new ApiError(status >= 500 ? "internal" : "bad_request", response.statusText, status);
  }
  if (response.ok) return document as T;
  const { error } = document as { error?: { code?: unknown; message?: unknown } };
  throw new ApiError(String(error?.code), String(error?.message), status);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

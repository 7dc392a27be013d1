/** The first connection: signs in and connects until it succeeds once; the client keeps it then. */

import { ApiError, type ChatClient, Closed } from "../../client/index.ts";
import type { Link } from "./link.ts";

const FIRST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 30_000;

export class Connecting {
  readonly #client: ChatClient;
  readonly #linkIs: (link: Link) => void;
  readonly #signedOut: () => void;
  #retryMs = FIRST_RETRY_MS;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(client: ChatClient, linkIs: (link: Link) => void, signedOut: () => void) {
    this.#client = client;
    this.#linkIs = linkIs;
    this.#signedOut = signedOut;
  }

  /** False if the sign-in is over, or this was closed. */
  async connect(): Promise<boolean> {
    let signedIn = false;
    while (!this.#closed && !this.#client.connecting) {
      this.#linkIs({ at: "connecting" });
      try {
        if (!signedIn) await this.#client.signUpOrIn();
        signedIn = true;
        await this.#client.connect();
      } catch (error) {
        // By code: a firewall responds with 401 or 403 as well.
        if (error instanceof ApiError && ["unauthorized", "forbidden"].includes(error.code)) {
          this.#signedOut();
          return false;
        }
        if (this.#client.connecting || error instanceof Closed) break; // the client goes on by itself
        const rejected = error instanceof ApiError && !error.fault ? error : undefined;
        signedIn &&= rejected !== undefined; // the tokens are good
        await this.#pause(rejected);
      }
    }
    return !this.#closed;
  }

  /** The next attempt is made now; the caller has looked whether it may be. */
  connectNow(): void {
    this.#wake?.();
    this.#client.connectNow();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /**
   * Waits before the next attempt; after one that was `rejected`, as long as the backend asks for.
   */
  async #pause(rejected: ApiError | undefined): Promise<void> {
    const wait = (rejected?.retryAfter ?? 0) * 1_000;
    const pause = Math.max(this.#retryMs, wait);
    const now = Date.now();
    this.#retryMs = Math.min(MOST_RETRY_MS, this.#retryMs * 2);
    const why = rejected && { code: rejected.code, message: rejected.message };
    this.#linkIs({ at: "waiting", until: now + pause, notBefore: now + wait, rejected: why });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, pause);
    });
  }
}

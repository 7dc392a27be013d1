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
    while (!this.#closed && !this.#client.connecting) {
      this.#linkIs({ at: "connecting" });
      try {
        await this.#client.signUpOrIn();
        await this.#client.connect();
      } catch (error) {
        if (error instanceof ApiError && [401, 403].includes(error.status)) {
          this.#signedOut();
          return false;
        }
        if (this.#client.connecting || error instanceof Closed) break; // the client goes on by itself
        await this.#pause();
      }
    }
    return !this.#closed;
  }

  /** The next attempt is made now. */
  connectNow(): void {
    this.#wake?.();
    this.#client.connectNow();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async #pause(): Promise<void> {
    const pause = this.#retryMs;
    this.#retryMs = Math.min(MOST_RETRY_MS, pause * 2);
    this.#linkIs({ at: "waiting", until: Date.now() + pause });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, pause);
    });
  }
}

/** The event stream: each listener gets every event from then on. Nothing is stored. */

import type { Event } from "./core/events.ts";
import { Closed, Unreachable } from "./errors.ts";
import { LONGEST_DELAY_MS } from "./requests.ts";

type Listener = (event: Event) => void;

export class Feed {
  readonly #listeners = new Set<Listener>();
  readonly #ends = new Set<() => void>();
  #closed = false;

  publish(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A view's mistake is not the client's: it is reported like any uncaught error.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** Events from now on, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#ends) end();
  }

  /** The first event from now on that fits. Raises Closed, or Unreachable after `timeout` ms. */
  async waitFor(fits: (event: Event) => boolean, timeout: number): Promise<Event> {
    if (this.#closed) throw new Closed("the client was closed");
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer);
        stop();
        this.#ends.delete(end);
        then();
      };
      const end = () => settle(() => reject(new Closed("the client was closed before that")));
      const timer = setTimeout(
        () => settle(() => reject(new Unreachable(`it has not happened within ${timeout} ms`))),
        Math.min(timeout, LONGEST_DELAY_MS),
      );
      const stop = this.listen((event) => {
        if (fits(event)) settle(() => resolve(event));
      });
      this.#ends.add(end);
    });
  }
}

/** The event stream: everybody who listens gets every event, and the past can be asked. */

import { Closed } from "../errors.ts";
import type { Event } from "../protocol/events.ts";

type Listener = (event: Event) => void;

const KEPT = 10_000;

export class Feed {
  readonly #past: Event[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #ends = new Set<() => void>();
  #closed = false;

  publish(event: Event): void {
    this.#past.push(event);
    if (this.#past.length > KEPT) this.#past.shift();
    for (const listener of [...this.#listeners]) listener(event);
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

  /** The first event, past (unless `fresh`) or to come, that fits. Raises Closed, or an Error in time. */
  async waitFor(fits: (event: Event) => boolean, timeout: number, fresh = false): Promise<Event> {
    const past = fresh ? undefined : this.#past.find(fits);
    if (past !== undefined) return past;
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
        () => settle(() => reject(new Error(`no such event within ${timeout} ms`))),
        timeout,
      );
      const stop = this.listen((event) => {
        if (fits(event)) settle(() => resolve(event));
      });
      this.#ends.add(end);
    });
  }
}

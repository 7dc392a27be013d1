/**
 * The linking of this browser as a new device: shows a code until a signed-in device confirms it.
 */

import { CannotLink, type Linked, type NewDevice } from "../../client/index.ts";
import { Model } from "./model.ts";

export type Linking =
  | { readonly at: "asking" }
  /** `until`: when the code expires, ms of performance.now(). */
  | { readonly at: "shown"; readonly code: string; readonly until: number }
  /** A device has confirmed it. Only this browser's user knows whether that device is their own. */
  | { readonly at: "confirmed"; readonly linked: Linked }
  | { readonly at: "over"; readonly error: unknown };

export class BeingLinked extends Model {
  now: Linking = { at: "asking" };
  readonly #make: () => Promise<NewDevice>;
  #attempt = new AbortController();

  /** `make`: a device with keys of its own, for each code. */
  constructor(make: () => Promise<NewDevice>) {
    super();
    this.#make = make;
  }

  /** Shows a code, and then another one each time that this is called. */
  async begin(): Promise<void> {
    this.end();
    const { signal } = this.#attempt;
    this.#is({ at: "asking" }, signal);
    try {
      const device = await this.#make();
      const within = await device.ask();
      const until = performance.now() + within;
      this.#is({ at: "shown", code: device.code, until }, signal);
      this.#is({ at: "confirmed", linked: await device.confirmed(within, signal) }, signal);
    } catch (error) {
      this.#is({ at: "over", error }, signal);
    }
  }

  /** The user says that it is not theirs. */
  reject(): void {
    this.#is({ at: "over", error: new CannotLink("used") }, this.#attempt.signal);
  }

  end(): void {
    this.#attempt.abort();
    this.#attempt = new AbortController();
  }

  #is(now: Linking, { aborted }: AbortSignal): void {
    if (aborted) return;
    this.now = now;
    this.changed();
  }
}

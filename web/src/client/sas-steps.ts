/** Steps of emoji comparisons on their way: in order for each device, and again where one has to wait. */

import type { Settings } from "./core/settings.ts";
import type { Content } from "./crypto/envelope.ts";
import { Closed, StoreError } from "./errors.ts";

export interface WaitingStep {
  readonly chat: string;
  /** `user/device` */
  readonly device: string;
  readonly content: Content;
  /** After this it is dropped; ms on the clock of `performance`. */
  readonly until: number;
}

export class SasSteps {
  readonly #send: (step: WaitingStep) => Promise<boolean>;
  readonly #settings: Settings;
  readonly #queues = new Map<string, WaitingStep[]>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #ended = false;

  /** `send`: false (or an error) where the device can't be sent to now. */
  constructor(send: (step: WaitingStep) => Promise<boolean>, settings: Settings) {
    this.#send = send;
    this.#settings = settings;
  }

  add(step: WaitingStep): void {
    const queue = this.#queues.get(step.device);
    if (queue !== undefined) {
      queue.push(step);
      return;
    }
    this.#queues.set(step.device, [step]);
    void this.#work(step.device, 0);
  }

  end(): void {
    this.#ended = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #work(device: string, tries: number): Promise<void> {
    const queue = this.#queues.get(device) ?? [];
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const sent = await this.#sent(next);
      if (this.#ended) return;
      if (!sent && performance.now() < next.until) {
        this.#later(device, tries);
        return;
      }
      queue.shift();
    }
    this.#queues.delete(device);
  }

  async #sent(step: WaitingStep): Promise<boolean> {
    try {
      return await this.#send(step);
    } catch (error) {
      // Where the client has stopped nothing is sent any more; anything else passes.
      if (error instanceof Closed || error instanceof StoreError) this.#ended = true;
      return false;
    }
  }

  #later(device: string, tries: number): void {
    const { sealRetry, sealRetryCap } = this.#settings;
    const pause = Math.min(sealRetry * 2 ** tries, sealRetryCap);
    this.#timers.set(
      device,
      setTimeout(() => void this.#work(device, tries + 1), pause),
    );
  }
}

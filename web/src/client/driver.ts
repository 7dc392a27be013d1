/** One step at a time: decide inside a transaction, commit, then send and publish. */

import type { Engine } from "./core/engine.ts";
import type { Output } from "./core/outputs.ts";
import type { Step } from "./core/step.ts";
import type { Self } from "./crypto/envelope.ts";
import { open } from "./crypto/opening.ts";
import { Closed } from "./errors.ts";
import { Ledger } from "./store/ledger.ts";
import type { Store } from "./store/store.ts";

/** An open connection, as far as the driver needs it. */
export interface Line {
  send(text: string): void;
  /** The engine wants to leave; it is said once. */
  leave(how: Extract<Output, { type: "drop" | "stop" }>): void;
}

/** What is not for the connection: events, and work that needs the network. */
export type Handled = Exclude<Output, { type: "transmit" | "drop" | "stop" }>;

export class Driver {
  readonly engine: Engine;
  readonly #store: Store;
  readonly #self: Self;
  readonly #handle: (output: Handled) => void;
  #last: Promise<unknown> = Promise.resolve();
  #line: Line | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: unknown;
  #closed = false;

  constructor(store: Store, self: Self, engine: Engine, handle: (output: Handled) => void) {
    this.#store = store;
    this.#self = self;
    this.engine = engine;
    this.#handle = handle;
  }

  get online(): boolean {
    return this.#line !== undefined && this.#failure === undefined;
  }

  /**
   * Runs `act` after the steps before it; what it changes is on disk, and what it asks for is done,
   * when this returns. Whatever it raises stops the client: memory and disk no longer agree. From
   * then on it raises Closed.
   */
  async step<T>(act: (step: Step, engine: Engine) => Promise<T> | T): Promise<T> {
    const turn = this.#last.then(() => this.#run(act));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Runs `act` likewise. It only reads, so nothing is lost where it fails. */
  async read<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      this.#check();
      return act();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  async opened(line: Line): Promise<void> {
    this.#line = line;
    await this.step((step, engine) => engine.opened(step));
  }

  async closed(): Promise<void> {
    this.#line = undefined;
    if (this.#failure === undefined) await this.step((step, engine) => engine.closed(step.now));
  }

  /** Waits for the steps that have begun; none begins any more. */
  async end(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#last;
  }

  async #run<T>(act: (step: Step, engine: Engine) => Promise<T> | T): Promise<T> {
    this.#check();
    try {
      const result = await this.#store.transaction(async (work) => {
        const ledger = new Ledger(work, this.#self.user, this.#self.device);
        const step: Step = {
          now: performance.now(),
          time: Date.now(),
          ledger,
          open: (message) => open(work, this.#self, message),
        };
        return act(step, this.engine);
      });
      this.#carryOut();
      return result;
    } catch (error) {
      // The engine may have gone ahead of the store; only a new one can be trusted.
      if (!(error instanceof Closed)) this.#fail(error);
      throw error;
    }
  }

  #check(): void {
    if (this.#closed) throw new Closed("the client is closed");
    if (this.#failure !== undefined) throw new Closed(`it has stopped: ${String(this.#failure)}`);
  }

  #carryOut(): void {
    for (const output of this.engine.outputs()) {
      switch (output.type) {
        case "transmit":
          this.#line?.send(output.text);
          break;
        case "drop":
        case "stop":
          this.#line?.leave(output);
          break;
        default:
          this.#handle(output);
      }
    }
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.engine.nextDue();
    if (due === undefined || this.#closed) return;
    const delay = Math.max(0, due - performance.now());
    this.#timer = setTimeout(() => void this.#due(), delay);
  }

  async #due(): Promise<void> {
    try {
      await this.step((step, engine) => engine.due(step.now));
    } catch {
      // `#run` has reported it, and stopped the client
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    clearTimeout(this.#timer);
    this.#line?.leave({ type: "stop" });
    const reason = `the client has stopped: ${String(error)}`;
    this.#handle({ type: "event", event: { type: "disconnected", reason, retryIn: undefined } });
  }
}

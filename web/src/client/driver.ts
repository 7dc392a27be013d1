/** The driver of the engine: decide inside a transaction, commit, then send and publish. */

import type { FetchResult, Request } from "./core/cipher.ts";
import type { Engine } from "./core/engine.ts";
import type { Output } from "./core/outputs.ts";
import type { Step } from "./core/step.ts";
import { Encryption } from "./crypto/encryption.ts";
import type { Self } from "./crypto/envelope.ts";
import { ApiError, Closed, MessageTooLarge, StoreUnavailable } from "./errors.ts";
import { LONGEST_DELAY_MS } from "./requests.ts";
import { Ledger } from "./store/ledger.ts";
import type { Store } from "./store/store.ts";

/** An open connection, as far as the driver needs it. */
export interface Line {
  send(text: string): void;
  /** The engine wants to leave; called once. */
  leave(how: Extract<Output, { type: "drop" | "stop" }>): void;
}

/** What is for the client: events, and steps of comparisons. */
export type Handled = Extract<Output, { type: "event" | "sas" }>;

export const STORE_RETRY_MS = 1_000;
const FETCHES_AT_ONCE = 8; // a group's device lists are as many requests as it has members

/** Carries out what the engine decides; `handle` gets the events, `fetch` asks the backend. */
export class Driver {
  #engine: Engine;
  readonly #store: Store;
  readonly #self: Self;
  readonly #handle: (output: Handled) => void;
  readonly #fetch: (request: Request) => Promise<FetchResult>;
  readonly #toFetch: Request[] = [];
  #fetching = 0;
  #last: Promise<unknown> = Promise.resolve();
  #line: Line | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: unknown;
  #stale = false; // the engine has gone ahead of the store, and a new one is needed
  #unavailable = false; // the store, as was reported
  #closed = false;

  constructor(
    engine: Engine,
    store: Store,
    self: Self,
    handle: (output: Handled) => void,
    fetch: (request: Request) => Promise<FetchResult>,
  ) {
    this.#engine = engine;
    this.#store = store;
    this.#self = self;
    this.#handle = handle;
    this.#fetch = fetch;
  }

  get engine(): Engine {
    return this.#engine;
  }

  get online(): boolean {
    return this.#line !== undefined && this.#failure === undefined;
  }

  /**
   * Runs `act` after the steps before it; what it changes is on disk, and what it asks for is done,
   * when this returns. A step that fails has changed nothing in the store. The engine can't be
   * rolled back: a new one is restored before the next step, on a new connection. Raises
   * StoreUnavailable if a later try may succeed; after any other failure each further call raises
   * Closed.
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

  /** True once the store can be written. Raises Closed. */
  async writable(): Promise<boolean> {
    try {
      await this.step(() => undefined);
      return !this.#stale;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
  }

  async opened(line: Line): Promise<void> {
    this.#line = line;
    await this.step((step, engine) => engine.opened(step));
  }

  async closed(): Promise<void> {
    this.#line = undefined;
    if (this.#failure !== undefined || this.#stale) return;
    await this.#quietly(async (step, engine) => engine.closed(step));
  }

  /** Waits for the steps that have begun; none begins any more. */
  async end(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#last;
  }

  async #run<T>(act: (step: Step, engine: Engine) => Promise<T> | T): Promise<T> {
    this.#check();
    let result: T;
    try {
      await this.#renew();
      const written = await this.#transaction((step) => act(step, this.#engine));
      result = written.result;
      if (this.#unavailable && written.changed) {
        this.#unavailable = false;
        this.#handle({ type: "event", event: { type: "store_working" } });
      }
      this.#carryOut();
    } catch (error) {
      // The engine may have gone ahead of the store; only a new one can be trusted. A text that is
      // too large is found before anything has changed.
      if (error instanceof StoreUnavailable) this.#waitForStore(error);
      else if (!(error instanceof Closed || error instanceof MessageTooLarge)) this.#fail(error);
      throw error;
    }
    return result;
  }

  async #transaction<T>(
    act: (step: Step) => Promise<T> | T,
  ): Promise<{ result: T; changed: boolean }> {
    return this.#store.transaction(async (work) => {
      const ledger = new Ledger(work, this.#self.user, this.#self.device);
      const [now, time] = [performance.now(), Date.now()];
      const cipher = new Encryption(this.#self, ledger, now, time);
      const result = await act({ now, time, ledger, cipher });
      return { result, changed: work.changes().length > 0 };
    });
  }

  /** Makes a new engine with the state of the store. Raises StoreUnavailable. */
  async #renew(): Promise<void> {
    if (!this.#stale) return;
    await this.#store.probe();
    const engine = this.#engine.anew();
    await this.#transaction((step) => engine.restore(step));
    this.#engine = engine;
    this.#stale = false;
  }

  #waitForStore(error: StoreUnavailable): void {
    this.#stale = true;
    clearTimeout(this.#timer);
    this.#toFetch.length = 0;
    if (!this.#unavailable) {
      this.#unavailable = true;
      this.#handle({ type: "event", event: { type: "store_failing", reason: error.message } });
    }
    this.#line?.leave({ type: "drop", reason: error.message, planned: false });
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
        case "fetch":
          this.#toFetch.push(output.request);
          break;
        default:
          this.#handle(output);
      }
    }
    while (this.#fetching < FETCHES_AT_ONCE && this.#toFetch.length > 0) {
      const request = this.#toFetch.shift();
      if (request !== undefined) void this.#carryOutFetch(request);
    }
    this.#arm();
  }

  async #carryOutFetch(request: Request): Promise<void> {
    this.#fetching += 1;
    let result: FetchResult | undefined;
    let retryAfter: number | undefined;
    try {
      result = await this.#fetch(request);
    } catch (error) {
      // a response of another shape is none either
      if (error instanceof ApiError) retryAfter = 1_000 * (error.retryAfter ?? 0);
    }
    this.#fetching -= 1;
    await this.#quietly(async (step, engine) => {
      if (result === undefined) await engine.fetchFailed(step, request, retryAfter);
      else await engine.fetchSucceeded(step, result);
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.engine.nextDue();
    if (due === undefined || this.#closed) return;
    // The engine has nothing to do yet where this is too early, and is waited for again.
    const delay = Math.min(Math.max(0, due - performance.now()), LONGEST_DELAY_MS);
    this.#timer = setTimeout(() => void this.#quietly((step, engine) => engine.due(step)), delay);
  }

  /** A step that nobody waits for. */
  async #quietly(act: (step: Step, engine: Engine) => Promise<void>): Promise<void> {
    try {
      await this.step(act);
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

/** The client's WebSocket connection: ticket, connect, converse, and again (client rule 6). */

import type { TicketResponse } from "./core/bodies.generated.ts";
import type { Event } from "./core/events.ts";
import { FrameError } from "./core/fields.ts";
import type { ServerFrame } from "./core/frames.ts";
import type { Backoff } from "./core/liveness.ts";
import type { Output } from "./core/outputs.ts";
import { parse } from "./core/parsing.ts";
import { type Driver, STORE_RETRY_MS } from "./driver.ts";
import { ApiError, Closed, Removed, StoreError, StoreUnavailable, Unreachable } from "./errors.ts";
import { sleep } from "./requests.ts";

const OPEN_TIMEOUT_MS = 15_000;
// After a connection that lasted less than this, the pauses go on growing. It is longer than
// `syncTimeout`, after which a connection without a response is closed.
export const SETTLED_MS = 30_000;
const WORDS_MS = 300; // for what was said last to leave

type Leave = Extract<Output, { type: "drop" | "stop" }>;

export interface Calls {
  readonly ticket: () => Promise<TicketResponse>;
  /** Called when the backend does not know this device any more. */
  readonly comeBack: () => Promise<void>;
  /** Called before frames are handled: their senders have to be known. */
  readonly meet: (frames: readonly ServerFrame[]) => Promise<void>;
  readonly publish: (event: Event) => void;
}

const OVER = new Set(["unauthorized", "forbidden"]); // forbidden: the account is disabled

export class Connection {
  readonly #driver: Driver;
  readonly #backoff: Backoff;
  readonly #calls: Calls;
  #socket: WebSocket | undefined;
  #next: TicketResponse | undefined;
  #closing = false;
  #wake: (() => void) | undefined;
  /** When the backend allows the next attempt, ms of performance.now(). */
  #notBefore = 0;

  constructor(driver: Driver, backoff: Backoff, calls: Calls) {
    this.#driver = driver;
    this.#backoff = backoff;
    this.#calls = calls;
  }

  /** Returns when the client is displaced, signed out or closed. */
  async run(): Promise<void> {
    while (!this.#closing) {
      let leave: Leave;
      let wait = 0;
      try {
        while (!this.#closing && !(await this.#driver.writable())) await this.#rest(STORE_RETRY_MS);
        leave = await this.#once();
      } catch (error) {
        // As the backend says: a 403 of a firewall in front of it has no code of the protocol.
        const over = error instanceof ApiError && OVER.has(error.code);
        if (over || error instanceof Removed) {
          this.#calls.publish({ type: "signed_out", reason: error.message });
          return;
        }
        // The driver has reported it. Where the store only waits, what has arrived comes again.
        const stopped = error instanceof StoreError && !(error instanceof StoreUnavailable);
        if (stopped || error instanceof Closed) return;
        leave = { type: "drop", reason: reasonOf(error), planned: false };
        if (error instanceof ApiError) wait = 1_000 * (error.retryAfter ?? 0);
      }
      if (leave.type === "stop" || this.#closing) {
        this.#calls.publish({ type: "disconnected", reason: "stopped", retryIn: undefined });
        return;
      }
      if (!leave.planned) await this.#pause(leave.reason, wait);
    }
  }

  /** Sends the last frames and closes the connection properly; `run` then returns. */
  async close(): Promise<void> {
    this.#closing = true;
    try {
      if (this.#driver.online) {
        await this.#driver.step((step, engine) => engine.closing(step));
        await flushed(this.#socket);
      }
    } finally {
      this.abort();
    }
  }

  /** The connection ends as if the network had gone. */
  abort(): void {
    this.#closing = true;
    this.#wake?.();
    this.cut();
  }

  /** Ends the pause before the next attempt, unless the backend has asked for it. */
  wake(): void {
    if (performance.now() >= this.#notBefore) this.#wake?.();
  }

  /** Ends the connection as `abort` does, but the client connects again. */
  cut(): void {
    this.#socket?.close();
  }

  /** `wait`: what the backend asks for, ms. */
  async #pause(reason: string, wait: number): Promise<void> {
    const pause = wait + this.#backoff.pause();
    this.#notBefore = performance.now() + wait;
    this.#calls.publish({ type: "disconnected", reason, retryIn: pause, wait });
    await this.#rest(pause);
  }

  /** Until then, or the end. */
  async #rest(pause: number): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([sleep(pause), woken]);
  }

  async #once(): Promise<Leave> {
    const ticket = this.#next ?? (await this.#ticket());
    this.#next = undefined;
    if (this.#closing) return { type: "stop" };
    const socket = new WebSocket(ticket.url, ["chat.v1", `ticket.${ticket.ticket}`]);
    this.#socket = socket; // so that it can be cut while it opens
    let since = Number.POSITIVE_INFINITY;
    try {
      await opened(socket);
      since = performance.now();
      return await this.#converse(socket);
    } finally {
      if (performance.now() - since >= SETTLED_MS) this.#backoff.connected();
      this.#socket = undefined;
      socket.close();
      await this.#driver.closed();
    }
  }

  async #converse(socket: WebSocket): Promise<Leave> {
    const inbox = new Inbox(socket);
    const left = Promise.withResolvers<Leave>();
    await this.#driver.opened({
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      leave: (how) => left.resolve(how),
    });
    const reading = this.#read(inbox);
    const leave = await Promise.race([left.promise, reading]);
    if (leave.type === "drop" && leave.planned) {
      await flushed(socket);
      this.#next = await this.#ticket(); // now, so that only a handshake is left
    }
    socket.close();
    inbox.end();
    // The last frames, perhaps `displaced`. Others that can't be handled any more come again.
    await reading.catch(() => undefined);
    return Promise.race([left.promise, Promise.resolve(leave)]);
  }

  /** Takes what arrives, in order, until the connection ends. */
  async #read(inbox: Inbox): Promise<Leave> {
    for (;;) {
      const texts = await inbox.next();
      if (texts === undefined) return { type: "drop", reason: inbox.reason, planned: false };
      const frames = await this.#met(texts.flatMap(framesOf), inbox);
      // What arrived together goes into one transaction.
      await this.#driver.step(async (step, engine) => {
        for (const frame of frames) await engine.received(step, frame);
      });
    }
  }

  /**
   * The frames that can be handled: all, or only `displaced` if the devices of a sender can't be
   * fetched now.
   */
  async #met(frames: ServerFrame[], inbox: Inbox): Promise<ServerFrame[]> {
    try {
      await this.#calls.meet(frames);
      return frames;
    } catch (error) {
      // The rest comes again on the next connection, but there must be none after this.
      const left = [...frames, ...inbox.take().flatMap(framesOf)];
      const displaced = left.filter(({ type }) => type === "displaced");
      if (displaced.length === 0) throw error;
      return displaced;
    }
  }

  async #ticket(): Promise<TicketResponse> {
    let ticket: TicketResponse;
    try {
      ticket = await this.#calls.ticket();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      await this.#calls.comeBack();
      ticket = await this.#calls.ticket();
    }
    this.#backoff.ticket(ticket.reconnectWindow);
    return ticket;
  }
}

/** What has arrived and is not taken yet. */
class Inbox {
  reason = "the connection was closed";
  #texts: string[] = [];
  #ended = false;
  #arrived: (() => void) | undefined;

  constructor(socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#texts.push(data);
      this.#arrived?.();
    };
    socket.onclose = ({ code, reason }) => {
      this.reason = `the connection was closed (${code}${reason === "" ? "" : `: ${reason}`})`;
      this.end();
    };
  }

  end(): void {
    this.#ended = true;
    this.#arrived?.();
  }

  /** Undefined when no more will come. */
  async next(): Promise<string[] | undefined> {
    while (this.#texts.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.take();
  }

  take(): string[] {
    const texts = this.#texts;
    this.#texts = [];
    return texts;
  }
}

async function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.close();
      reject(new Unreachable(`no connection: ${why}`));
    };
    const timer = setTimeout(() => fail("it took too long"), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.onclose = ({ code }) => fail(`it was rejected (${code})`);
    socket.onerror = () => fail("it was rejected");
  });
}

/** Waits until what was sent has left, as far as a browser shows. */
async function flushed(socket: WebSocket | undefined): Promise<void> {
  const until = performance.now() + WORDS_MS;
  while (socket?.bufferedAmount && performance.now() < until) await sleep(10);
}

function framesOf(text: string): ServerFrame[] {
  try {
    return [parse(text)].filter((frame) => frame !== undefined);
  } catch (error) {
    if (error instanceof FrameError) return []; // none of the protocol's
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

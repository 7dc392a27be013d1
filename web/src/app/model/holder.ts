/**
 * The side of the tab that has the device: it carries out the calls of other tabs and sends them
 * the events. The device's lock decides which tab that is; nothing here depends on time.
 */

import type { ChatClient, Event } from "../../client/index.ts";
import {
  type Call,
  type Change,
  channelOf,
  guestChannelOf,
  type ToAll,
  type ToGuest,
  type ToHolder,
  toRaised,
} from "./calls.ts";
import type { Session } from "./session.ts";

/** Calls that end the sign-in, for which the page does more than the client. */
export interface Leaving {
  signOut(everywhere: boolean): Promise<void>;
  deleteAccount(password: string): Promise<void>;
}

export class Holder {
  readonly #id = crypto.randomUUID();
  readonly #database: string;
  readonly #session: Session;
  readonly #leaving: Leaving;
  readonly #all: BroadcastChannel;
  readonly #guests = new Map<string, BroadcastChannel>();
  readonly #stops: (() => void)[];
  #userLeaving = false;

  constructor(database: string, session: Session, leaving: Leaving) {
    this.#database = database;
    this.#session = session;
    this.#leaving = leaving;
    this.#all = new BroadcastChannel(channelOf(database));
    this.#all.onmessage = ({ data }: MessageEvent<ToAll>) => {
      if (data.type === "join") this.#join(data.guest);
    };
    let { link } = session;
    this.#stops = [
      session.client.listen((event) => {
        const ends = event.type === "signed_out" || event.type === "displaced";
        if (!(ends && this.#userLeaving)) this.#notify({ type: "event", event });
      }),
      session.watch(() => {
        if (session.link === link) return;
        link = session.link;
        this.#notify({ type: "link", link });
      }),
    ];
    session.changedHere = (change) => this.#notify(change);
    this.#all.postMessage({ type: "here" } satisfies ToAll);
  }

  /** While the user is leaving, the end of the sign-in is not passed on: `left` follows, or `ended`. */
  setUserLeaving(leaving: boolean): void {
    this.#userLeaving = leaving;
  }

  /** The user has left, on this tab or another. */
  left(): void {
    this.#notify({ type: "left" });
    this.close();
  }

  /** The sign-in has ended. The session gets that event first, and possibly alone. */
  ended(why: "signed_out" | "displaced"): void {
    const event: Event = why === "displaced" ? { type: why } : { type: why, reason: why };
    this.#notify({ type: "event", event });
    this.close();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#session.changedHere = undefined;
    this.#all.close();
    for (const channel of this.#guests.values()) channel.close();
    this.#guests.clear();
  }

  #join(guest: string): void {
    const channel = this.#guests.get(guest) ?? this.#welcome(guest);
    const now = this.#session.now;
    channel.postMessage({ type: "joined", holder: this.#id, now } satisfies ToGuest);
  }

  #welcome(guest: string): BroadcastChannel {
    const name = guestChannelOf(this.#database, guest);
    const channel = new BroadcastChannel(name);
    this.#guests.set(guest, channel);
    channel.onmessage = ({ data }: MessageEvent<ToHolder>) => {
      if (data.type === "call") void this.#carryOut(data, channel);
      else this.#changed(data, channel);
    };
    // A tab holds the lock of its name for as long as it exists.
    void navigator.locks.request(name, () => {
      channel.close();
      this.#guests.delete(guest);
    });
    return channel;
  }

  #notify(what: ToGuest, but?: BroadcastChannel): void {
    for (const channel of this.#guests.values()) if (channel !== but) channel.postMessage(what);
  }

  #changed(change: Change, by: BroadcastChannel): void {
    this.#session.changedElsewhere(change);
    this.#notify(change, by);
  }

  async #carryOut({ id, path, args, reports }: Call, to: BroadcastChannel): Promise<void> {
    const post = (what: ToGuest) => {
      if ([...this.#guests.values()].includes(to)) to.postMessage(what); // it may have gone meanwhile
    };
    const report = (...args: unknown[]) => post({ type: "report", id, args });
    try {
      post({
        type: "returned",
        id,
        value: await this.#does(path, reports ? [...args, report] : args),
      });
    } catch (error) {
      post({ type: "raised", id, error: toRaised(error) });
    }
  }

  async #does(path: readonly string[], args: readonly unknown[]): Promise<unknown> {
    const [first = ""] = path;
    if (first === "connectNow") return this.#session.connectNow();
    if (first === "signOut") return this.#leaving.signOut(args[0] === true);
    if (first === "deleteAccount") return this.#leaving.deleteAccount(String(args[0]));
    return callOn(this.#session.client, path, args);
  }
}

/** Calls the method that `path` leads to. */
export async function callOn(
  client: ChatClient,
  path: readonly string[],
  args: readonly unknown[],
): Promise<unknown> {
  const part = path
    .slice(0, -1)
    .reduce<unknown>((from, name) => Reflect.get(Object(from), name), client);
  const method: unknown = Reflect.get(Object(part), path.at(-1) ?? "");
  if (typeof method !== "function") throw new TypeError(`there is no ${path.join(".")}`);
  return Reflect.apply(method, part, args);
}

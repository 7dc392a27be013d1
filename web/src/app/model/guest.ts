/**
 * The client of a tab that does not have the device: its calls are carried out by the tab that has
 * it. When that tab is closed, this one may get the device, and the same client then uses its own.
 */

import type { ChatClient, Event } from "../../client/index.ts";
import {
  type Call,
  type Change,
  channelOf,
  fromRaised,
  guestChannelOf,
  type Snapshot,
  type ToAll,
  type ToGuest,
  type ToHolder,
} from "./calls.ts";
import { callOn } from "./holder.ts";
import type { Link } from "./link.ts";

/** The parts of a client that have methods of their own. */
const PARTS = [
  "account",
  "chats",
  "devices",
  "linking",
  "messages",
  "people",
  "verification",
  "writing",
] as const satisfies readonly (keyof ChatClient)[];

type Part = (typeof PARTS)[number];
type Method = { [P in Part]: `${P}.${keyof ChatClient[P] & string}` }[Part];

/** Calls that may be repeated: the next tab that has the device makes them again. */
const REPEATED: readonly string[] = [
  "account.storedItems",
  "chats.all",
  "chats.refresh",
  "chats.watermarks",
  "devices.of",
  "devices.own",
  "devices.registeredAt",
  "devices.webPushKey",
  "messages.fetchFile",
  "messages.history",
  "messages.markRead",
  "messages.typing",
  "messages.uploads",
  "people.chats",
  "people.contacts",
  "people.invitations",
  "people.requests",
  "people.watch",
  "writing.profile",
  "verification.safetyNumber",
] satisfies Method[];

/** The tab that carried out the call was closed: it is not known whether the call was done. */
export class HandedOver extends Error {
  override readonly name = "HandedOver";
}

/** What a guest is notified of besides the events of the client. */
export interface Hears {
  joined(now: Snapshot): void;
  changed(change: Change): void;
  linkIs(link: Link): void;
  left(): void;
}

interface Pending {
  readonly call: Call;
  readonly report: ((...args: unknown[]) => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Guest {
  readonly client: ChatClient;
  readonly #id = crypto.randomUUID();
  readonly #all: BroadcastChannel;
  readonly #channel: BroadcastChannel;
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #pending = new Map<number, Pending>();
  readonly #there = Promise.withResolvers<void>();
  readonly #echo = Promise.withResolvers<void>();
  readonly #name: string;
  #calls = 0;
  #holder: string | undefined;
  #own: ChatClient | undefined;
  #stop: (() => void) | undefined;

  constructor(
    of: { readonly user: string; readonly device: string },
    database: string,
    hears: Hears,
  ) {
    this.#all = new BroadcastChannel(channelOf(database));
    const name = guestChannelOf(database, this.#id);
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<ToGuest>) => this.#heard(data, hears);
    this.#all.onmessage = ({ data }: MessageEvent<ToAll>) => {
      if (data.type === "here") this.#join();
    };
    this.client = this.#clientOf(of);
    // A lock held for as long as this tab takes part; it joins once it has the lock.
    void navigator.locks.request(name, () => {
      this.#join();
      return this.#there.promise;
    });
  }

  /** Notifies the other tabs of a change made on this one. */
  notify(change: Change): void {
    if (this.#own === undefined) this.#post(change);
  }

  /** Returns when everything has arrived that the other tab has sent until now. */
  async upToDate(): Promise<void> {
    const channel = new BroadcastChannel(this.#name);
    channel.postMessage({ type: "echo" } satisfies ToGuest);
    await this.#echo.promise;
    channel.close();
  }

  /** This tab has the device from now on. */
  moveTo(client: ChatClient): void {
    this.#own = client;
    this.#stop = client.listen((event) => this.#publish(event));
    this.#leave();
    for (const { call, report, resolve, reject } of this.#take()) {
      const args = report === undefined ? call.args : [...call.args, report];
      if (isRepeated(call)) callOn(client, call.path, args).then(resolve, reject);
      else reject(new HandedOver());
    }
  }

  /** Ends the part of this tab. */
  async close(): Promise<void> {
    this.#leave();
    this.#stop?.();
    for (const { reject } of this.#take()) reject(new HandedOver());
    await this.#own?.close();
  }

  #leave(): void {
    this.#all.close();
    this.#channel.close();
    this.#there.resolve();
    this.#echo.resolve();
  }

  #take(): Pending[] {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    return pending;
  }

  #clientOf({ user, device }: { readonly user: string; readonly device: string }): ChatClient {
    const connecting = () => this.#own === undefined || this.#own.connecting;
    const own = {
      user,
      device,
      get connecting() {
        return connecting();
      },
      connectNow: () => void this.#call(["connectNow"], []).catch(() => {}), // it is an offer
      close: () => this.close(),
      listen: (listener: (event: Event) => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    return callable(own, [], (path, args) => this.#call(path, args)) as ChatClient;
  }

  async #call(path: readonly string[], args: readonly unknown[]): Promise<unknown> {
    if (this.#own !== undefined) return callOn(this.#own, path, args);
    const last = args.at(-1);
    const report = typeof last === "function" ? (last as Pending["report"]) : undefined;
    const plain = report === undefined ? args : args.slice(0, -1);
    const id = ++this.#calls;
    const call: Call = { type: "call", id, path, args: plain, reports: report !== undefined };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { call, report, resolve, reject });
      this.#post(call);
    });
  }

  #heard(data: ToGuest, hears: Hears): void {
    switch (data.type) {
      case "joined":
        this.#joined(data.holder);
        hears.joined(data.now);
        return;
      case "event":
        this.#publish(data.event);
        return;
      case "link":
        hears.linkIs(data.link);
        return;
      case "echo":
        this.#echo.resolve();
        return;
      case "left":
        for (const { resolve } of this.#take()) resolve(undefined); // it was asked to
        hears.left();
        return;
      case "report":
        this.#pending.get(data.id)?.report?.(...data.args);
        return;
      case "draft":
      case "wrote":
      case "accepted":
        hears.changed(data);
        return;
      default:
        this.#responded(data);
    }
  }

  #responded(data: ToGuest & { readonly type: "returned" | "raised" }): void {
    const pending = this.#pending.get(data.id);
    this.#pending.delete(data.id);
    if (data.type === "returned") pending?.resolve(data.value);
    else pending?.reject(fromRaised(data.error));
  }

  #publish(event: Event): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #join(): void {
    this.#all.postMessage({ type: "join", guest: this.#id } satisfies ToAll);
  }

  /** A new holder does not know the calls that were made to the one before. */
  #joined(holder: string): void {
    if (holder === this.#holder) return;
    this.#holder = holder;
    for (const each of this.#take()) {
      if (!isRepeated(each.call)) each.reject(new HandedOver());
      else {
        this.#pending.set(each.call.id, each);
        this.#post(each.call);
      }
    }
  }

  #post(what: ToHolder): void {
    this.#channel.postMessage(what);
  }
}

function isRepeated({ path }: Call): boolean {
  return REPEATED.includes(path.join("."));
}

/** What `own` lacks is a method, for which `call` is called, or a part that has methods. */
function callable(
  own: object,
  path: readonly string[],
  call: (path: readonly string[], args: readonly unknown[]) => unknown,
): object {
  return new Proxy(own, {
    get: (target, name) => {
      if (Reflect.has(target, name)) return Reflect.get(target, name);
      if (typeof name !== "string" || name === "then") return undefined; // it is no promise
      const further = [...path, name];
      if (path.length === 0 && PARTS.some((part) => part === name))
        return callable({}, further, call);
      return (...args: unknown[]) => call(further, args);
    },
  });
}

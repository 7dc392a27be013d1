/**
 * Devices with real engines, ratchets and stores over a backend in memory: no sockets, and time stands
 * still. What tests/client/crypto/scene.py is to the Python client.
 */

import type { ClaimedKey, SignedDevice } from "../src/client/core/bodies.generated.ts";
import type { FetchResult, Request } from "../src/client/core/cipher.ts";
import { nameOf, partsOf, userOf } from "../src/client/core/ids.ts";
import { parse } from "../src/client/core/parsing.ts";
import * as tables from "../src/client/store/tables.ts";
import { Device, START } from "./crypto-device.ts";

export interface Sent {
  readonly message_id: string;
  readonly chat: string;
  readonly alg: string;
  readonly to?: Readonly<Record<string, string>>;
  readonly payload?: string;
  readonly hidden?: boolean;
}

interface Logged extends Sent {
  readonly seq: number;
  readonly from: string;
  readonly sent_at: number;
}

/** The backend, and everything that is under way between it and the devices. */
export class Scene {
  time = START;
  readonly log: Logged[] = [];
  /** `user/device` -> who answers for it; what is not here is not registered. */
  readonly devices = new Map<string, Device>();
  /** Of which the directory has no keys to hand out. */
  readonly without = new Set<string>();
  /** Before this time the backend takes no claims. */
  claimsAt = 0;
  /** Nobody is notified of devices that come and go. */
  quiet = false;
  /** Of each chat. */
  readonly members = new Map<string, string[]>();
  /** Chat -> who was asked and has not answered. */
  readonly requests = new Map<string, string>();
  /** Devices of which keys were claimed. */
  readonly claimed: string[] = [];
  /** `user/device: action` of each frame. */
  readonly heard: string[] = [];
  /** Frames that are not taken for good, by what they are sent for. */
  refuses: ((frame: Sent, from: Device) => boolean) | undefined;

  static async of(...names: string[]): Promise<Scene> {
    const scene = new Scene();
    for (const name of names) await scene.add(name);
    return scene;
  }

  get(name: string): Device {
    const device = this.devices.get(name);
    if (device === undefined) throw new Error(`there is no ${name}`);
    return device;
  }

  /** A device that is registered, or another one of the same name in its place. */
  async add(name: string): Promise<Device> {
    const device = await Device.made(this, name);
    this.devices.set(name, device);
    for (const [chat, users] of this.members) {
      if (users.includes(userOf(name))) await this.#meets(device, chat, users);
    }
    await device.connect();
    this.#changed(userOf(name));
    await this.settle();
    return device;
  }

  async remove(name: string): Promise<void> {
    await this.get(name).leave();
    this.devices.delete(name);
    this.#changed(userOf(name));
    await this.settle();
  }

  /** A direct chat of two, a group of more. */
  async chat(...users: string[]): Promise<string> {
    const chat = `${users.length > 2 ? "group" : "direct"}-${this.members.size}`;
    this.members.set(chat, users);
    for (const device of this.devices.values()) {
      if (users.includes(userOf(device.name))) await this.#meets(device, chat, users);
    }
    await this.settle();
    return chat;
  }

  /** A direct chat that `asker`, a stranger, has begun with `asked`, whose devices know nothing yet. */
  async request(asker: string, asked: string): Promise<string> {
    const chat = `direct-${this.members.size}`;
    this.members.set(chat, [asker, asked]);
    this.requests.set(chat, asked);
    for (const device of this.devices.values()) {
      if (userOf(device.name) === asker) await this.#meets(device, chat, [asker, asked]);
    }
    return chat;
  }

  /** By the REST API, on a device that is none of these. */
  accept(chat: string): void {
    const asked = this.requests.get(chat);
    this.requests.delete(chat);
    for (const device of this.devices.values()) {
      const hears = device.online && userOf(device.name) === asked;
      if (hears) device.down.push({ type: "chat_changed", chat });
    }
  }

  #isAsked(device: Device, chat: string): boolean {
    return this.requests.get(chat) === userOf(device.name);
  }

  async #meets(device: Device, chat: string, users: string[]): Promise<void> {
    const kind = chat.startsWith("group") ? "group" : "direct";
    const about = { kind, request: this.#isAsked(device, chat) } as const;
    await device.step((step, engine) => engine.chatIs(step, chat, users, about));
  }

  /** The members of a group are others now. */
  async become(chat: string, ...users: string[]): Promise<void> {
    this.members.set(chat, users);
    for (const device of this.devices.values()) {
      if (users.includes(userOf(device.name))) await this.#meets(device, chat, users);
    }
    await this.settle();
  }

  #changed(user: string): void {
    if (this.quiet) return;
    for (const device of this.devices.values()) {
      if (device.online) device.down.push({ type: "devices_changed", user });
    }
  }

  async listing(user: string): Promise<[device: string, signed: SignedDevice][]> {
    const own = [...this.devices.values()].filter(({ name }) => userOf(name) === user);
    return Promise.all(own.map(async (each) => [partsOf(each.name)[1], await each.signed()]));
  }

  handle(from: Device, frame: Record<string, unknown>): void {
    if (!from.online) return;
    this.heard.push(`${from.name}: ${frame.action}`);
    if (frame.action === "send") this.#take(from, frame as unknown as Sent);
    if (frame.action === "sync") this.#sync(from, (frame.chats ?? {}) as Record<string, number>);
  }

  #take(from: Device, frame: Sent): void {
    const { chat, message_id } = frame;
    if (this.refuses?.(frame, from)) {
      from.down.push({ type: "error", code: "too_large", message: "no", message_id });
      return;
    }
    const all = this.log.filter((each) => each.chat === chat);
    const known = all.find((each) => each.message_id === message_id && each.from === from.name);
    const logged = known ?? { ...frame, seq: all.length + 1, from: from.name, sent_at: this.time };
    const users = this.members.get(chat) ?? [];
    const others = [...this.devices.values()].filter(
      ({ name }) => users.includes(userOf(name)) && name !== from.name,
    );
    if (this.#isAsked(from, chat) && frame.hidden !== true) this.requests.delete(chat);
    if (known === undefined) {
      this.log.push(logged);
      for (const to of others) if (to.online) to.down.push(this.#message(logged, to));
    }
    const to = frame.to === undefined ? undefined : Object.keys(frame.to);
    const missing = others.map(({ name }) => name).filter((name) => to && !to.includes(name));
    const stale = (to ?? []).filter((name) => !this.devices.has(name));
    const { seq, sent_at } = logged;
    from.down.push({ type: "accepted", message_id, chat, seq, sent_at, missing, stale });
  }

  #message({ from, to, payload, ...logged }: Logged, reader: Device): object {
    const [sender, sender_device] = partsOf(from);
    const { chat, seq, message_id, alg, sent_at } = logged;
    const sealed = to === undefined ? payload : (to[reader.name] ?? null);
    const said = { chat, seq, message_id, sender, sender_device, alg, payload: sealed };
    return { type: "message", ...said, sent_at };
  }

  #sync(to: Device, asked: Record<string, number>): void {
    const chats: Record<string, object> = {};
    for (const [chat, users] of this.members) {
      if (!users.includes(userOf(to.name))) continue;
      const all = this.log.filter((each) => each.chat === chat);
      const after = asked[chat] ?? 0;
      for (const each of all) if (each.seq > after) to.down.push(this.#message(each, to));
      const members = Object.fromEntries(users.map((user) => [user, {}]));
      const request = this.#isAsked(to, chat);
      const seq = all.length;
      chats[chat] = { seq, after, complete_to: seq, missing: [], members, request };
    }
    to.down.push({ type: "synced", chats, more: false });
  }

  /** To whom each Olm frame of a device went in the chat. */
  readers(chat: string, from: string): string[][] {
    const sent = this.log.filter((each) => each.chat === chat && each.from === from);
    return sent.flatMap(({ to }) => (to === undefined ? [] : [Object.keys(to).sort()]));
  }

  /** The ids of the group sessions that were used. */
  sessions(): string[] {
    return [...new Set(this.log.flatMap(({ payload }) => payload?.split(".")[0] ?? []))];
  }

  // -- until nothing is under way

  async settle(ms = 0): Promise<void> {
    this.time += ms;
    const all = [...this.devices.values()];
    if (ms > 0) for (const device of all) await device.step((step, engine) => engine.due(step));
    for (let busy = true; busy; ) {
      busy = false;
      for (const device of all) {
        while (device.online && device.wanted.length + device.down.length > 0) {
          busy = true;
          await this.#next(device);
        }
      }
    }
  }

  async #next(device: Device): Promise<void> {
    const request = device.wanted.shift();
    if (request !== undefined) {
      const result = await this.#response(request, device);
      await device.step((step, engine) => engine.fetchSucceeded(step, result));
      return;
    }
    const frame = device.down.shift();
    const parsed = parse(JSON.stringify(frame));
    if (parsed === undefined) throw new Error("no frame that is known");
    if (parsed.type === "message") await this.meets(device, parsed.sender, parsed.senderDevice);
    await device.step((step, engine) => engine.received(step, parsed));
  }

  /** As a client does: it asks who has sent something before it takes that. */
  async meets(device: Device, user: string, other: string): Promise<void> {
    const known = await device.store.get(tables.knownDevices, [user, other]);
    if (known !== undefined || nameOf(user, other) === device.name) return;
    await device.step(async (step, engine) => {
      const request = engine.lookAt(step, user);
      await engine.fetchSucceeded(step, await this.#listed(request));
    });
  }

  async #listed(request: Request & { readonly type: "lists" }): Promise<FetchResult> {
    const devices = new Map(await this.listing(request.user));
    return { type: "lists", request, found: { devices, former: [] } };
  }

  async #response(request: Request, by: Device): Promise<FetchResult> {
    if (request.type === "lists") return this.#listed(request);
    if (request.type === "chats") {
      const users = this.members.get(request.chat) ?? [];
      await this.#meets(by, request.chat, users);
      return { type: "chats", request };
    }
    this.claimed.push(...request.devices);
    if (this.time < this.claimsAt) {
      return { type: "claims", request, found: new Map(), retryAfter: this.claimsAt - this.time };
    }
    const there = request.devices.filter((name) => this.devices.has(name));
    const keys = there.filter((name) => !this.without.has(name));
    const found = new Map<string, ClaimedKey>();
    for (const name of keys) found.set(name, await this.get(name).oneTimeKey());
    return { type: "claims", request, found };
  }
}

/** One text after another; the id of the last. */
export async function say(scene: Scene, who: string, chat: string, ...texts: string[]) {
  let id = "";
  for (const text of texts) {
    id = await scene.get(who).send(chat, text);
    await scene.settle();
  }
  return id;
}

/** A backend in memory: the routes and frames that a client needs, and the faults a test wants. */

import { vi } from "vitest";
import { ChatClient } from "../src/client/chat-client.ts";
import type { Event } from "../src/client/core/events.ts";

interface Device {
  keys: unknown;
  signature: string;
  oneTime: { id: string; key: string; signature: string }[];
  fallback: { id: string; key: string; signature: string } | undefined;
  watermarks: Map<string, number>;
}

/** A `send` frame as it stands in a chat. */
export interface Logged {
  readonly seq: number;
  readonly sender: string;
  readonly device: string;
  readonly frame: SendFrame;
}

export interface SendFrame {
  readonly action: "send";
  readonly message_id: string;
  readonly chat: string;
  readonly alg: string;
  readonly to?: Readonly<Record<string, string>>;
  readonly payload?: string;
  readonly hidden?: boolean;
}

interface Chat {
  kind: "direct" | "group";
  members: Map<string, number>; // user -> joined at
  log: Logged[];
}

type Fields = Record<string, unknown>;
/** Instead of the truth: another answer or frame, or an HTTP status with a body. */
type Lie = Fields | [number, unknown];

export class FakeBackend {
  readonly devices = new Map<string, Device>();
  readonly chats = new Map<string, Chat>();
  readonly sockets = new Map<string, FakeSocket>();
  /** Texts of all frames that were sent, in order. */
  readonly sent: string[] = [];
  /** Devices whose claims are refused. */
  readonly refusing = new Set<string>();
  /** How many claims have been refused. */
  refused = 0;
  /** So many `send` frames are lost on their way. */
  loseSend = 0;
  /** So many `send` frames are refused for good. */
  failSend = 0;
  /** Answers to so many `send` frames are lost. */
  loseAccepted = 0;
  /** Nobody is notified of new devices and members. */
  quiet = false;
  /** What it says instead of the truth, by route (`GET chats`) or type of frame (`synced`). */
  readonly lies = new Map<string, (truth: Fields, to: string) => Lie | Promise<Lie>>();
  /** Its clock. */
  clock = () => Date.now();
  online = true;
  /** New connections never open, and how many have tried to. */
  stuck = false;
  tried = 0;
  #tickets = 0;

  install(): void {
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.#fetch(url, init));
    const backend = this;
    vi.stubGlobal(
      "WebSocket",
      class extends FakeSocket {
        constructor(url: string, protocols: string[]) {
          super(backend, url, protocols);
        }
      },
    );
  }

  /** A connected client. The same name again is the same device. */
  async client(name: string, options: Fields = {}): Promise<TestClient> {
    const [user = "", device = ""] = name.split("/");
    const client = await ChatClient.open({ user, device, password: "secret", ...options });
    const events: Event[] = [];
    client.listen((event) => events.push(event));
    await client.signUpOrIn();
    await client.connect();
    return { client, events, name };
  }

  message(logged: Logged, device: string): Fields {
    const { seq, sender, frame } = logged;
    return {
      type: "message",
      chat: frame.chat,
      seq,
      message_id: frame.message_id,
      sender,
      sender_device: logged.device,
      sent_at: this.clock(),
      alg: frame.alg,
      payload: frame.to === undefined ? frame.payload : (frame.to[device] ?? null),
    };
  }

  tell(users: Iterable<string>, frame: Fields, besides?: string): void {
    const wanted = new Set(users);
    for (const [name, socket] of this.sockets) {
      if (wanted.has(name.split("/")[0] ?? "") && name !== besides) socket.deliver(frame);
    }
  }

  /** Puts it into the chat and shows it to all other devices there; gives its position. */
  post(name: string, frame: SendFrame): number {
    const chat = this.#chat(frame.chat);
    const [sender = "", device = ""] = name.split("/");
    const logged = { seq: (chat.log.at(-1)?.seq ?? 0) + 1, sender, device, frame };
    chat.log.push(logged);
    for (const [other, socket] of this.sockets) {
      if (other !== name && chat.members.has(other.split("/")[0] ?? "")) {
        socket.deliver(this.message(logged, other));
      }
    }
    return logged.seq;
  }

  received(name: string, socket: FakeSocket, text: string): void {
    const frame = JSON.parse(text) as Fields;
    if (frame.action === "send") {
      this.sent.push(text);
      this.#send(name, socket, frame as unknown as SendFrame);
    } else if (frame.action === "sync") this.#sync(name, socket, frame.chats as Fields | undefined);
    else if (frame.action === "ping") socket.deliver({ type: "pong" });
    else if (frame.action === "receipt") this.#receipt(name, frame);
  }

  #send(name: string, socket: FakeSocket, frame: SendFrame): void {
    const chat = this.#chat(frame.chat);
    if (this.loseSend > 0) {
      this.loseSend -= 1;
      socket.close();
      return;
    }
    if (this.failSend > 0) {
      this.failSend -= 1;
      const { message_id } = frame;
      socket.deliver({ type: "error", code: "too_large", message: "no", message_id });
      return;
    }
    const seq = this.post(name, frame);
    if (this.loseAccepted > 0) {
      this.loseAccepted -= 1;
      socket.close();
      return;
    }
    const registered = [...this.devices.keys()].filter((each) =>
      chat.members.has(each.split("/")[0] ?? ""),
    );
    const to = frame.to && Object.keys(frame.to);
    socket.deliver({
      type: "accepted",
      message_id: frame.message_id,
      chat: frame.chat,
      seq,
      sent_at: this.clock(),
      missing: to ? registered.filter((each) => each !== name && !to.includes(each)) : [],
      stale: to ? to.filter((each) => !registered.includes(each)) : [],
    });
  }

  #sync(name: string, socket: FakeSocket, asked: Fields | undefined): void {
    const user = name.split("/")[0] ?? "";
    const chats: Fields = {};
    for (const [id, chat] of this.chats) {
      const joined = chat.members.get(user);
      if (joined === undefined || (asked !== undefined && !(id in asked))) continue;
      const kept = this.devices.get(name)?.watermarks.get(id) ?? 0;
      const after = Math.max(joined, Number(asked?.[id] ?? kept));
      for (const logged of chat.log.filter(({ seq }) => seq > after)) {
        socket.deliver(this.message(logged, name));
      }
      const seq = chat.log.at(-1)?.seq ?? 0;
      const members = Object.fromEntries([...chat.members.keys()].map((each) => [each, {}]));
      chats[id] = { seq, complete_to: seq, missing: [], members };
    }
    const truth = { type: "synced", chats, more: false };
    const lie = this.lies.get("synced")?.(truth, name);
    socket.deliver((lie as Fields | undefined) ?? truth);
  }

  #receipt(name: string, { chat, delivered = 0 }: Fields): void {
    const marks = this.devices.get(name)?.watermarks;
    marks?.set(String(chat), Math.max(Number(delivered), marks.get(String(chat)) ?? 0));
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    if (!this.online) throw new TypeError("the network is gone");
    const path = url.replace(/\?.*/, "").split("/").slice(2);
    const body = init.body === undefined ? {} : (JSON.parse(String(init.body)) as Fields);
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    const [status, answer] = await this.#said(`${init.method} ${path[0]}`, path, body, token);
    return new Response(answer === undefined ? null : JSON.stringify(answer), { status });
  }

  async #said(
    route: string,
    path: string[],
    body: Fields,
    user: string,
  ): Promise<[number, unknown]> {
    const [status, truth] = this.#answer(route, path, body, user);
    const lie = await this.lies.get(route)?.((truth ?? {}) as Fields, user);
    if (lie === undefined) return [status, truth];
    return Array.isArray(lie) ? (lie as [number, unknown]) : [status, lie];
  }

  #answer(route: string, path: string[], body: Fields, user: string): [number, unknown] {
    const name = `${user}/${path[1]}`;
    switch (route) {
      case "POST sign-up":
      case "POST sign-in":
      case "POST token":
        return [
          200,
          { access_token: body.username ?? body.refresh_token, refresh_token: body.username },
        ];
      case "PUT devices":
        return [200, this.#register(name, body)];
      case "DELETE devices":
        this.devices.delete(name);
        this.#announce(user);
        return [204, undefined];
      case "POST devices":
        return [200, { remaining: this.#upload(name, body) }];
      case "GET users": {
        const mine = [...this.devices].filter(([each]) => each.startsWith(`${path[1]}/`));
        const devices = mine.map(([each, { keys, signature }]) => [
          each.slice(each.indexOf("/") + 1),
          { keys, signature },
        ]);
        return [200, { devices: Object.fromEntries(devices) }];
      }
      case "POST keys":
        return this.#claim(body.devices as string[]);
      case "POST chats":
        return path[2] === "members"
          ? [200, { members: this.#change(path[1] ?? "", body) }]
          : [200, this.#create(user, body)];
      case "GET chats":
        return [200, { chats: this.#listed(user) }];
      case "POST tickets":
        this.#tickets += 1;
        return [201, { ticket: `${user}/${body.device}`, url: "ws://fake", expires_in: 30 }];
      default:
        return [404, { error: { code: "not_found", message: route } }];
    }
  }

  #register(name: string, { keys, signature }: Fields): Fields {
    const before = this.devices.get(name);
    const same = JSON.stringify(before?.keys) === JSON.stringify(keys);
    this.devices.set(name, {
      keys,
      signature: String(signature),
      oneTime: same ? (before?.oneTime ?? []) : [],
      fallback: same ? before?.fallback : undefined,
      watermarks: before?.watermarks ?? new Map(),
    });
    if (!same) this.#announce(name.split("/")[0] ?? "", name);
    return { device: name };
  }

  #announce(user: string, besides?: string): void {
    if (this.quiet) return;
    const peers = [...this.chats.values()].flatMap((chat) =>
      chat.members.has(user) ? [...chat.members.keys()] : [],
    );
    this.tell([user, ...peers], { type: "devices_changed", user }, besides);
  }

  #upload(name: string, body: Fields): number {
    const device = this.devices.get(name);
    if (device === undefined) throw new Error(`no device ${name}`);
    for (const [id, key] of Object.entries(body.one_time_keys as Record<string, never>)) {
      device.oneTime.push({ id, ...(key as { key: string; signature: string }) });
    }
    if (body.fallback_key !== undefined) device.fallback = body.fallback_key as never;
    return device.oneTime.length;
  }

  #claim(names: string[]): [number, unknown] {
    const keys: Fields = {};
    for (const name of names) {
      const device = this.devices.get(name);
      if (device === undefined || this.refusing.has(name)) continue;
      const key = device.oneTime.shift();
      if (key !== undefined) keys[name] = { ...key, fallback: false };
      else if (device.fallback !== undefined) keys[name] = { ...device.fallback, fallback: true };
    }
    if (names.length > 0 && names.every((name) => this.refusing.has(name))) {
      this.refused += 1;
      return [429, { error: { code: "rate_limited", message: "too often" } }];
    }
    return [200, { keys }];
  }

  #create(user: string, body: Fields): Fields {
    const others = body.kind === "direct" ? [String(body.with)] : (body.members as string[]);
    const members = [...new Set([user, ...others])].sort();
    const kind = body.kind as Chat["kind"];
    const known = [...this.chats].find(
      ([, chat]) => kind === "direct" && [...chat.members.keys()].sort().join() === members.join(),
    );
    const chat = known?.[0] ?? `chat-${this.chats.size}`;
    if (known === undefined) {
      this.chats.set(chat, { kind, members: new Map(members.map((each) => [each, 0])), log: [] });
    }
    return { chat, members };
  }

  #change(id: string, { add = [], remove = [] }: Fields): string[] {
    const chat = this.#chat(id);
    const before = [...chat.members.keys()];
    for (const user of add as string[]) chat.members.set(user, chat.log.at(-1)?.seq ?? 0);
    for (const user of remove as string[]) chat.members.delete(user);
    for (const user of [...(add as string[]), ...(remove as string[])]) {
      const people = new Set([...before, ...chat.members.keys()]);
      if (!this.quiet) this.tell(people, { type: "devices_changed", user, chat: id });
    }
    return [...chat.members.keys()];
  }

  #listed(user: string): Fields[] {
    return [...this.chats]
      .filter(([, chat]) => chat.members.has(user))
      .map(([chat, { kind, members }]) => ({ chat, kind, members: [...members.keys()] }));
  }

  #chat(id: string): Chat {
    const chat = this.chats.get(id);
    if (chat === undefined) throw new Error(`no chat ${id}`);
    return chat;
  }
}

export interface TestClient {
  readonly client: ChatClient;
  readonly events: readonly Event[];
  readonly name: string;
}

export class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  onerror: (() => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;
  readonly #backend: FakeBackend;
  readonly #name: string;

  constructor(backend: FakeBackend, _url: string, protocols: string[]) {
    this.#backend = backend;
    this.#name = (protocols[1] ?? "").replace("ticket.", "");
    backend.tried += 1;
    if (backend.stuck) return;
    setTimeout(() => {
      if (!backend.online || this.readyState !== 0) return this.close();
      this.readyState = 1;
      backend.sockets.get(this.#name)?.close();
      backend.sockets.set(this.#name, this);
      this.onopen?.();
    });
  }

  send(text: string): void {
    setTimeout(() => {
      if (this.readyState === 1) this.#backend.received(this.#name, this, text);
    });
  }

  deliver(frame: object): void {
    setTimeout(() => {
      if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(frame) });
    });
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (this.#backend.sockets.get(this.#name) === this) this.#backend.sockets.delete(this.#name);
    setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
  }
}

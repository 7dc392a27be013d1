/** A backend of the real handlers in another process, and the faults that a test adds here. */

import { inject, vi } from "vitest";
import { ChatClient } from "../src/client/chat-client.ts";
import type { Event } from "../src/client/core/events.ts";
import { FaultySocket, type Fields, type Lie } from "./faulty-socket.ts";

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

export interface TestClient {
  readonly client: ChatClient;
  readonly events: readonly Event[];
  readonly name: string;
}

interface Stored {
  readonly item: string;
  readonly sender: string;
  readonly sender_device: string;
  readonly message_id: string;
}

const plainFetch = globalThis.fetch;
const LIMITED = { error: { code: "rate_limited", message: "too often" } };

/**
 * Clients reach it by `fetch` and `WebSocket` as ever. What a test changes in it (`post`, `putInto`,
 * ...) needs no `await`: whatever a client asks afterwards waits until it is done.
 */
export class Backend {
  readonly sockets = new Map<string, FaultySocket>();
  /** Texts of all `send` frames, in order. */
  readonly sent: string[] = [];
  /** All frames of clients, in order, each with the device that sent it. */
  readonly frames: Fields[] = [];
  /** Devices whose claims are refused. */
  readonly refusing = new Set<string>();
  /** How many claims have been refused. */
  refused = 0;
  /** So many `send` frames are lost on their way. */
  loseSend = 0;
  /** So many `send` frames are refused for good. */
  failSend = 0;
  /** Responses to so many `send` frames are lost. */
  loseAccepted = 0;
  /** Nobody is notified of new devices and members. */
  quiet = false;
  /** What it says instead of the truth, by route (`GET chats`) or type of frame (`synced`). */
  readonly lies = new Map<string, (truth: Fields, to: string) => Lie | Promise<Lie>>();
  /** So many files, or responses to uploads, are lost: a file at the half of what was left. */
  cutFiles = 0;
  online = true;
  /** New connections never open, and how many have tried to. */
  stuck = false;
  tried = 0;
  /** What is done to it before anything else is asked. */
  pending: Promise<unknown> = Promise.resolve();
  readonly #url: string;
  readonly #users = new Map<string, string>(); // by access token
  readonly #devices = new Map<string, string>(); // "user/device" by ticket

  private constructor(url: string) {
    this.#url = url;
  }

  static async made(): Promise<Backend> {
    const server = `http://${inject("backend")}`;
    const made = await plainFetch(`${server}/control/new`, { method: "POST" });
    return new Backend(`${server}/${await made.json()}`);
  }

  install(): void {
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.#fetch(url, init));
    const backend = this;
    vi.stubGlobal(
      "WebSocket",
      class extends FaultySocket {
        constructor(url: string, protocols: string[]) {
          super(backend, url, protocols);
        }
      },
    );
  }

  /** A connected client. The same name again is the same device. */
  async client(name: string, options: Fields = {}): Promise<TestClient> {
    const [user = "", device = ""] = name.split("/");
    const client = await ChatClient.open({ user, device, password: "password", ...options });
    const events: Event[] = [];
    client.listen((event) => events.push(event));
    await client.signUpOrIn();
    await client.connect();
    return { client, events, name };
  }

  // -- what it has, and what a test changes in it

  /** The code that was mailed last. */
  mailed(): Promise<string> {
    return this.#control("mailed", {});
  }

  #control<T>(name: string, body: Fields): Promise<T> {
    const before = this.pending;
    const done = (async () => {
      await before;
      const init = { method: "POST", body: JSON.stringify(body) };
      const response = await plainFetch(`${this.#url}/control/${name}`, init);
      if (!response.ok) throw new Error(`${name}: ${response.status}`);
      return (await response.json()) as T;
    })();
    this.pending = done;
    return done;
  }

  /** Who signs up from now on is nobody's contact. */
  strangers(): Promise<void> {
    return this.#control("strangers", {});
  }

  /** Runs the delivery watch: whether every device had everything, so that all is deleted. */
  purge(chat: string): Promise<boolean> {
    return this.#control("purge", { chat });
  }

  /** It is started anew with nothing in it. */
  loseData(): Promise<void> {
    return this.#control("lose_data", {});
  }

  /** So much time passes for it. */
  later(milliseconds: number): Promise<void> {
    return this.#control("later", { seconds: milliseconds / 1000 });
  }

  /** The next requests of the bucket get these statuses. */
  failFiles(...faults: number[]): Promise<void> {
    return this.#control("fail_files", { faults });
  }

  /** One byte of each stored file is another one. */
  changeFiles(): Promise<void> {
    return this.#control("change_files", {});
  }

  expireFiles(): Promise<void> {
    return this.#control("expire_files", {});
  }

  fileRequests(): Promise<string[]> {
    return this.#control("file_requests", {});
  }

  signUp(user: string): Promise<void> {
    return this.#control("sign_up", { user });
  }

  /** Sends them as a device that need not be connected. */
  post(name: string, ...frames: SendFrame[]): Promise<void> {
    return this.#control("send", { ...partsOf(name), frames });
  }

  messages(chat: string): Promise<Stored[]> {
    return this.#control("messages", { chat });
  }

  /** The last message of a chat stands there under another id. */
  renameLast(chat: string, id: string): Promise<void> {
    return this.#control("rename_last", { chat, message_id: id });
  }

  makeChat(chat: string, kind: string, members: string[]): Promise<void> {
    return this.#control("make_chat", { chat, kind, members });
  }

  /** A user is in a chat whom nobody has added: from the beginning, or from now on. */
  putInto(chat: string, user: string, from: "beginning" | "now"): Promise<void> {
    return this.#control("put_into", { chat, user, joined: from === "now" });
  }

  takeOut(chat: string, user: string): Promise<void> {
    return this.#control("take_out", { chat, user });
  }

  keys(name: string): Promise<{ one_time_keys: string[]; fallback_key: string }> {
    return this.#control("keys", partsOf(name));
  }

  loseOneTimeKeys(name: string, left: number): Promise<void> {
    return this.#control("lose_one_time_keys", { ...partsOf(name), left });
  }

  /** The directory lists these keys for a device, whoever made them. */
  listDevice(name: string, entry: { keys: unknown; signature: string }): Promise<void> {
    return this.#control("list_device", { ...partsOf(name), ...entry });
  }

  forgetDevice(name: string): Promise<void> {
    return this.#control("forget_device", partsOf(name));
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
      sent_at: Date.now(),
      alg: frame.alg,
      payload: frame.to === undefined ? frame.payload : (frame.to[device] ?? null),
    };
  }

  // -- between the clients and it

  deviceOf(ticket: string): string {
    return this.#devices.get(ticket) ?? "";
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    if (!this.online) throw new TypeError("the network is gone");
    if (url.startsWith("http")) {
      await this.pending;
      return this.#file(url, init);
    }
    const route = `${init.method} ${url.replace(/\?.*/, "").split("/")[2]}`;
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    const user = this.#users.get(token) ?? "";
    const [status, truth] = await this.#asked(route, url, init);
    const lie = await this.lies.get(route)?.((truth ?? {}) as Fields, user);
    const [code, body] = Array.isArray(lie)
      ? lie
      : [lie === undefined ? status : 200, lie ?? truth];
    return new Response(body === undefined ? null : JSON.stringify(body), { status: code });
  }

  /** The bucket. A connection that is really cut makes undici raise where nobody can catch it. */
  async #file(url: string, init: RequestInit): Promise<Response> {
    const response = await plainFetch(url, init);
    if (this.cutFiles === 0 || (init.method === "GET" && !response.ok)) return response;
    this.cutFiles -= 1;
    if (init.method === "POST") throw new TypeError("the connection is lost");
    const whole = new Uint8Array(await response.arrayBuffer());
    const half = [whole.slice(0, whole.length / 2)];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const part = half.pop();
        if (part === undefined) controller.error(new TypeError("the connection is lost"));
        else controller.enqueue(part);
      },
    });
    return new Response(body, { status: response.status });
  }

  async #asked(route: string, url: string, init: RequestInit): Promise<[number, unknown]> {
    const body = init.body === undefined ? undefined : (JSON.parse(String(init.body)) as Fields);
    if (route === "POST keys" && body !== undefined) {
      const names = body.devices as string[];
      body.devices = names.filter((name) => !this.refusing.has(name));
      if (names.length > 0 && (body.devices as string[]).length === 0) {
        this.refused += 1;
        return [429, LIMITED];
      }
    }
    await this.pending;
    const sent = { ...init, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const got = await plainFetch(this.#url + url, sent);
    const text = await got.text();
    const response = text === "" ? undefined : (JSON.parse(text) as Fields);
    this.#note(route, body ?? {}, response ?? {}, init);
    return [got.status, response];
  }

  /** Whose the tokens and tickets are. */
  #note(route: string, asked: Fields, response: Fields, init: RequestInit): void {
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    if (route === "POST sign-in")
      this.#users.set(String(response.access_token), String(asked.username));
    if (route === "POST tickets") {
      this.#devices.set(String(response.ticket), `${this.#users.get(token)}/${asked.device}`);
    }
    if (route === "POST token") {
      const refreshed = String(asked.refresh_token);
      this.#users.set(String(response.access_token), this.#users.get(refreshed) ?? "");
    } else if (response.refresh_token !== undefined) {
      this.#users.set(String(response.refresh_token), String(asked.username));
    }
  }
}

const partsOf = (name: string) => {
  const [user = "", device = ""] = name.split("/");
  return { user, device };
};

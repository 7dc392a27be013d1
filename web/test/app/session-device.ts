/** A client without a backend, and a session of it. */

import { afterEach, beforeEach, vi } from "vitest";
import { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { ChatClient, Event, StoredMessage } from "../../src/client/index.ts";

export const direct = (chat: string, peer: string, more: object = {}) => ({
  chat,
  kind: "direct",
  members: ["raju", peer],
  unread: 0,
  read: 0,
  left: false,
  ...more,
});
export const listed = (chat: string, more: object = {}) => ({ chat, kind: "direct", ...more });

/** A client without a backend: what it was asked for, and what tests let it report. */
export class Device {
  readonly user = "raju";
  connecting = false;
  summaries: object[] = [];
  listed: object[] = [];
  contacts = new Map<string, string>();
  histories = new Map<string, Partial<StoredMessage>[]>();
  names = new Map<string, string>();
  /** What signing in raises, in turn. */
  readonly failures: Error[] = [];
  /** What connecting raises, in turn. */
  readonly connectFailures: Error[] = [];
  /** What it was asked for, in order. */
  readonly asked: string[] = [];
  #hears: (event: Event) => void = () => {};

  get client(): ChatClient {
    return this as unknown as ChatClient;
  }

  tell(event: object): void {
    this.#hears(event as Event);
  }

  listen(hears: (event: Event) => void): () => void {
    this.#hears = hears;
    return () => {
      this.#hears = () => {};
    };
  }

  async signUpOrIn() {
    this.asked.push("sign in");
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  async connect() {
    this.asked.push("connect");
    const failure = this.connectFailures.shift();
    if (failure !== undefined) throw failure;
    this.connecting = true;
  }

  connectNow() {
    this.asked.push("now");
  }

  async close() {
    this.asked.push("close");
  }

  readonly chats = {
    all: async () => this.summaries,
    refresh: async () => void this.asked.push("refresh"),
    watermarks: async () => new Map(),
  };
  readonly messages = {
    history: async (chat: string) => {
      this.asked.push(`history ${chat}`);
      return this.histories.get(chat) ?? [];
    },
    markRead: async (chat: string, seq: number) => void this.asked.push(`read ${chat} ${seq}`),
    uploads: async () => [],
  };
  readonly devices = { registeredAt: async () => 1 };
  readonly writing = {
    profile: async (user: string) => ({ user, name: this.names.get(user) }),
    setProfile: async (name: string) => void this.names.set(this.user, name),
  };
  readonly people = {
    chats: async () => {
      this.asked.push("people");
      return this.listed;
    },
    invitations: async () => [],
    contacts: async () => this.contacts,
    watch: async (users: string[]) => void this.asked.push(`watch ${users.join()}`),
  };
}

export const NOW = 1_700_000_000_000;
export let device: Device;
export let session: Session;

/** For the top of a test file: a session of such a client for each test. */
export function useSession(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
    device = new Device();
    session = new Session(device.client, new Drafts(new Map()));
  });
  afterEach(() => vi.useRealTimers());
}

export const times = (what: string) => device.asked.filter((each) => each === what).length;

/** An engine over a real store, whose clock a test moves: no ratchets, no network. */

import type { Cipher } from "../src/client/core/cipher.ts";
import type { MessageContent } from "../src/client/core/content.ts";
import { Engine } from "../src/client/core/engine.ts";
import type { Event } from "../src/client/core/events.ts";
import type { Message } from "../src/client/core/frames.ts";
import { ulid } from "../src/client/core/ids.ts";
import type { Output } from "../src/client/core/outputs.ts";
import { parse } from "../src/client/core/parsing.ts";
import { DEFAULTS, type Settings } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import type { Content, Self } from "../src/client/crypto/envelope.ts";
import type { Opened } from "../src/client/crypto/opening.ts";
import { MessageTooLarge } from "../src/client/errors.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import type { OutboxRow } from "../src/client/store/tables.ts";
import * as tables from "../src/client/store/tables.ts";

export const START = 1_700_000_000_000;
export const LONGEST = 100; // characters of a text that this cipher takes
const SETTINGS: Settings = { ...DEFAULTS, syncJitter: [1, 1] };
let stores = 0;

type Act<T> = (step: Step) => Promise<T> | T;

/** ravi's web client. Payloads are texts as they are, unless `answers` has something for an id. */
export class Client {
  readonly store: Store;
  readonly answers = new Map<string, Opened>();
  /** Whether the sessions of a chat are given up where the backend has more of this device. */
  renewed = false;
  /** What the encryption got: texts that failed, texts that another device lacks. */
  readonly failed: string[] = [];
  readonly requested: unknown[][] = [];
  readonly copies: unknown[][] = [];
  /** What each device list brings. */
  found = { learned: ["phone"], added: [] as string[], changed: [] as string[] };
  engine: Engine;
  time = START;
  outputs: Output[] = [];

  private constructor(store: Store) {
    this.store = store;
    this.engine = new Engine("ravi", "web", () => 0.5, SETTINGS);
  }

  static async made(): Promise<Client> {
    const store = await Store.open(`scene-${stores++}`, tables.VERSION, tables.TABLES);
    const client = new Client(store);
    await client.step((each) => client.engine.restore(each));
    return client;
  }

  /** As after a crash, or with an engine that takes the place of the last one. */
  async restart(engine = new Engine("ravi", "web", () => 0.5, SETTINGS)): Promise<void> {
    this.engine = engine;
    this.outputs = [];
    await this.step((each) => engine.restore(each));
  }

  async step<T>(act: Act<T>): Promise<T> {
    const result = await this.store.transaction(async (work) => {
      const ledger = new Ledger(work, "ravi", "web");
      const cipher = this.#cipher(ledger);
      return act({ now: this.time - START, time: this.time, ledger, cipher });
    });
    this.outputs.push(...this.engine.outputs());
    return result;
  }

  async online(...frames: object[]): Promise<void> {
    await this.step((each) => this.engine.opened(each));
    await this.receive(...frames);
  }

  async offline(): Promise<void> {
    await this.step((each) => this.engine.closed(each));
  }

  async receive(...frames: object[]): Promise<void> {
    for (const frame of frames) {
      const parsed = parse(JSON.stringify(frame));
      if (parsed === undefined) throw new Error("no frame that is known");
      await this.step((each) => this.engine.received(each, parsed));
    }
  }

  async after(ms: number): Promise<void> {
    this.time += ms;
    await this.step((each) => this.engine.due(each));
  }

  /** What raju and ravi have between them. */
  async direct(chat = "c"): Promise<void> {
    await this.step((each) => this.engine.chatIs(each, chat, ["ravi", "raju"], { kind: "direct" }));
  }

  async write(said: string, chat = "c"): Promise<string> {
    const id = ulid(this.time + this.outputs.length);
    const content: MessageContent = { kind: "text", text: said };
    await this.step((each) => this.engine.send(each, id, chat, content));
    return id;
  }

  /** The directory's response to a new request; false where it is older than what is known. */
  async lists(user: string): Promise<boolean> {
    return this.step((each) => {
      const request = this.engine.lookAt(each, user);
      const found = { devices: new Map(), former: [] };
      return this.engine.fetchSucceeded(each, { type: "lists", request, found });
    });
  }

  /** The frames that were sent, of this action; all are forgotten then. */
  sent(action: string): Record<string, unknown>[] {
    const texts = this.outputs.flatMap((each) => (each.type === "transmit" ? [each.text] : []));
    this.outputs = this.outputs.filter(({ type }) => type !== "transmit");
    return texts.map((each) => JSON.parse(each)).filter((frame) => frame.action === action);
  }

  events<T extends Event["type"]>(type: T): Extract<Event, { type: T }>[] {
    const events = this.outputs.flatMap((each) => (each.type === "event" ? [each.event] : []));
    return events.filter((each): each is Extract<Event, { type: T }> => each.type === type);
  }

  #cipher(ledger: Ledger): Cipher {
    const self = { user: "ravi", device: "web", name: "ravi/web" } as Self;
    const real = new Encryption(self, ledger, this.time - START, this.time);
    const seal: Cipher["seal"] = async (draft) => {
      const { messageId } = draft;
      ledger.change(draft, { sealed: true });
      const frame = JSON.stringify({ action: "send", message_id: messageId });
      return { frames: [{ messageId, purpose: "text", frame }], done: true };
    };
    const check: Cipher["check"] = (content) => {
      const size = "text" in content ? content.text.length : 0;
      if (size > LONGEST) throw new MessageTooLarge(size, LONGEST);
    };
    const wants = async () => ({ lists: [], claims: [], blocked: [] });
    const open: Cipher["open"] = async ({ messageId, payload }) =>
      this.answers.get(messageId) ?? { content: text(payload ?? "") };
    return Object.assign(real, {
      seal,
      check,
      wants,
      open,
      accept: async () => ["phone"],
      compared: async () => ["phone"],
      learn: async () => ({ ...this.found, listed: new Map() }),
      queueCopies: async (...copies: unknown[]) => void this.copies.push(copies),
      withoutKey: async (_: string, devices: readonly string[]) => [...devices],
      renew: async () => this.renewed,
      failed: async ({ messageId }: OutboxRow) => void this.failed.push(messageId),
      requested: async (_: Message, ...rest: unknown[]) => void this.requested.push(rest),
    });
  }
}

export const text = (said: string): Content => ({ kind: "text", text: said });

/** A text of raju's that says its seq, unless `fields` has another. */
export const message = (seq: number, fields: object = {}) => ({
  type: "message",
  chat: "c",
  seq,
  message_id: ulid(START + seq),
  sender: "raju",
  sender_device: "phone",
  sent_at: START,
  alg: "olm.v1",
  payload: `m${seq}`,
  ...fields,
});

export const synced = (seq: number, fields: object = {}) => ({
  type: "synced",
  chats: {
    c: { seq, after: 0, complete_to: seq, missing: [], members: { ravi: {}, raju: {} }, ...fields },
  },
  more: false,
});

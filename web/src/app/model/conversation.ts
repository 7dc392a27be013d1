/** One open chat: its loaded messages, the unread ones, and its members' watermarks. */

import type {
  ChatClient,
  Event,
  MemberMarks,
  Reference,
  StoredMessage,
} from "../../client/index.ts";
import { Model } from "./model.ts";

const FIRST_PAGE = 60;
const PAGE = 100;
/** Read at once on opening, so that the line above what is unread can be shown. */
const MOST_AT_FIRST = 500;

export class Conversation extends Model {
  readonly chat: string;
  /** Oldest first; what has no seq yet stands last. All that was loaded stays here. */
  messages: readonly StoredMessage[] = [];
  /** The oldest message is loaded. */
  complete = false;
  /** The line above the first message that was unread on opening; kept until the chat is left. */
  unread: { readonly messageId: string; readonly count: number } | undefined;
  marks: ReadonlyMap<string, MemberMarks> = new Map();
  /** The reply or edit that the composer is writing; undefined for a new text. */
  composing: { readonly what: "reply" | "edit"; readonly message: StoredMessage } | undefined;
  /** When the last message of somebody else came, ms of performance.now(). */
  lastArrival: number;
  /** Messages of others since the chat was opened. */
  arrived = 0;
  /** Up to where it was read when it was opened, or has been read on another device since. */
  #readBefore: number;
  readonly #client: ChatClient;
  #loading: Promise<void> = Promise.resolve();
  #reload: "tail" | "all" | undefined;

  /** `lastArrival`: of what came before it was opened. */
  static async open(client: ChatClient, chat: string, lastArrival: number): Promise<Conversation> {
    const summary = (await client.chats.all()).find((each) => each.chat === chat);
    const conversation = new Conversation(client, chat, summary?.read ?? 0, lastArrival);
    const unread = summary?.unread ?? 0;
    await conversation.#first(Math.min(MOST_AT_FIRST, Math.max(FIRST_PAGE, unread + 20)));
    conversation.#drawLine(unread);
    return conversation;
  }

  private constructor(client: ChatClient, chat: string, read: number, lastArrival: number) {
    super();
    this.lastArrival = lastArrival;
    this.#client = client;
    this.chat = chat;
    this.#readBefore = read;
  }

  /** The highest seq that is shown here. */
  get newest(): number {
    return this.messages.findLast(({ seq }) => seq !== undefined)?.seq ?? 0;
  }

  /** The message that is answered by what is sent now. */
  get answered(): Reference | undefined {
    return this.composing?.what === "reply" ? this.composing.message.reference : undefined;
  }

  /** Loads the page before what is loaded. */
  async older(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.complete) return;
      const first = this.messages.find(({ seq }) => seq !== undefined)?.seq;
      // Where nothing has a place yet there is no seq to go on from.
      if (first === undefined) await this.#read(this.messages.length + PAGE);
      else await this.#prepend(first);
      this.changed();
    });
  }

  async #prepend(first: number): Promise<void> {
    const page = await this.#client.messages.history(this.chat, PAGE, first);
    this.complete = page.length < PAGE;
    this.messages = [...page, ...this.messages];
  }

  /** Loads pages until `fits` holds for a message, or the beginning is reached. */
  async loadUntil(fits: (messages: readonly StoredMessage[]) => boolean): Promise<void> {
    while (!this.complete && !fits(this.messages)) {
      const before = this.messages.length;
      await this.older();
      if (this.messages.length <= before) return;
    }
  }

  compose(composing: Conversation["composing"]): void {
    this.composing = composing;
    this.changed();
  }

  /** Something happened in this chat. */
  heard(event: Event): void {
    if (event.type === "message" && !event.own) {
      this.lastArrival = performance.now();
      this.arrived += 1;
    }
    if (event.type === "watermarks") {
      if (event.user === this.#client.user) this.#readElsewhere(event.read);
      void this.#inTurn(() => this.#loadMarks()).catch(() => {});
      return;
    }
    const id = "messageId" in event ? event.messageId : undefined;
    this.refresh(id !== undefined && this.#isInOlder(id) ? "all" : "tail");
  }

  /** Above the tail, it is shown itself or quoted by a reply. */
  #isInOlder(id: string): boolean {
    const older = this.messages.slice(0, -FIRST_PAGE);
    return older.some(({ messageId, reply }) => messageId === id || reply?.of.id === id);
  }

  /** Reads again from the store what may have changed; changes during that are read with it. */
  refresh(what: "tail" | "all"): void {
    if (this.#reload !== undefined) {
      if (what === "all") this.#reload = "all";
      return;
    }
    this.#reload = what;
    void this.#inTurn(async () => {
      const reload = this.#reload;
      this.#reload = undefined;
      await this.#read(reload === "all" ? this.messages.length + PAGE : FIRST_PAGE);
      this.changed();
    }).catch(() => {}); // the store reports it by itself
  }

  async #first(limit: number): Promise<void> {
    this.messages = await this.#client.messages.history(this.chat, limit);
    this.complete = this.messages.length < limit;
    await this.#loadMarks();
  }

  /** The newest `limit` messages again, or as many as it takes to leave no gap to the older ones. */
  async #read(limit: number): Promise<void> {
    const known = this.newest;
    const tail = await this.#client.messages.history(this.chat, limit);
    const from = tail.find(({ seq }) => seq !== undefined)?.seq;
    if (tail.length < limit) {
      this.messages = tail;
      this.complete = true;
    } else if (from === undefined) {
      // All of it waits for its place: what was loaded before, or is not loaded yet, is older.
      if (known > 0 || this.messages.length > limit) await this.#read(limit * 4);
      else this.messages = tail;
    } else if (from > known + 1 && known > 0) {
      await this.#read(limit * 4);
    } else {
      const kept = this.messages.filter(({ seq }) => seq !== undefined && seq < from);
      this.messages = [...kept, ...tail];
    }
  }

  async #loadMarks(): Promise<void> {
    this.marks = await this.#client.chats.watermarks(this.chat);
    this.changed();
  }

  #drawLine(count: number): void {
    const first = this.messages.find(
      ({ seq, sender }) =>
        seq !== undefined && seq > this.#readBefore && sender !== this.#client.user,
    );
    if (first !== undefined && count > 0) this.unread = { messageId: first.messageId, count };
  }

  /** Another device of this user has shown it: there is nothing unread above that any more. */
  #readElsewhere(read: number): void {
    this.#readBefore = Math.max(this.#readBefore, read);
    const line = this.messages.find(({ messageId }) => messageId === this.unread?.messageId);
    if (line?.seq === undefined || line.seq > read) return;
    this.unread = undefined;
    this.changed();
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#loading.then(act);
    this.#loading = turn.catch(() => {});
    return turn;
  }
}

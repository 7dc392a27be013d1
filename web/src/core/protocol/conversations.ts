/**
 * What frames do to the chats: messages taken in order, acceptances, watermarks, ticks.
 *
 * Everything here happens inside one step, which is one transaction. Events are collected and told
 * once that transaction is on disk.
 */

import type { Content } from "../crypto/envelope.ts";
import type { Opened } from "../crypto/opener.ts";
import { nextAsk } from "../crypto/requests.ts";
import { type Ledger, raised } from "../store/ledger.ts";
import type { MessageRow, Unreadable } from "../store/tables.ts";
import { ChatLog, holes, type Taken } from "./chat-log.ts";
import type { Event } from "./events.ts";
import type { Accepted, Message, Receipt, SyncedChat, Watermarks } from "./frames.ts";
import { NOWHERE } from "./frames.ts";
import type { Settings } from "./settings.ts";
import { reached, State, stage, stages } from "./ticks.ts";
import { isText } from "./ulid.ts";

/** One step: the time, what is remembered, and how messages are opened. */
export interface Step {
  /** Of a clock that only goes forward, ms. */
  readonly now: number;
  /** Epoch ms. */
  readonly time: number;
  readonly ledger: Ledger;
  readonly open: (message: Message) => Promise<Opened>;
}

/** What conversations tell the engine, besides events. */
export interface Hooks {
  readonly emit: (event: Event) => void;
  /** An own message left the outbox. */
  readonly done: (step: Step, messageId: string) => void;
  readonly moved: (chat: string, marks: Watermarks, senders: Iterable<string>) => void;
  /** What another device says to this one, and nobody is shown. */
  readonly control: (step: Step, message: Message, content: Content) => Promise<void>;
}

/** `message` or the position of an own one. */
type Entry = Message | { readonly type: "own" };

/** Reasons that asking the sender again can remedy. */
const ASKABLE: readonly Unreadable[] = ["no_payload", "no_session", "damaged"];
/** Reasons that pass once the sender's identity is known or accepted. */
const PASSING: readonly Unreadable[] = ["unknown_device", "identity_changed"];
/** Two devices' clocks are rarely further apart. */
const CLOCK_LEEWAY_MS = 300_000;
/** `devices_changed` tells who is new in a chat. */
const HEARD_WITHIN_MS = 60_000;

export class Conversations {
  readonly logs = new Map<string, ChatLog<Entry>>();
  readonly #user: string;
  readonly #device: string;
  /** Epoch ms: messages from before were not meant for this device. */
  readonly #madeAt: number;
  readonly #settings: Settings;
  readonly #hooks: Hooks;

  constructor(user: string, device: string, madeAt: number, settings: Settings, hooks: Hooks) {
    this.#user = user;
    this.#device = device;
    this.#madeAt = madeAt;
    this.#settings = settings;
    this.#hooks = hooks;
  }

  log(chat: string, watermark = 0): ChatLog<Entry> {
    const known = this.logs.get(chat);
    if (known !== undefined) return known;
    const log = new ChatLog<Entry>(watermark);
    this.logs.set(chat, log);
    return log;
  }

  watermarks(): Record<string, number> {
    return Object.fromEntries([...this.logs].map(([chat, log]) => [chat, log.watermark]));
  }

  async message(step: Step, message: Message): Promise<void> {
    await this.#take(step, message.chat, this.log(message.chat).offer(message.seq, message));
  }

  async accepted(step: Step, frame: Accepted): Promise<MessageRow | undefined> {
    const own = await step.ledger.own(frame.messageId);
    if (own === undefined || own.chat !== frame.chat) return undefined;
    await this.#placeOwn(step, own, frame.seq, frame.sentAt);
    await this.#take(step, frame.chat, this.log(frame.chat).offer(frame.seq, { type: "own" }));
    return own;
  }

  /** Nothing else at or below `completeTo` will appear: steps over what is not here. */
  async complete(step: Step, chat: string, place: SyncedChat): Promise<void> {
    const log = this.log(chat);
    const before = log.watermark;
    const taken = log.complete(place.completeTo);
    const seqs = taken.map(([seq]) => seq);
    for (const [first, last] of holes(before, place.completeTo, seqs, place.missing)) {
      step.ledger.addExpired(chat, first, last);
      this.#hooks.emit({ type: "expired", chat, first, last });
    }
    await this.#take(step, chat, taken, before);
  }

  async receipt(step: Step, frame: Receipt): Promise<void> {
    const { members } = await step.ledger.chat(frame.chat);
    const after = { ...members, [frame.user]: raised(members[frame.user], frame) };
    await this.#setMembers(step, frame.chat, members, after);
  }

  /** As a `synced` or a REST answer says; the latter has no watermarks. `asOf`: the chat's seq then. */
  async membersAre(
    step: Step,
    chat: string,
    told: Readonly<Record<string, Watermarks>>,
    asOf: number,
  ): Promise<void> {
    const { members, membersAsOf, joinedAfter } = await step.ledger.chat(chat);
    const after: Record<string, Watermarks> = {};
    const joined: Record<string, number> = {};
    const first = Object.keys(members).length === 0;
    for (const [user, marks] of Object.entries(told)) {
      after[user] = raised(members[user], marks);
      const known = user in members || first;
      const since = known
        ? joinedAfter[user]
        : (joinedAfter[user] ?? (await this.#before(step, chat, membersAsOf)));
      if (since !== undefined) joined[user] = since;
    }
    await step.ledger.changeChat(chat, {
      membersAsOf: Math.max(asOf, membersAsOf),
      joinedAfter: joined,
    });
    await this.#setMembers(step, chat, members, after);
  }

  /** This device adds them now: nothing that is there was for them. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    const { joinedAfter } = await step.ledger.chat(chat);
    const { highest } = this.log(chat);
    const added = Object.fromEntries(users.map((user) => [user, highest]));
    await step.ledger.changeChat(chat, { joinedAfter: { ...joinedAfter, ...added } });
  }

  /**
   * What stands at or below this seq was surely not for somebody who is new in the chat: at the
   * last look the user was not there, and of a new member one hears within a minute.
   */
  async #before(step: Step, chat: string, membersAsOf: number): Promise<number> {
    const older = await step.ledger.lastBefore(chat, membersAsOf, step.time - HEARD_WITHIN_MS);
    return Math.max(membersAsOf, older);
  }

  /** The user has seen everything in `chat` up to `seq`, here. */
  async read(step: Step, chat: string, seq: number): Promise<void> {
    const log = this.log(chat);
    const { read: before } = await step.ledger.chat(chat);
    const read = Math.min(seq, log.watermark);
    if (read <= before) return;
    await step.ledger.changeChat(chat, { read });
    const senders = await step.ledger.senders(chat, before, read);
    this.#hooks.moved(chat, { delivered: log.watermark, read }, senders);
  }

  async failed(step: Step, messageId: string, reason: string): Promise<void> {
    const own = await step.ledger.own(messageId);
    this.#hooks.done(step, messageId);
    if (own === undefined || own.state !== State.WAITING) return;
    step.ledger.change(own, { state: State.FAILED, reason });
    this.#tellState(own, own.seq, State.FAILED, reason);
  }

  /** Tries what `user/device` sent and could not be opened once more. */
  async reopen(step: Step, user: string, device: string, chat?: string): Promise<void> {
    for (const row of await step.ledger.unreadable(user, device)) {
      if (row.seq === undefined || (chat !== undefined && row.chat !== chat)) continue;
      const message: Message = {
        type: "message",
        chat: row.chat,
        seq: row.seq,
        messageId: row.messageId,
        sender: row.sender,
        senderDevice: row.senderDevice,
        sentAt: row.sentAt ?? 0,
        alg: row.alg,
        payload: row.payload,
      };
      const opened = await step.open(message);
      if (opened.unreadable === undefined) {
        await this.#readable(step, row, message, opened.content);
      } else if (opened.unreadable !== row.unreadable) {
        step.ledger.change(row, {
          unreadable: opened.unreadable,
          askAt: this.#askAt(step, message, opened.unreadable),
        });
      }
    }
  }

  async #take(
    step: Step,
    chat: string,
    taken: readonly Taken<Entry>[],
    watermarkBefore = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const log = this.log(chat);
    const senders = new Set<string>();
    for (const [, entry] of taken) {
      if (entry.type === "own") continue;
      await this.#takeMessage(step, entry);
      if (entry.sender !== this.#user) senders.add(entry.sender);
    }
    if (taken.length > 0 || log.watermark > watermarkBefore) {
      await step.ledger.changeChat(chat, { watermark: log.watermark });
      const { read } = await step.ledger.chat(chat);
      this.#hooks.moved(chat, { delivered: log.watermark, read }, senders);
    }
  }

  /** Stores and tells it, unless it is a second copy (rule 2) or this device wrote it. */
  async #takeMessage(step: Step, message: Message): Promise<void> {
    const { chat, seq, sender, senderDevice, messageId, sentAt, alg } = message;
    const known = await step.ledger.message(chat, sender, senderDevice, messageId);
    if (known !== undefined) {
      if (this.#isSelf(message)) await this.#placeOwn(step, known, seq, sentAt);
      return;
    }
    const fields = { chat, seq, sender, senderDevice, messageId, sentAt, alg };
    const { members } = await step.ledger.chat(chat);
    const own = sender === this.#user;
    const state = own ? stage(seq, reached(members, this.#user)) : undefined;
    const opened = await step.open(message);
    if (opened.unreadable !== undefined) {
      this.#keepUnreadable(step, message, fields, state, opened.unreadable);
      return;
    }
    const row = step.ledger.add({ ...fields, state, hidden: true });
    await this.#apply(step, row, message, opened.content);
  }

  #keepUnreadable(
    step: Step,
    message: Message,
    fields: Parameters<Ledger["add"]>[0],
    state: State | undefined,
    unreadable: Unreadable,
  ): void {
    const hidden = !isText(message.messageId);
    if (hidden && !PASSING.includes(unreadable)) {
      step.ledger.add({ ...fields, state, hidden }); // whoever needed it asks again
      return;
    }
    const askAt = this.#askAt(step, message, unreadable);
    const row = { ...fields, state, hidden, unreadable, askAt, payload: message.payload };
    this.#tell("message", step.ledger.add(row));
  }

  async #readable(
    step: Step,
    row: MessageRow,
    message: Message,
    content: Content | undefined,
  ): Promise<void> {
    const bare = { unreadable: undefined, askAt: undefined, payload: undefined };
    const silent = step.ledger.change(row, { ...bare, hidden: true });
    await this.#apply(step, silent, message, content, "message_readable");
  }

  /** What an opened message does; `row` is hidden so far. */
  async #apply(
    step: Step,
    row: MessageRow,
    message: Message,
    content: Content | undefined,
    event: "message" | "message_readable" = "message",
  ): Promise<void> {
    switch (content?.kind) {
      case "text":
        this.#tell(event, step.ledger.change(row, { text: content.text, hidden: false }));
        return;
      case "copy":
        await this.#copied(step, message, content);
        return;
      case "room_key":
        await this.reopen(step, message.sender, message.senderDevice, message.chat);
        return;
      case undefined:
        return; // of a newer client
      case "request":
      case "sas":
        await this.#hooks.control(step, message, content);
    }
  }

  /** The text of an earlier message of the same device, in that one's place. */
  async #copied(
    step: Step,
    message: Message,
    { of, text, sent_at }: Extract<Content, { kind: "copy" }>,
  ): Promise<void> {
    const { chat, seq, sender, senderDevice, alg } = message;
    if (!isText(of) || this.#isSelf(message)) return;
    const row = await step.ledger.message(chat, sender, senderDevice, of);
    if (row !== undefined) {
      if (row.text !== undefined) return;
      const bare = { unreadable: undefined, askAt: undefined, payload: undefined };
      const filled = step.ledger.change(row, { ...bare, text, hidden: false });
      this.#tell("message_readable", filled);
      return;
    }
    // This device was never shown a place for it: it stands where the copy stands.
    const { members } = await step.ledger.chat(chat);
    const state = sender === this.#user ? stage(seq, reached(members, this.#user)) : undefined;
    const fields = { chat, seq, sender, senderDevice, messageId: of, sentAt: sent_at, alg };
    this.#tell("message", step.ledger.add({ ...fields, text, state }));
  }

  #askAt(step: Step, message: Message, why: Unreadable): number | undefined {
    const meant = message.sentAt >= this.#madeAt - CLOCK_LEEWAY_MS;
    const wanted = isText(message.messageId) && ASKABLE.includes(why);
    const asks = meant && wanted && !this.#isSelf(message);
    return asks ? nextAsk(0, step.time, this.#settings.askAfter) : undefined;
  }

  /** `accepted`, or met in a sync (rule 3). Of two copies the first position counts. */
  async #placeOwn(step: Step, own: MessageRow, seq: number, sentAt: number): Promise<void> {
    this.#hooks.done(step, own.messageId);
    if (own.seq !== undefined && own.seq <= seq) return;
    const { members } = await step.ledger.chat(own.chat);
    const before = own.state ?? State.WAITING;
    const state = later(before, stage(seq, reached(members, this.#user)));
    step.ledger.change(own, { seq, sentAt, state, reason: undefined });
    if (own.hidden) return;
    const told = stages(before, state);
    // moved to its first copy: tell the new seq
    for (const reaches of told.length > 0 ? told : [state]) this.#tellState(own, seq, reaches);
  }

  async #setMembers(
    step: Step,
    chat: string,
    before: Readonly<Record<string, Watermarks>>,
    after: Readonly<Record<string, Watermarks>>,
  ): Promise<void> {
    if (sameMembers(before, after)) return;
    await step.ledger.changeChat(chat, { members: after });
    for (const [user, marks] of Object.entries(after)) {
      if (sameMarks(marks, before[user] ?? NOWHERE)) continue;
      if (user === this.#user) await this.#readElsewhere(step, chat, marks.read);
      else this.#hooks.emit({ type: "watermarks", chat, user, ...marks });
    }
    const everyone = reached(after, this.#user);
    const to = Math.max(everyone.delivered, everyone.read);
    for (const own of await step.ledger.ticking(chat, to)) {
      if (own.seq === undefined || own.state === undefined) continue;
      const state = stage(own.seq, everyone);
      const told = stages(own.state, state);
      if (told.length > 0) step.ledger.change(own, { state });
      for (const reaches of told) this.#tellState(own, own.seq, reaches);
    }
  }

  /** Another device of this user has shown it. */
  async #readElsewhere(step: Step, chat: string, read: number): Promise<void> {
    const known = await step.ledger.chat(chat);
    if (read > known.read) await step.ledger.changeChat(chat, { read });
  }

  #isSelf(message: Message): boolean {
    return message.sender === this.#user && message.senderDevice === this.#device;
  }

  #tell(type: "message" | "message_readable", row: MessageRow): void {
    if (row.hidden || row.seq === undefined) return;
    const { chat, seq, messageId, sender, senderDevice, sentAt = 0, text, unreadable } = row;
    const own = sender === this.#user;
    const of = { chat, seq, messageId, sender, senderDevice, sentAt, text, unreadable, own };
    this.#hooks.emit({ type, ...of });
  }

  #tellState(row: MessageRow, seq: number | undefined, state: State, reason?: string): void {
    if (row.hidden) return;
    const { chat, messageId, text } = row;
    this.#hooks.emit({ type: "state", chat, messageId, seq, state, text, reason });
  }
}

function later(a: State, b: State): State {
  return a > b ? a : b;
}

function sameMembers(
  a: Readonly<Record<string, Watermarks>>,
  b: Readonly<Record<string, Watermarks>>,
): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((user) => {
      const [left, right] = [a[user], b[user]];
      return left !== undefined && right !== undefined && sameMarks(left, right);
    })
  );
}

function sameMarks(a: Watermarks, b: Watermarks): boolean {
  return a.delivered === b.delivered && a.read === b.read;
}

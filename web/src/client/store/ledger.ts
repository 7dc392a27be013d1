/** The engine's memory, on top of one `Work`: one step is one transaction. */

import { referenceOf } from "../core/changes.ts";
import type { Reference } from "../core/content.ts";
import { NOWHERE, type Watermarks } from "../core/frames.ts";
import { State } from "../core/ticks.ts";
import type { Change } from "../core/view.ts";
import { changesOf, keyOf } from "./changes.ts";
import type { Work } from "./store.ts";
import type { ChatRow, MessageRow, OutboxRow, SavedProfile } from "./tables.ts";
import * as tables from "./tables.ts";

/** What is left of a row whose text is removed. */
const ERASED: Partial<MessageRow> = {
  text: "",
  content: undefined,
  payload: undefined,
  askAt: undefined,
  countedFrom: undefined,
};

type Fields = Pick<MessageRow, "chat" | "messageId" | "sender" | "senderDevice" | "alg"> &
  Partial<MessageRow>;

export class Ledger {
  readonly work: Work;
  readonly #user: string;
  readonly #device: string;

  constructor(work: Work, user: string, device: string) {
    this.work = work;
    this.#user = user;
    this.#device = device;
  }

  // -- chats

  async chats(): Promise<ChatRow[]> {
    return this.work.all(tables.chats);
  }

  /** At watermark 0 and without members, if it was not known. */
  async chat(chat: string): Promise<ChatRow> {
    return (
      (await this.work.get(tables.chats, chat)) ?? {
        chat,
        kind: undefined,
        name: undefined,
        gone: false,
        watermark: 0,
        read: 0,
        reported: NOWHERE,
        members: [],
        membersAsOf: undefined,
        joinedAfter: [],
      }
    );
  }

  async changeChat(chat: string, changes: Partial<ChatRow>): Promise<void> {
    this.work.put(tables.chats, { ...(await this.chat(chat)), ...changes });
  }

  addExpired(chat: string, first: number, last: number): void {
    this.work.put(tables.missing, { chat, first, last });
  }

  // -- messages

  async message(
    chat: string,
    sender: string,
    device: string,
    messageId: string,
  ): Promise<MessageRow | undefined> {
    return this.work.get(tables.messages, [chat, sender, device, messageId]);
  }

  /** A message of this device. */
  async own(messageId: string): Promise<MessageRow | undefined> {
    const key = [messageId, this.#user, this.#device];
    return (await this.work.all(tables.messages, "id", IDBKeyRange.only(key)))[0];
  }

  add(fields: Fields): MessageRow {
    const row: MessageRow = {
      seq: undefined,
      sentAt: undefined,
      acceptedAt: undefined,
      text: undefined,
      state: undefined,
      reason: undefined,
      hidden: false,
      payload: undefined,
      unreadable: undefined,
      asked: 0,
      askAt: undefined,
      written: undefined,
      sealed: false,
      sentTo: [],
      copies: {},
      notFor: [],
      ...fields,
    };
    this.work.put(tables.messages, row);
    return row;
  }

  change(row: MessageRow, changes: Partial<MessageRow>): MessageRow {
    const changed = { ...row, ...changes };
    this.work.put(tables.messages, changed);
    return changed;
  }

  /** The first text of somebody else that its sender is still to be asked for. */
  async firstWaiting(chat: string): Promise<number | undefined> {
    const range = tables.startingWith(chat);
    for (let limit = 1; ; limit *= 2) {
      const rows = await this.work.all(tables.messages, "waiting", range, limit);
      const first = rows.find(({ sender, hidden }) => sender !== this.#user && !hidden);
      if (first !== undefined || rows.length < limit) return first?.seq;
    }
  }

  /** What is reported to the senders of a chat: a text that waits is neither delivered nor read. */
  async readable({ chat, watermark, read }: ChatRow): Promise<Watermarks> {
    const waits = await this.firstWaiting(chat);
    const top = waits === undefined ? watermark : Math.min(watermark, waits - 1);
    return { delivered: top, read: Math.min(read, top) };
  }

  /** The senders, except this user, of the messages in (after, to]. */
  async senders(chat: string, after: number, to: number): Promise<Set<string>> {
    if (to <= after) return new Set();
    const range = IDBKeyRange.bound([chat, after], [chat, to], true, false);
    const rows = await this.work.all(tables.messages, "place", range);
    return new Set(rows.map((row) => row.sender).filter((sender) => sender !== this.#user));
  }

  /** What this device wrote above `after`, as far as it was accepted. */
  async ownAbove(chat: string, after: number): Promise<MessageRow[]> {
    const range = IDBKeyRange.bound([chat, after], [chat, []], true);
    const rows = await this.work.all(tables.messages, "place", range);
    return rows.filter(({ acceptedAt }) => acceptedAt !== undefined);
  }

  /** Own texts that are sealed and have no place yet. */
  async underWay(chat: string): Promise<MessageRow[]> {
    const rows = await this.work.all(tables.messages, "unplaced", tables.startingWith(chat));
    return rows.filter(({ sealed }) => sealed);
  }

  /** Own messages whose tick is behind these marks, in order; not all that nobody has read. */
  async ticking(chat: string, everyone: Watermarks): Promise<MessageRow[]> {
    const upTo = (state: State, seq: number) =>
      this.work.all(
        tables.messages,
        "ticking",
        IDBKeyRange.bound([chat, state, 0], [chat, state, seq]),
      );
    const sent = await upTo(State.SENT, Math.max(everyone.delivered, everyone.read));
    const delivered = await upTo(State.DELIVERED, everyone.read);
    return [...delivered, ...sent].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
  }

  /** Own texts that are not sealed yet, in the order of writing. */
  async unsealed(): Promise<MessageRow[]> {
    return this.work.all(tables.messages, "unsealed");
  }

  /** What a device sent that could not be opened, in the order of the chats. */
  async unreadable(sender: string, device: string): Promise<MessageRow[]> {
    return this.work.all(tables.messages, "unreadable", tables.startingWith(sender, device));
  }

  /** What is to be asked for again by `now` (epoch ms). */
  async asks(now: number): Promise<MessageRow[]> {
    return this.work.all(tables.messages, "askAt", IDBKeyRange.upperBound(now));
  }

  /** The same of one chat. */
  async toAsk(chat: string, now: number): Promise<MessageRow[]> {
    const range = IDBKeyRange.bound([chat], [chat, now]);
    return this.work.all(tables.messages, "toAsk", range);
  }

  /** When that is the case for the first one after `now`, epoch ms. */
  async nextAsk(now: number): Promise<number | undefined> {
    const range = IDBKeyRange.lowerBound(now, true);
    return (await this.work.all(tables.messages, "askAt", range))[0]?.askAt;
  }

  // -- what changes messages and chats, and what disappears

  async changes(chat: string, target: Reference): Promise<Change[]> {
    return changesOf(this.work, chat, target);
  }

  async at(chat: string, of: Reference): Promise<MessageRow | undefined> {
    return this.work.get(tables.messages, keyOf(chat, of));
  }

  /** The row as it is now. */
  async again(row: MessageRow): Promise<MessageRow> {
    return (await this.at(row.chat, referenceOf(row))) ?? row;
  }

  /** Removes the text of a message, and of what changes it. */
  async erase(chat: string, of: Reference, gone: "deleted" | "expired"): Promise<void> {
    const row = await this.at(chat, of);
    if (row !== undefined) {
      const hidden = gone === "expired";
      this.change(row, { ...ERASED, gone, hidden, counts: false, unreadable: undefined });
    }
    const range = IDBKeyRange.only([chat, of.by, of.id]);
    for (const each of await this.work.all(tables.messages, "target", range)) {
      if (each.content?.kind !== "deletion" && each.gone === undefined) {
        this.change(each, { ...ERASED, gone });
      }
    }
  }

  /** The user's own, from this device or another one, unless there is a newer one. */
  async keepProfile({ name, picture, at }: SavedProfile): Promise<void> {
    const row = await this.work.get(tables.session, tables.ONLY);
    if (row?.profile !== undefined && row.profile.at >= at) return;
    const { accessToken, refreshToken } = row ?? {};
    const session = { user: this.#user, device: this.#device, accessToken, refreshToken };
    this.work.put(tables.session, { ...session, ...row, profile: { name, picture, at } });
  }

  /** The messages of others up to there whose time to live does not count yet. */
  async toCount(chat: string, to: number): Promise<MessageRow[]> {
    const range = IDBKeyRange.bound([chat, 0], [chat, to]);
    const rows = await this.work.all(tables.messages, "uncounted", range);
    return rows.filter(({ sender }) => sender !== this.#user);
  }

  /**
   * The messages that have disappeared by `now` (epoch ms). After the clock was set back, their
   * time counts anew.
   */
  async expired(now: number): Promise<{ chat: string; of: Reference }[]> {
    const found: MessageRow[] = [];
    for (const row of await this.work.all(tables.messages, "expiring")) {
      const { countedFrom = now, expires = 0 } = row;
      if (countedFrom > now) this.change(row, { countedFrom: now });
      else if (countedFrom + expires * 1000 <= now) found.push(row);
    }
    return found.map((row) => ({ chat: row.chat, of: referenceOf(row) }));
  }

  /** When the next one disappears, epoch ms. */
  async nextExpiry(): Promise<number | undefined> {
    const [row] = await this.work.all(tables.messages, "expiring");
    return row && (row.countedFrom ?? 0) + (row.expires ?? 0) * 1000;
  }

  // -- the outbox

  async outbox(): Promise<OutboxRow[]> {
    return this.work.all(tables.outbox);
  }

  queue(row: OutboxRow): void {
    this.work.put(tables.outbox, row);
  }

  unqueue(row: OutboxRow): void {
    this.work.delete(tables.outbox, row.number);
  }
}

/** `read` implies `delivered`, and neither goes back. */
export function raised(before: Watermarks | undefined, now: Watermarks): Watermarks {
  return {
    delivered: Math.max(before?.delivered ?? 0, now.delivered, now.read),
    read: Math.max(before?.read ?? 0, now.read),
  };
}

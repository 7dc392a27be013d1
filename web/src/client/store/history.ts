/**
 * Queries of the store for people: chats, what was written in them, and who wrote it. In a step of
 * the driver, for each of these reads more than once, and nothing may be written in between.
 */

import type { Attachment } from "../core/attachment.ts";
import { referenceOf } from "../core/changes.ts";
import type { MessageContent, Reference } from "../core/content.ts";
import { textOf } from "../core/content.ts";
import type { Ranges, Watermarks } from "../core/frames.ts";
import { isText, userOf } from "../core/ids.ts";
import type { State } from "../core/ticks.ts";
import { newest, type Reaction, view } from "../core/view.ts";
import { changesOf, contentOf, keyOf, profilesOf, type Rows, writingsOf } from "./changes.ts";
import type { Store } from "./store.ts";
import type { ChatRow, MessageRow, Unreadable } from "./tables.ts";
import * as tables from "./tables.ts";

/**
 * A chat as a list shows it. `members` are sorted, with this user among them. `left`: the user is no
 * longer in it, and `members` are those of before. `picture` is a group's, in base64; `timer`: the
 * seconds after which what is written now disappears, 0 if it stays.
 */
export interface ChatSummary {
  readonly chat: string;
  readonly kind: "direct" | "group" | undefined;
  readonly name: string | undefined;
  readonly members: readonly string[];
  readonly watermark: number;
  readonly read: number;
  readonly unread: number;
  readonly left: boolean;
  readonly picture: string | undefined;
  readonly timer: number;
}

/** A member's watermarks in a chat, and the messages that they do not concern. */
export interface MemberMarks extends Watermarks {
  /** The seq at which the chat was last seen without them; 0 for who was there from the start. */
  readonly joinedAfter?: number | undefined;
  /** Closed ranges of seqs: a block hid from the other one what this user sent there. */
  readonly undelivered?: Ranges | undefined;
}

/** The message that a reply answers. */
export interface Quote {
  readonly of: Reference;
  readonly sender: string;
  /** With its edits: undefined if it is deleted, or can't be read; "" for a kind without text. */
  readonly text: string | undefined;
  /** What it brings along. */
  readonly file: Attachment | undefined;
  /** This device has it; else only who wrote it is known. */
  readonly here: boolean;
  readonly deleted: boolean;
}

/** A message as history shows it. `state` is undefined for what others wrote. */
export interface StoredMessage {
  readonly chat: string;
  readonly seq: number | undefined;
  readonly messageId: string;
  readonly sender: string;
  readonly senderDevice: string;
  readonly sentAt: number | undefined;
  /** The last edit; "" for a kind without text; undefined while it can't be read. */
  readonly text: string | undefined;
  readonly unreadable: Unreadable | undefined;
  readonly state: State | undefined;
  readonly reason: string | undefined;
  /** What edits, deletions, reactions and replies name it by. */
  readonly reference: Reference;
  /** Of its content, as in docs/protocol.md; a message that can't be read yet is a `text`. */
  readonly kind: MessageContent["kind"];
  /** The fields of its kind. */
  readonly content: MessageContent | undefined;
  readonly edited: boolean;
  /** Nothing else is left of it. */
  readonly deleted: boolean;
  readonly reactions: readonly Reaction[];
  readonly reply: Quote | undefined;
  /** Seconds after which it disappears; it does so at `expiresAt`, epoch ms, once that is counted. */
  readonly expires: number | undefined;
  readonly expiresAt: number | undefined;
}

/** What a user has said of themselves; a picture in base64. */
export interface Profile {
  readonly user: string;
  readonly name: string | undefined;
  readonly picture: string | undefined;
}

const PAGE = 100;

export function marksOf({ members, joinedAfter, undelivered }: ChatRow): Map<string, MemberMarks> {
  const after = new Map(joinedAfter);
  return new Map(
    members.map(([user, marks]) => [
      user,
      { ...marks, joinedAfter: after.get(user) ?? 0, undelivered },
    ]),
  );
}

export async function chatsOf(store: Store, user: string): Promise<ChatSummary[]> {
  const all = await store.all(tables.chats);
  const rows = all.filter(({ gone, watermark }) => !gone || watermark > 0);
  return Promise.all(
    rows.map(async ({ chat, kind, name, members, watermark, read, gone }) => {
      const news = await newsOf(store, chat, read, watermark);
      const unread = news.filter((row) => isUnread(row) && row.sender !== user).length;
      // While it is not known what a chat is, it may be a stranger's direct chat.
      const group = kind === "group";
      const named = group ? await settingOf(store, chat, "chat_name") : undefined;
      const pictured = group ? await settingOf(store, chat, "chat_picture") : undefined;
      const timer = await settingOf(store, chat, "timer");
      return {
        chat,
        kind,
        name: named === undefined ? name : (named.name ?? undefined),
        members: members.map(([user]) => user).sort(),
        watermark,
        read,
        unread,
        left: gone,
        picture: pictured?.picture ?? undefined,
        timer: timer?.seconds ?? 0,
      };
    }),
  );
}

function isUnread({ hidden, counts = true }: MessageRow): boolean {
  return !hidden && counts;
}

async function newsOf(
  store: Store,
  chat: string,
  read: number,
  watermark: number,
): Promise<MessageRow[]> {
  if (read >= watermark) return []; // IndexedDB rejects a range that is empty
  const range = IDBKeyRange.bound([chat, read], [chat, watermark], true, false);
  return store.all(tables.messages, "place", range);
}

/** The newest timer, name or picture of a chat; undefined if nobody has set it. */
export async function settingOf<Kind extends "timer" | "chat_name" | "chat_picture">(
  rows: Rows,
  chat: string,
  kind: Kind,
): Promise<Extract<MessageContent, { kind: Kind }> | undefined> {
  const found = newest(await writingsOf(rows, chat, kind));
  return found?.content as Extract<MessageContent, { kind: Kind }> | undefined;
}

export async function profileOf(store: Store, user: string): Promise<Profile> {
  let newest: Extract<MessageContent, { kind: "profile" }> | undefined;
  for (const { content } of await profilesOf(store, user)) {
    const newer = content.kind === "profile" && content.at > (newest?.at ?? -1);
    if (newer) newest = content;
  }
  const { name, picture } = newest ?? {};
  return { user, name: name ?? undefined, picture: picture ?? undefined };
}

/**
 * The user has written a text or a file in the chat, on any device. A timer, which is shown as well,
 * answers no request.
 */
export async function wroteIn(store: Store, chat: string, user: string): Promise<boolean> {
  const rows = await store.all(tables.messages, undefined, tables.startingWith(chat, user));
  return rows.some(({ messageId }) => isText(messageId));
}

/**
 * The newest `limit` messages (below seq `before`, if given), oldest first. What has no position
 * yet stands last, in the order of writing.
 */
export async function historyOf(
  store: Store,
  chat: string,
  limit: number,
  before?: number,
): Promise<StoredMessage[]> {
  const shown: MessageRow[] = [];
  if (before === undefined) {
    const rows = await store.all(tables.messages, "unplaced", tables.startingWith(chat));
    shown.push(...rows.filter((row) => !row.hidden).reverse());
  }
  let below = before ?? Number.POSITIVE_INFINITY;
  while (shown.length < limit) {
    const range = IDBKeyRange.bound([chat, 0], [chat, below], false, true);
    const options = { limit: PAGE, direction: "prev" as const };
    const page = await store.all(tables.messages, "place", range, options);
    shown.push(...page.filter((row) => !row.hidden));
    const last = page.at(-1)?.seq;
    if (last === undefined) break;
    below = last;
  }
  const rows = shown.slice(0, limit).reverse();
  return Promise.all(rows.map((row) => asStored(store, row)));
}

export async function messageOf(
  store: Store,
  chat: string,
  of: Reference,
): Promise<StoredMessage | undefined> {
  const row = await store.get(tables.messages, keyOf(chat, of));
  return row === undefined || row.hidden ? undefined : asStored(store, row);
}

async function asStored(store: Store, row: MessageRow): Promise<StoredMessage> {
  const { chat, seq, messageId, sender, senderDevice, sentAt, unreadable, state, reason } = row;
  const { expires, countedFrom } = row;
  const reference = referenceOf(row);
  const content = contentOf(row);
  const seen = view(reference, await changesOf(store, chat, reference));
  const known = { chat, seq, messageId, sender, senderDevice, sentAt, unreadable, state, reason };
  return {
    ...known,
    reference,
    text: (content && seen.text) ?? row.text,
    kind: content?.kind ?? row.content?.kind ?? "text",
    content,
    edited: seen.text !== undefined,
    deleted: seen.deleted || row.gone === "deleted",
    reactions: seen.reactions,
    reply:
      content?.kind === "text" || content?.kind === "file"
        ? await quoteOf(store, chat, content.reply)
        : undefined,
    expires,
    expiresAt: countedFrom === undefined ? undefined : countedFrom + (expires ?? 0) * 1000,
  };
}

async function quoteOf(
  store: Store,
  chat: string,
  of: Reference | undefined,
): Promise<Quote | undefined> {
  if (of === undefined) return undefined;
  const sender = userOf(of.by);
  const row = await store.get(tables.messages, keyOf(chat, of));
  if (row === undefined || row.hidden) {
    return { of, sender, text: undefined, file: undefined, here: false, deleted: false };
  }
  const content = contentOf(row);
  const seen = view(of, await changesOf(store, chat, of));
  const deleted = seen.deleted || row.gone !== undefined;
  const text = deleted || content === undefined ? undefined : (seen.text ?? textOf(content));
  const file = deleted || content?.kind !== "file" ? undefined : content.file;
  return { of, sender, text, file, here: true, deleted };
}

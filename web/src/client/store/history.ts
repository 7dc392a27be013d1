/**
 * Reading the store for people: chats and what was written in them. In a step of the driver, for
 * each of these reads more than once, and nothing may be written in between.
 */

import type { State } from "../core/ticks.ts";
import type { Store } from "./store.ts";
import type { MessageRow, Unreadable } from "./tables.ts";
import * as tables from "./tables.ts";

/**
 * A chat as a list shows it. `members` are sorted, with this user among them. `left`: the user is no
 * longer in it, and `members` are those of before.
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
}

/** A message as history shows it. `state` is undefined for what others wrote. */
export interface StoredMessage {
  readonly chat: string;
  readonly seq: number | undefined;
  readonly messageId: string;
  readonly sender: string;
  readonly senderDevice: string;
  readonly sentAt: number | undefined;
  readonly text: string | undefined;
  readonly unreadable: Unreadable | undefined;
  readonly state: State | undefined;
  readonly reason: string | undefined;
}

const PAGE = 100;

export async function chatsOf(store: Store, user: string): Promise<ChatSummary[]> {
  const all = await store.all(tables.chats);
  const rows = all.filter(({ gone, watermark }) => !gone || watermark > 0);
  return Promise.all(
    rows.map(async ({ chat, kind, name, members, watermark, read, gone }) => {
      const news = await newsOf(store, chat, read, watermark);
      const unread = news.filter((row) => !row.hidden && row.sender !== user).length;
      return {
        chat,
        kind,
        name,
        members: members.map(([user]) => user).sort(),
        watermark,
        read,
        unread,
        left: gone,
      };
    }),
  );
}

async function newsOf(
  store: Store,
  chat: string,
  read: number,
  watermark: number,
): Promise<MessageRow[]> {
  if (read >= watermark) return []; // IndexedDB refuses a range that is empty
  const range = IDBKeyRange.bound([chat, read], [chat, watermark], true, false);
  return store.all(tables.messages, "place", range);
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
    shown.push(...(await store.all(tables.messages, "unplaced", tables.startingWith(chat))));
    shown.reverse();
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
  return shown.slice(0, limit).reverse().map(asStored);
}

function asStored(row: MessageRow): StoredMessage {
  const { chat, seq, messageId, sender, senderDevice, sentAt, text, unreadable, state, reason } =
    row;
  return { chat, seq, messageId, sender, senderDevice, sentAt, text, unreadable, state, reason };
}

/** Rows of what changes messages and chats, read by the ledger of a step and for people. */

import type { MessageContent, Reference } from "../core/content.ts";
import { counts, isPlain, isShown, targetOf, textOf } from "../core/content.ts";
import { isText, partsOf } from "../core/ids.ts";
import { State } from "../core/ticks.ts";
import type { Change } from "../core/view.ts";
import type { Key, Table } from "./database.ts";
import type { MessageRow } from "./tables.ts";
import * as tables from "./tables.ts";

/** A store, or what a step has changed on top of it. */
export interface Rows {
  get<Row>(table: Table<Row>, key: Key): Promise<Row | undefined>;
  all<Row>(table: Table<Row>, index?: string, range?: IDBKeyRange): Promise<Row[]>;
}

/** Undefined as long as it can't be read, and of what is gone. */
export function contentOf({ text, content, gone }: MessageRow): MessageContent | undefined {
  if (text === undefined || gone !== undefined) return undefined;
  return content ?? { kind: "text", text };
}

/** The fields of a row that a content has. */
export function fieldsOf(content: MessageContent, messageId: string): Partial<MessageRow> {
  return {
    text: textOf(content),
    content: isPlain(content) ? undefined : content,
    target: targetOf(content),
    hidden: !isShown(content),
    counts: counts(content, isText(messageId)),
    expires: "expires" in content ? content.expires : undefined,
  };
}

export function keyOf(chat: string, { by, id }: Reference): string[] {
  return [chat, ...partsOf(by), id];
}

export async function changesOf(rows: Rows, chat: string, of: Reference): Promise<Change[]> {
  const range = IDBKeyRange.only([chat, of.by, of.id]);
  return asChanges(await rows.all(tables.messages, "target", range));
}

/** What has set the timer, the name or the picture of a chat. */
export async function writingsOf(rows: Rows, chat: string, kind: string): Promise<Change[]> {
  return asChanges(await rows.all(tables.messages, "kind", IDBKeyRange.only([kind, chat])));
}

/** In whatever chats; the greatest message id comes first. */
export async function profilesOf(rows: Rows, user: string): Promise<Change[]> {
  const own = await rows.all(tables.messages, "profile", IDBKeyRange.only([user]));
  return asChanges(own.sort((a, b) => (a.messageId < b.messageId ? 1 : -1)));
}

/** What has failed changes nothing. */
function asChanges(rows: readonly MessageRow[]): Change[] {
  return rows.flatMap((row) => {
    const content = row.state === State.FAILED ? undefined : contentOf(row);
    const { sender: user, seq, written: number = 0 } = row;
    return content === undefined ? [] : [{ user, content, seq, number }];
  });
}

/**
 * The view of messages and chats: how they are shown with all changes applied. No I/O.
 *
 * The view does not depend on the order in which messages arrive, or how often: it follows from the
 * set of messages, ordered by the log.
 */

import type { MessageContent, Reference } from "./content.ts";
import { userOf } from "./ids.ts";

/** A message that changes another one. */
export interface Change {
  readonly user: string;
  readonly content: MessageContent;
  /** Undefined until it is accepted: it is newest then. */
  readonly seq: number | undefined;
  /** Orders what has the same seq, or none. */
  readonly number: number;
}

export interface Reaction {
  readonly user: string;
  readonly emoji: string;
}

export interface View {
  /** Undefined as long as nobody has edited it. */
  readonly text: string | undefined;
  readonly deleted: boolean;
  /** In the order of the log. */
  readonly reactions: readonly Reaction[];
}

/** Only its author edits or deletes a message; everybody has one reaction to it. */
export function view(target: Reference, changes: Iterable<Change>): View {
  let text: string | undefined;
  let deleted = false;
  const reactions = new Map<string, string | null>();
  for (const { user, content } of [...changes].sort(byPlace)) {
    const own = user === userOf(target.by);
    if (content.kind === "edit" && own) text = content.text;
    if (content.kind === "deletion" && own) deleted = true;
    if (content.kind === "reaction") {
      reactions.delete(user);
      reactions.set(user, content.emoji);
    }
  }
  if (deleted) return { text: undefined, deleted, reactions: [] };
  const shown = [...reactions].flatMap(([user, emoji]) =>
    emoji === null ? [] : [{ user, emoji }],
  );
  return { text, deleted, reactions: shown };
}

/**
 * The newest of the messages that set the name, the picture or the timer of a chat. One with `at`
 * repeats for newcomers what was written there: it stands at that place, behind the original, and
 * never above its own.
 */
export function newest(writings: Iterable<Change>): Change | undefined {
  const [first, ...others] = writings;
  return others.reduce((found, each) => (byTurn(found, each) < 0 ? each : found), first as Change);
}

function byPlace(one: Change, other: Change): number {
  return compared([placeOf(one), one.number], [placeOf(other), other.number]);
}

function byTurn(one: Change, other: Change): number {
  return compared(turnOf(one), turnOf(other));
}

function turnOf(writing: Change): number[] {
  const seq = placeOf(writing);
  const at = "at" in writing.content ? writing.content.at : undefined;
  const place = at === undefined ? [seq, 1] : [Math.min(at, seq), 0];
  return [...place, seq, writing.number];
}

function placeOf({ seq = Number.POSITIVE_INFINITY }: Change): number {
  return seq;
}

function compared(one: readonly number[], other: readonly number[]): number {
  for (const [at, value] of one.entries()) {
    const against = other[at] ?? 0;
    if (value !== against) return value < against ? -1 : 1;
  }
  return 0;
}

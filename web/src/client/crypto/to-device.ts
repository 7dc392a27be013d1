/** The queue of to-device messages: texts that a device did not receive, and comparisons. */

import { userOf } from "../core/ids.ts";
import type { Work } from "../store/store.ts";
import type { ToDeviceRow } from "../store/tables.ts";
import * as tables from "../store/tables.ts";

export const COPIES = 3; // of one text to one device

/** A message is queued until it is sealed into a frame. */
export class ToDeviceQueue {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  /** Sent in the order in which it is queued. */
  async add(
    chat: string,
    device: string,
    content: NonNullable<ToDeviceRow["content"]>,
    until?: number,
  ): Promise<void> {
    const messageId = await this.#place(chat);
    this.#work.put(tables.toDevice, { chat, device, messageId, content, until, asked: false });
  }

  /** The same copy is queued once. */
  async addCopy(chat: string, device: string, messageId: string, asked: boolean): Promise<void> {
    if ((await this.#work.get(tables.toDevice, [chat, device, messageId])) !== undefined) return;
    const row = { chat, device, messageId, content: undefined, until: undefined, asked };
    this.#work.put(tables.toDevice, row);
  }

  async chats(): Promise<Set<string>> {
    return new Set((await this.#work.all(tables.toDevice)).map(({ chat }) => chat));
  }

  async of(chat: string): Promise<ToDeviceRow[]> {
    return this.#work.all(tables.toDevice, undefined, tables.startingWith(chat));
  }

  done({ chat, device, messageId }: ToDeviceRow): void {
    this.#work.delete(tables.toDevice, [chat, device, messageId]);
  }

  /** Drops messages of comparisons, which no longer exist after a restart. */
  async drop(): Promise<void> {
    for (const row of await this.#work.all(tables.toDevice)) {
      if (row.content?.kind === "sas") this.done(row);
    }
  }

  /** Behind all that is queued in the chat. */
  async #place(chat: string): Promise<string> {
    const before = (await this.of(chat)).filter((row) => row.content !== undefined);
    const last = Math.max(0, ...before.map(({ messageId }) => Number(messageId)));
    return String(last + 1).padStart(16, "0");
  }
}

/**
 * When to ask for a message that has been asked for `asked` times; undefined: no more. `askAfter`:
 * the pauses before each time, ms.
 */
export function nextAsk(
  asked: number,
  now: number,
  askAfter: readonly number[],
): number | undefined {
  const pause = askAfter[asked];
  return pause === undefined ? undefined : now + pause;
}

/** The part of an own message that decides which devices may get a copy of it. */
export interface Sent {
  readonly seq: number | undefined;
  /** How often each device was sent a copy. */
  readonly copies: Readonly<Record<string, number>>;
  /** Users who were added when it was sealed already. */
  readonly notFor: readonly string[];
}

/**
 * The chat's members now, and for those who joined later the seq at which the chat was last seen
 * without them.
 */
export interface Readers {
  readonly members: ReadonlySet<string>;
  readonly joinedAfter: ReadonlyMap<string, number>;
}

/** A first message and the look at who reads it are rarely further apart. */
const MADE_LATER_MS = 300_000;

/**
 * Whether a device may ask for a message of `sentAt`: a device that was made later may read only what
 * came after it. The device that asks checks this, and the one that responds as well, each by its own
 * clock. `since`: when it was made, or when its keys were trusted first; `sentAt`: when the message was
 * accepted, undefined if it is not yet.
 */
export function mayAskFor(sentAt: number | undefined, since: number): boolean {
  return sentAt === undefined || sentAt >= since - MADE_LATER_MS;
}

/** Whether `user/device` may have (another) copy of an own message. */
export function mayHaveCopy(sent: Sent, device: string, chat: Readers): boolean {
  const user = userOf(device);
  const since = chat.joinedAfter.get(user) ?? 0;
  return (
    chat.members.has(user) &&
    sent.seq !== undefined &&
    sent.seq > since &&
    !sent.notFor.includes(user) &&
    (sent.copies[device] ?? 0) < COPIES
  );
}

/** Requests for texts that could not be read, and who may have which. No I/O. */

import { partsOf } from "../core/ids.ts";

export const ANSWERS = 3;

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

/** An own message, as far as who may have it again. */
export interface Sent {
  readonly seq: number | undefined;
  /** How often each device was sent a copy. */
  readonly copies: Readonly<Record<string, number>>;
  /** Users who were added when it was sealed already. */
  readonly notFor: readonly string[];
}

/** Who is in the chat now, and for who came later: the seq at which it was last seen without them. */
export interface Readers {
  readonly members: ReadonlySet<string>;
  readonly joinedAfter: ReadonlyMap<string, number>;
}

/** Two devices' clocks are rarely further apart, nor a first message and the look at who reads it. */
const MADE_LATER_MS = 300_000;

/**
 * Whether a device may ask for what was sent at `sentAt`, both epoch ms: one that is made later, by
 * its user or by the backend, reads what comes and not what was. It keeps to that itself, and so
 * does the device that responds, by its own clock: `since` it has trusted the device's keys, of what was
 * accepted (undefined: not yet) then.
 */
export function mayAskFor(sentAt: number | undefined, since: number): boolean {
  return sentAt === undefined || sentAt >= since - MADE_LATER_MS;
}

/** Whether `user/device` may have (another) copy of an own message. */
export function mayHaveCopy(sent: Sent, device: string, chat: Readers): boolean {
  const [user] = partsOf(device);
  const since = chat.joinedAfter.get(user) ?? 0;
  return (
    chat.members.has(user) &&
    sent.seq !== undefined &&
    sent.seq > since &&
    !sent.notFor.includes(user) &&
    (sent.copies[device] ?? 0) < ANSWERS
  );
}

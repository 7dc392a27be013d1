/** Asking again for what could not be read, and answering who asks. No I/O. */

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
}

/** Who is in the chat now, and for who came later: the seq at which it was last seen without them. */
export interface Membership {
  readonly members: ReadonlySet<string>;
  readonly joinedAfter: Readonly<Record<string, number>>;
}

/** Whether `user/device` may have (another) copy of an own message. */
export function mayHaveCopy(sent: Sent, device: string, chat: Membership): boolean {
  const user = device.split("/")[0] ?? "";
  const since = chat.joinedAfter[user] ?? 0;
  return (
    chat.members.has(user) &&
    sent.seq !== undefined &&
    sent.seq > since &&
    (sent.copies[device] ?? 0) < ANSWERS
  );
}

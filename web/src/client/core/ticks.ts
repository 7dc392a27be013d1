/** Ticks: derived from the members' watermarks, never sent as such (client rule 5). */

import type { Ranges, Watermarks } from "./frames.ts";

/** Of an own message. Ordered: a later stage includes the earlier ones. */
export const State = { FAILED: 0, WAITING: 1, SENT: 2, DELIVERED: 3, READ: 4 } as const;
export type State = (typeof State)[keyof typeof State];

/** The seqs up to which everybody else has received and read it; 0 in a chat without others. */
export function reached(
  members: Iterable<readonly [user: string, marks: Watermarks]>,
  me: string,
): Watermarks {
  const others = [...members].flatMap(([user, marks]) => (user === me ? [] : [marks]));
  if (others.length === 0) return { delivered: 0, read: 0 };
  return {
    delivered: Math.min(...others.map((marks) => Math.max(marks.delivered, marks.read))),
    read: Math.min(...others.map((marks) => marks.read)),
  };
}

/**
 * `undelivered`: messages at these positions were hidden from the other user, so the marks do not
 * count.
 */
export function stage(seq: number, everyone: Watermarks, undelivered: Ranges = []): State {
  if (undelivered.some(([first, last]) => first <= seq && seq <= last)) return State.SENT;
  if (seq <= everyone.read) return State.READ;
  return seq <= everyone.delivered ? State.DELIVERED : State.SENT;
}

/** Every stage from `before` (excluded) to `after`, so that none is skipped in the reports. */
export function stages(before: State, after: State): State[] {
  const all: State[] = [State.SENT, State.DELIVERED, State.READ];
  return all.filter((each) => each > before && each <= after);
}

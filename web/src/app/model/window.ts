/** The window of messages that are drawn, of many: it moves with the reader. */

/** Rows in the page at most. */
export const MOST_ROWS = 120;
/** The window moves by so many rows. */
export const STEP = 20;

export interface Window {
  /** Of the first message drawn, and behind the last one. */
  readonly start: number;
  readonly end: number;
}

export function atEnd(count: number): Window {
  return { start: Math.max(0, count - MOST_ROWS), end: count };
}

export function around(index: number, count: number): Window {
  const start = Math.max(0, Math.min(index - MOST_ROWS / 2, count - MOST_ROWS));
  return { start, end: Math.min(count, start + MOST_ROWS) };
}

export function earlier({ start, end }: Window): Window {
  const begins = Math.max(0, start - STEP);
  return { start: begins, end: Math.min(end, begins + MOST_ROWS) };
}

export function later({ start, end }: Window, count: number): Window {
  const ends = Math.min(count, end + STEP);
  return { start: Math.max(start, ends - MOST_ROWS), end: ends };
}

/** The same messages after `before` others were put in front, of now `count`. */
export function shifted({ start, end }: Window, before: number, count: number): Window {
  return { start: Math.min(start + before, count), end: Math.min(end + before, count) };
}

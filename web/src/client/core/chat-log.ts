/** The log of one chat: puts its messages in order and finds gaps. */

import type { Range } from "./frames.ts";

// Entries that came too early are in memory only; those beyond this number are fetched again by
// `sync`.
const ASIDE_LIMIT = 2_000;

export type Taken<T> = readonly [seq: number, entry: T];

/**
 * The watermark of one chat and the entries that wait for it (client rule 1). Whatever it returns
 * is to be stored together with the new watermark, in this order.
 */
export class ChatLog<T> {
  watermark: number;
  highest: number;
  readonly #aside = new Map<number, T>();

  constructor(watermark = 0) {
    this.watermark = watermark;
    this.highest = watermark;
  }

  /** Something above the watermark is known to exist. */
  get behind(): boolean {
    return this.highest > this.watermark;
  }

  /** What can be taken in order now that `entry` is here; nothing if late or too early. */
  offer(seq: number, entry: T): Taken<T>[] {
    if (seq <= this.watermark) return [];
    this.heardOf(seq);
    if (!this.#aside.has(seq)) this.#aside.set(seq, entry);
    if (this.#aside.size > ASIDE_LIMIT) this.#aside.delete(Math.max(...this.#aside.keys()));
    return this.#take(this.watermark);
  }

  /** The server says that position `seq` exists. */
  heardOf(seq: number): void {
    this.highest = Math.max(this.highest, seq);
  }

  /** Records that nothing at or below `to` will appear any more: holes up to there are skipped. */
  complete(to: number): Taken<T>[] {
    this.heardOf(to);
    return this.#take(to);
  }

  #take(completeTo: number): Taken<T>[] {
    const taken: Taken<T>[] = [];
    for (const seq of [...this.#aside.keys()].filter((each) => each <= completeTo).sort(byValue)) {
      taken.push([seq, this.#remove(seq)]);
    }
    this.watermark = Math.max(this.watermark, completeTo);
    while (this.#aside.has(this.watermark + 1)) {
      this.watermark += 1;
      taken.push([this.watermark, this.#remove(this.watermark)]);
    }
    return taken;
  }

  #remove(seq: number): T {
    const entry = this.#aside.get(seq) as T;
    this.#aside.delete(seq);
    return entry;
  }
}

/** The parts of `missing` in (after, to] that were not taken after all. */
export function holes(
  after: number,
  to: number,
  taken: readonly number[],
  missing: readonly Range[],
): Range[] {
  const there = taken.toSorted(byValue);
  const found: Range[] = [];
  for (const [first, last] of missing) {
    let start = Math.max(first, after + 1);
    const end = Math.min(last, to);
    for (const seq of there) {
      if (seq < start || seq > end) continue;
      if (start < seq) found.push([start, seq - 1]);
      start = seq + 1;
    }
    if (start <= end) found.push([start, end]);
  }
  return found;
}

function byValue(a: number, b: number): number {
  return a - b;
}

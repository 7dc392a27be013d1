/** The type of the random source. It comes in as an argument, so that tests can fix it. */

/** Evenly from 0 (included) to 1 (excluded). */
export type Random = () => number;

export function uniform(random: Random, from: number, to: number): number {
  return from + random() * (to - from);
}

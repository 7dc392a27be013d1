/** The supply of one-time and fallback keys: when to make them, and how many. No I/O. */

export const WANTED = 50; // in the directory
export const LOW = 20; // below this they are replenished

/** `remaining` in the directory, `waiting` made but not confirmed as published. */
export function toMake(remaining: number, waiting: number): number {
  return remaining < LOW ? Math.max(0, WANTED - remaining - waiting) : 0;
}

const REST_MS = 600_000;

/**
 * Whether the fallback key may be replaced because it was used. Only the one before it is kept, for
 * what is still under way to it: that has to last a while, however often a use is reported.
 */
export function rested(replacedAt: number | undefined, now: number): boolean {
  return replacedAt === undefined || now < replacedAt || now - replacedAt >= REST_MS;
}

/** The supply of one-time and fallback keys: when to make them, and how many. No I/O. */

import type { Settings } from "../core/settings.ts";

/** How many one-time keys the directory shall have. */
export type Supply = Pick<Settings, "keysLow" | "keysWanted">;

/** `remaining` in the directory, `waiting` made but not confirmed as published. */
export function toMake(remaining: number, waiting: number, supply: Supply): number {
  const { keysLow, keysWanted } = supply;
  return remaining < keysLow ? Math.max(0, keysWanted - remaining - waiting) : 0;
}

const REST_MS = 600_000;

/**
 * Whether the fallback key may be replaced because it was used. Only the one before it is kept, for
 * what is still under way to it: that has to last a while, however often a use is reported.
 */
export function rested(replacedAt: number | undefined, now: number): boolean {
  return replacedAt === undefined || now < replacedAt || now - replacedAt >= REST_MS;
}

/** How many one-time keys to make. No I/O. */

export const WANTED = 50; // in the directory
export const LOW = 20; // below this they are replenished

/** `remaining` in the directory, `waiting` made but not confirmed as published. */
export function toMake(remaining: number, waiting: number): number {
  return remaining < LOW ? Math.max(0, WANTED - remaining - waiting) : 0;
}

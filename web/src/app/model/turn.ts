/**
 * The turns of tabs to open the device: one after another tries whether it is free, and opens it
 * before the next one tries. The device's own lock decides which tab has it.
 */

import { databaseOf } from "../../client/index.ts";
import { type Installation, isInstalled } from "./installation.ts";

/** The lock of the tab that has the device, from when it opens it. */
const lockOf = ({ user, device }: Installation) => databaseOf(user, device);
const turnOf = (of: Installation) => `${lockOf(of)}/turn`;
/** A lock held until all data of a user who has signed out is deleted. */
const leavingOf = (of: Installation) => `${lockOf(of)}/leaving`;

/** Opens the device at once; undefined where another tab has it, opens it, or deletes it. */
export async function ifFree<T>(of: Installation, open: () => Promise<T>): Promise<T | undefined> {
  const ifAvailable = true;
  return navigator.locks.request(turnOf(of), { ifAvailable }, async (turn) => {
    if (turn === null) return undefined;
    for (const name of [lockOf(of), leavingOf(of)]) {
      if (!(await navigator.locks.request(name, { ifAvailable }, (lock) => lock !== null))) {
        return undefined;
      }
    }
    return isInstalled(of) ? open() : undefined;
  });
}

/**
 * Opens the device once the tab that had it is closed. If its user has signed out, that tab deletes
 * the data first, and there is no device then. Tabs wait one after another, so that each tries when
 * it is its turn.
 */
export async function inTurn<T>(
  of: Installation,
  signal: AbortSignal,
  open: () => Promise<T>,
): Promise<T | undefined> {
  return navigator.locks.request(turnOf(of), { signal }, async () => {
    await navigator.locks.request(lockOf(of), { signal }, () => {});
    await navigator.locks.request(leavingOf(of), { mode: "shared", signal }, () => {});
    return isInstalled(of) ? open() : undefined;
  });
}

/** Nobody else opens the device before this is done. */
export async function leaving(of: Installation, act: () => Promise<void>): Promise<void> {
  await navigator.locks.request(leavingOf(of), act);
}

/**
 * The turns of tabs to open the device: one after another looks whether it is free, and opens it
 * before the next one looks. Who has it is decided by the device's own lock.
 */

import { databaseOf } from "../../client/index.ts";
import { type Installation, isInstalled } from "./installation.ts";

/** The lock of the tab that has the device, from when it opens it. */
const lockOf = ({ user, device }: Installation) => databaseOf(user, device);
const turnOf = (of: Installation) => `${lockOf(of)}/turn`;
/** Held until everything is deleted that a user who has left had here. */
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
 * Opens the device once the tab that had it has ended, and has deleted what it had if its user has left:
 * then there is none. One tab after another waits for that, so that each looks when it is its turn.
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

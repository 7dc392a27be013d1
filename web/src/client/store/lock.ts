/** One holder of a device's state at a time: two would answer for each other's messages. */

import { StoreError } from "../errors.ts";

/** Lets go; the next one may have it when this returns. */
export type Release = () => Promise<void>;

/**
 * Held until it is released, and no longer than the tab lives (Web Locks).
 *
 * Raises StoreError where another tab holds it.
 */
export async function lockDevice(name: string): Promise<Release> {
  const got = Promise.withResolvers<boolean>();
  const held = Promise.withResolvers<void>();
  const ended = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
    got.resolve(lock !== null);
    return lock === null ? undefined : held.promise;
  });
  ended.catch(got.reject); // where locks are not to be had at all
  if (!(await got.promise)) {
    throw new StoreError("another tab is using this device; close it, or wait until it ends");
  }
  return async () => {
    held.resolve();
    await ended;
  };
}

/**
 * The lock of a device's state, since two clients with one state would acknowledge each other's
 * messages.
 */

import { StoreError } from "../errors.ts";

/** Lets go; the next one may have it when this returns. */
export type Release = () => Promise<void>;

/**
 * Held until it is released, and no longer than the tab lives (Web Locks).
 *
 * Where another tab holds it, this waits until that one lets go or `wait` is aborted; without `wait`
 * it raises StoreError at once.
 */
export async function lockDevice(name: string, wait?: AbortSignal): Promise<Release> {
  const got = Promise.withResolvers<boolean>();
  const held = Promise.withResolvers<void>();
  const options = wait === undefined ? { ifAvailable: true } : { signal: wait };
  const ended = navigator.locks.request(name, options, (lock) => {
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

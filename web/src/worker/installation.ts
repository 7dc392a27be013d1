/**
 * The record of which device this browser is, for the worker: it can't read the page's
 * localStorage.
 */

export interface Installation {
  readonly user: string;
  readonly device: string;
}

const CACHE = "switchboard.device";
const ENTRY = "/device";

/** `undefined`: this browser is no device any more. */
export async function remember(installation: Installation | undefined): Promise<void> {
  if (installation === undefined) {
    await caches.delete(CACHE);
    return;
  }
  await (await caches.open(CACHE)).put(ENTRY, Response.json(installation));
}

export async function remembered(): Promise<Installation | undefined> {
  const found = await (await caches.open(CACHE)).match(ENTRY);
  return found === undefined ? undefined : ((await found.json()) as Installation);
}

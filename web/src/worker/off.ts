/**
 * A worker that takes the place of one that does harm, and removes itself: `WORKER=off make page`
 * builds it under the same name. Every page gets it at its next load, or within a day, and is loaded
 * again without a worker.
 */

import { scope } from "./scope.ts";

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith("switchboard.page."));
  await Promise.all(names.map((name) => caches.delete(name)));
  await scope.registration.unregister();
  // A page that is loaded again registers it again: once nothing is left, it does not do so forever.
  if (names.length === 0) return;
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  await Promise.all(pages.map((page) => page.navigate(page.url)));
}

/** The service worker: keeps the page's files, and shows what a push is about while no page is open. */

import "./window.ts";
import { Assets, type Build } from "./assets.ts";
import { openChat } from "./clicked.ts";
import { fetchUnread } from "./device.ts";
import { handlePush, type Notice, parsePush } from "./pushed.ts";
import { scope } from "./scope.ts";
import { fallback, kindWords } from "./words.ts";

/** Filled in when it is built: build/worker.ts. */
declare const BUILD: Build;

const base = new URL("./", scope.location.href).href;
const assets = new Assets(caches, base, BUILD);

scope.addEventListener("install", (event) => event.waitUntil(assets.install()));
scope.addEventListener("activate", (event) =>
  event.waitUntil(assets.activate().then(() => scope.clients.claim())),
);
scope.addEventListener("fetch", (event) => {
  if (assets.concerns(event.request)) event.respondWith(assets.respond(event.request));
});

scope.addEventListener("message", (event) => {
  const message = event.data as { readonly type?: unknown };
  // The user has chosen the new version: a page that was opened with the old one reloads itself.
  if (message.type === "update") event.waitUntil(scope.skipWaiting());
});

scope.addEventListener("push", (event) => {
  const around = {
    show,
    shown: () => scope.registration.getNotifications(),
    fetch: () => fetchUnread(assets.find(".wasm"), kindWords(navigator.languages)),
    after: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    fallback: fallback(navigator.languages),
  };
  event.waitUntil(handlePush(parsePush(read(event.data)), around));
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openChat(event.notification.tag, base, scope.clients));
});

/** `again`: it makes a sound also where it takes the place of an earlier one. */
async function show({ chat, title, body }: Notice, { again }: { again: boolean }): Promise<void> {
  const options = { body, tag: chat, renotify: again && chat !== "", icon: "./icon-192.png" };
  await scope.registration.showNotification(title, options);
}

function read(data: { json(): unknown } | null): unknown {
  try {
    return data?.json();
  } catch {
    return undefined; // no JSON: it still shows something
  }
}

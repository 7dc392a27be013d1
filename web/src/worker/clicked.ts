/** The click on a notification, which leads to the chat. */

import type { Scope } from "./scope.ts";

/** The chat, in the page that is open or in a new one; without a chat the list of chats. */
export async function openChat(
  chat: string,
  base: string,
  clients: Pick<Scope["clients"], "matchAll" | "openWindow">,
): Promise<void> {
  const url = new URL(chat === "" ? "#/" : `#/chat/${encodeURIComponent(chat)}`, base).href;
  const [page] = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (page === undefined) {
    await clients.openWindow(url);
    return;
  }
  try {
    await (await page.focus()).navigate(url);
  } catch {
    await clients.openWindow(url); // a page that this worker does not control can't be led
  }
}

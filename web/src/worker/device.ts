/** This browser's device, as the worker opens it while no page does. */

import { ChatClient, type ChatSummary, type StoredMessage } from "../client/index.ts";
import { remembered } from "./installation.ts";
import type { Notice, Unread } from "./pushed.ts";

/** A page that has the device open needs it for longer. */
const LOCK_MS = 2_000;
/** Browsers end a worker some 30 s after a push. */
const CONNECT_MS = 20_000;
const MOST_TEXTS = 5;
const MOST_CHARACTERS = 200;

/**
 * Connects, fetches and acknowledges what was missed, and says what is unread. Raises what ChatClient
 * raises: StoreError where a page has the device, ApiError where it is signed out.
 */
export async function fetchUnread(wasm: string): Promise<Unread> {
  const installation = await remembered();
  if (installation === undefined) throw new Error("no device was set up here");
  const wait = AbortSignal.timeout(LOCK_MS);
  const client = await ChatClient.open({ ...installation, wasm, wait });
  try {
    await client.signUpOrIn();
    await client.connect(CONNECT_MS);
    return await unreadOf(client);
  } finally {
    await client.close();
  }
}

async function unreadOf(client: ChatClient): Promise<Unread> {
  const found = new Map<string, Notice>();
  for (const summary of await client.chats()) {
    if (summary.unread === 0 || summary.left) continue;
    const texts = (await client.history(summary.chat, MOST_TEXTS)).filter(
      // what has no text, as the new name of a group, is not what one is notified of
      ({ sender, seq, text, deleted }) =>
        sender !== client.user && (seq ?? 0) > summary.read && text !== "" && !deleted,
    );
    const notice = noticeOf(summary, texts);
    if (notice !== undefined) found.set(summary.chat, notice);
  }
  return found;
}

/** A text that can't be read here is shown as its sender only. */
export function noticeOf(
  { chat, kind, name, members }: Pick<ChatSummary, "chat" | "kind" | "name" | "members">,
  texts: readonly Pick<StoredMessage, "sender" | "text">[],
): Notice | undefined {
  const last = texts.at(-1);
  if (last === undefined) return undefined;
  const group = kind === "group";
  const lines = texts.map(({ sender, text = "…" }) => {
    const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
    return group ? `${sender}: ${shown}` : shown;
  });
  const title = group ? (name ?? members.join(", ")) : last.sender;
  return { chat, title, body: lines.join("\n") };
}

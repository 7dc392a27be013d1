/** This browser's device, as the worker opens it while no page does. */

import { ChatClient, type ChatSummary, type StoredMessage } from "../client/index.ts";
import { remembered } from "./installation.ts";
import type { Notice, Unread } from "./pushed.ts";
import type { KindWords } from "./words.ts";

/** What is read of a ChatClient here. */
interface Client {
  readonly user: string;
  readonly chats: Pick<ChatClient["chats"], "all">;
  readonly messages: Pick<ChatClient["messages"], "history">;
}

/** A page that has the device open needs it for longer. */
const LOCK_MS = 2_000;
/** Browsers end a worker some 30 s after a push. */
const CONNECT_MS = 20_000;
const MOST_TEXTS = 5;
const PAGE = 50; // messages of a chat that are read at once
const MOST_CHARACTERS = 200;
/** Kinds that are changes of the chat, of which nobody is notified. */
const NOTICES = new Set<StoredMessage["kind"]>(["timer", "chat_name", "chat_picture"]);
/** Shown in place of the text of a message that can't be read here, or is of an unknown kind. */
const NO_TEXT = "…";

/**
 * Connects, fetches and acknowledges what was missed, and returns what is unread. Raises what
 * ChatClient raises: StoreError where a page has the device, ApiError where it is signed out.
 */
export async function fetchUnread(wasm: string, words: KindWords): Promise<Unread> {
  const installation = await remembered();
  if (installation === undefined) throw new Error("no device was set up here");
  const wait = AbortSignal.timeout(LOCK_MS);
  const client = await ChatClient.open({ ...installation, wasm, wait });
  try {
    await client.signUpOrIn();
    await client.connect(CONNECT_MS);
    return await unreadOf(client, words);
  } finally {
    await client.close();
  }
}

export async function unreadOf(client: Client, words: KindWords): Promise<Unread> {
  const found = new Map<string, Notice>();
  for (const summary of await client.chats.all()) {
    if (summary.unread === 0 || summary.left) continue;
    const messages = await lastTexts(client, summary);
    const texts = messages.map((each) => ({ sender: each.sender, text: textOf(each, words) }));
    const notice = noticeOf(summary, texts);
    if (notice !== undefined) found.set(summary.chat, notice);
  }
  return found;
}

/** The last unread ones: behind them may be any number of own messages, notices and deleted ones. */
async function lastTexts(
  client: Client,
  { chat, read }: Pick<ChatSummary, "chat" | "read">,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  let before = Number.MAX_SAFE_INTEGER; // without own ones that are not accepted
  while (found.length < MOST_TEXTS && before > read + 1) {
    const page = await client.messages.history(chat, PAGE, before);
    const isText = ({ sender, seq, kind, deleted }: StoredMessage) =>
      sender !== client.user && (seq ?? 0) > read && !NOTICES.has(kind) && !deleted;
    found.unshift(...page.filter(isText));
    before = page.length < PAGE ? 0 : (page[0]?.seq ?? 0);
  }
  return found.slice(-MOST_TEXTS);
}

function textOf({ text, content }: StoredMessage, words: KindWords): string {
  if (content?.kind !== "file") return text || NO_TEXT;
  const { kind, name } = content.file;
  const named = kind === "file" ? `${words.file}: ${name}` : words[kind];
  return text ? `${named}, ${text}` : named;
}

export function noticeOf(
  { chat, kind, name, members }: Pick<ChatSummary, "chat" | "kind" | "name" | "members">,
  texts: readonly { readonly sender: string; readonly text: string }[],
): Notice | undefined {
  const last = texts.at(-1);
  if (last === undefined) return undefined;
  const group = kind === "group";
  const lines = texts.map(({ sender, text }) => {
    const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
    return group ? `${sender}: ${shown}` : shown;
  });
  const title = group ? (name ?? members.join(", ")) : last.sender;
  return { chat, title, body: lines.join("\n") };
}

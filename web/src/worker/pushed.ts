/**
 * The handling of a push: it shows a notification, always, and within seconds. It has the text, if
 * this device can be opened and has fetched it in time; otherwise a fixed text, which is replaced
 * later.
 */

/** What a push holds: docs/protocol.md, "Push notification". */
export type Push =
  | { readonly chat: string; readonly rings: true }
  | { readonly chat: string; readonly rings: false };

/** One notification, for one chat. */
export interface Notice {
  readonly chat: string;
  readonly title: string;
  readonly body: string;
}

/** What is unread on this device, by chat; a chat without one has nothing to show. */
export type Unread = ReadonlyMap<string, Notice>;

export interface Shown {
  readonly tag: string;
  close(): void;
}

/** The I/O of the handling: the browser and the client. */
export interface Surroundings {
  show(notice: Notice, options: { readonly again: boolean }): Promise<void>;
  shown(): Promise<readonly Shown[]>;
  /** Opens the device, fetches and decrypts. Raises what ChatClient raises. */
  fetch(): Promise<Unread>;
  /** Resolves after so many ms. */
  after(ms: number): Promise<void>;
  readonly fallback: Omit<Notice, "chat">;
}

/** Browsers give a push some seconds, and Safari counts one that shows nothing as misuse. */
export const FALLBACK_MS = 3_000;

/** Of what a push service delivered; without a chat it is still a push, and shows something. */
export function parsePush(data: unknown): Push {
  const fields = typeof data === "object" && data !== null ? data : {};
  const chat = "chat_id" in fields && typeof fields.chat_id === "string" ? fields.chat_id : "";
  return { chat, rings: !("read" in fields) };
}

export async function handlePush(push: Push, around: Surroundings): Promise<void> {
  if (!push.rings) return takeBack(push.chat, around);
  const fetched = around.fetch().catch(() => undefined);
  const unread = await Promise.race([fetched, around.after(FALLBACK_MS)]);
  if (unread !== undefined) return bringUpToDate(push.chat, unread, around, { again: true });
  await around.show({ chat: push.chat, ...around.fallback }, { again: true });
  const late = await fetched;
  if (late !== undefined) await bringUpToDate(push.chat, late, around, { again: false });
}

/** The chat's notification has the texts; those of chats that were read elsewhere go. */
async function bringUpToDate(
  chat: string,
  unread: Unread,
  around: Surroundings,
  options: { readonly again: boolean },
): Promise<void> {
  for (const each of await around.shown()) {
    if (each.tag !== chat && !unread.has(each.tag)) each.close();
  }
  const notice = unread.get(chat);
  if (notice !== undefined) return around.show(notice, options);
  // Read elsewhere meanwhile, or not for people: something has to be shown anyway.
  if (options.again) await around.show({ chat, ...around.fallback }, options);
  else await takeBack(chat, around);
}

/** All that rang in the chat was read on another device. */
async function takeBack(chat: string, around: Surroundings): Promise<void> {
  for (const each of await around.shown()) if (each.tag === chat) each.close();
}

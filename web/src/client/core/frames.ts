/** The frames of `chat.v1`: the generated types, and what this client adds to them. */

import type { ReceiptFrame, SendFrame, SyncFrame, Watermarks } from "./frames.generated.ts";

export * from "./frames.generated.ts";

// Keep one `send` under this: API Gateway closes the connection (1009) on a frame over 32 KB.
export const SEND_LIMIT_BYTES = 30_000;

/** Inclusive positions. */
export type Range = readonly [number, number];
export type Ranges = readonly Range[];

export const NOWHERE: Watermarks = { delivered: 0, read: 0 };

/**
 * `sealed` is one payload for all, or a payload for each `user/device`. `hidden`: it brings nobody
 * a text that was not announced before, so it wakes no phone.
 */
export function send(
  messageId: string,
  chat: string,
  alg: SendFrame["alg"],
  sealed: string | Readonly<Record<string, string>>,
  hidden: boolean,
): SendFrame {
  return {
    action: "send",
    message_id: messageId,
    chat,
    alg,
    ...(typeof sealed === "string" ? { payload: sealed } : { to: sealed }),
    ...(hidden ? { hidden } : {}),
  };
}

/** A watermark that is 0 is left out: there is nothing to report yet. */
export function receipt(
  chat: string,
  { delivered, read }: Watermarks,
  senders: Iterable<string>,
): ReceiptFrame {
  return {
    action: "receipt",
    chat,
    senders: [...senders].sort(),
    ...(delivered > 0 ? { delivered } : {}),
    ...(read > 0 ? { read } : {}),
  };
}

/** Without `chats`: every chat of the user, from the place the server has for this device. */
export function sync(chats?: ReadonlyMap<string, number>, cursor?: string): SyncFrame {
  if (chats === undefined) return { action: "sync", ...(cursor === undefined ? {} : { cursor }) };
  return { action: "sync", chats: Object.fromEntries(chats) };
}

/** The frames of `chat.v1`: what the server sends as types, what the client sends as builders. */

// Keep one `send` under this: API Gateway closes the connection (1009) on a frame over 32 KB.
export const SEND_LIMIT_BYTES = 30_000;

/** Inclusive positions. */
export type Range = readonly [number, number];

export interface Watermarks {
  readonly delivered: number;
  readonly read: number;
}

export const NOWHERE: Watermarks = { delivered: 0, read: 0 };

export interface Accepted {
  readonly type: "accepted";
  readonly messageId: string;
  readonly chat: string;
  readonly seq: number;
  readonly sentAt: number;
  readonly missing: readonly string[];
  readonly stale: readonly string[];
}

export interface Message {
  readonly type: "message";
  readonly chat: string;
  readonly seq: number;
  readonly messageId: string;
  readonly sender: string;
  readonly senderDevice: string;
  /** Epoch ms. */
  readonly sentAt: number;
  readonly alg: string;
  readonly payload: string | undefined;
}

export interface Receipt {
  readonly type: "receipt";
  readonly chat: string;
  readonly user: string;
  readonly delivered: number;
  readonly read: number;
}

export interface SyncedChat {
  readonly seq: number;
  readonly completeTo: number;
  readonly missing: readonly Range[];
  readonly members: ReadonlyMap<string, Watermarks>;
}

export interface Synced {
  readonly type: "synced";
  readonly chats: ReadonlyMap<string, SyncedChat>;
  readonly more: boolean;
  /** Milliseconds; the wire has seconds. */
  readonly retryAfter: number | undefined;
}

export interface Refused {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly messageId: string | undefined;
  readonly action: string | undefined;
}

export type ServerFrame =
  | Accepted
  | Message
  | Receipt
  | Synced
  | { readonly type: "nudge"; readonly chat: string; readonly seq: number }
  | {
      readonly type: "presence";
      readonly user: string;
      readonly online: boolean;
      readonly lastSeen: number | undefined;
    }
  | { readonly type: "typing"; readonly chat: string; readonly user: string }
  | {
      readonly type: "devices_changed";
      readonly user: string;
      /** The user was added to or removed from this chat; otherwise the devices are others. */
      readonly chat: string | undefined;
    }
  | { readonly type: "keys_low"; readonly remaining: number; readonly fallbackUsed: boolean }
  | { readonly type: "displaced" }
  | { readonly type: "pong" }
  | Refused;

export type ClientFrame = Readonly<Record<string, unknown>> & { readonly action: string };

export function send(
  messageId: string,
  chat: string,
  alg: string,
  sealed: string | Readonly<Record<string, string>>,
  urgent: boolean,
): ClientFrame {
  return {
    action: "send",
    message_id: messageId,
    chat,
    alg,
    ...(typeof sealed === "string" ? { payload: sealed } : { to: sealed }),
    ...(urgent ? {} : { urgent: false }),
  };
}

export function receipt(
  chat: string,
  { delivered, read }: Watermarks,
  senders: Iterable<string>,
): ClientFrame {
  return {
    action: "receipt",
    chat,
    senders: [...senders].sort(),
    ...(delivered > 0 ? { delivered } : {}),
    ...(read > 0 ? { read } : {}),
  };
}

/** Without `chats`: every chat of the user, from the place the server has for this device. */
export function sync(chats?: ReadonlyMap<string, number>): ClientFrame {
  if (chats === undefined) return { action: "sync" };
  return { action: "sync", chats: Object.fromEntries(chats) };
}

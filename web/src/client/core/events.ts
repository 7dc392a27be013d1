/** The events of a client. Each is published after the state behind it is on disk. */

import type { Comparison } from "../crypto/sas.ts";
import type { Unreadable } from "../store/tables.ts";
import type { MessageContent } from "./content.ts";
import type { ServerFrame } from "./frames.ts";
import type { State } from "./ticks.ts";

interface MessageEvent {
  readonly chat: string;
  readonly seq: number;
  readonly messageId: string;
  readonly sender: string;
  readonly senderDevice: string;
  /** Epoch ms. */
  readonly sentAt: number;
  /** Undefined where this device cannot read it (yet); `unreadable` says why. */
  readonly text: string | undefined;
  readonly unreadable: Unreadable | undefined;
  /** It is unread, and people are notified of it. */
  readonly counts: boolean;
  /** Of its content; what is not `text` has its fields in the history. */
  readonly kind: MessageContent["kind"];
  /** Written by this user (on another device, or before this store was made). */
  readonly own: boolean;
}

/** Frames that the engine reads for itself; all others are published as they are. */
type ReadByEngine =
  | "message"
  | "messages"
  | "accepted"
  | "receipt"
  | "synced"
  | "nudge"
  | "error"
  | "pong"
  | "displaced"
  | "devices_changed";

export type Event =
  | Exclude<ServerFrame, { readonly type: ReadByEngine }>
  /** The connection is open; what was missed meanwhile is being fetched. */
  | { readonly type: "connected" }
  /** What was missed has been fetched. Not `complete`: something may still be on its way. */
  | { readonly type: "caught_up"; readonly complete: boolean }
  /** `retryIn`: ms until the next attempt, undefined if there will be none. */
  | {
      readonly type: "disconnected";
      readonly reason: string;
      readonly retryIn: number | undefined;
      /** How much of it the backend has asked for, ms; nothing shortens that. */
      readonly wait?: number;
    }
  /** In order and once. */
  | ({ readonly type: "message" } & MessageEvent)
  /** A message that was shown as waiting can be read now, in its place. */
  | ({ readonly type: "message_readable" } & MessageEvent)
  /**
   * The history shows another message than before. `sender` is `user/device`; `expired`: it has
   * disappeared; `failed`: an own change of it was not accepted, and is taken back.
   */
  | {
      readonly type: "message_changed";
      readonly chat: string;
      readonly sender: string;
      readonly messageId: string;
      readonly what: "reaction" | "edit" | "deletion" | "expired" | "failed";
      readonly by: string | undefined;
    }
  /** A user has set this of the chat; `chats` has what counts. */
  | {
      readonly type: "chat_described";
      readonly chat: string;
      readonly what: "timer" | "chat_name" | "chat_picture";
      readonly by: string;
    }
  /** A user has another name or picture. */
  | { readonly type: "profile_changed"; readonly user: string }
  /** An own message reached `state`; every stage is reported, in order. */
  | {
      readonly type: "state";
      readonly chat: string;
      readonly messageId: string;
      readonly seq: number | undefined;
      readonly state: State;
      readonly text: string | undefined;
      readonly reason: string | undefined;
    }
  /** So many bytes of an own file are on their way; its message follows when all are there. */
  | {
      readonly type: "file_progress";
      readonly chat: string;
      readonly messageId: string;
      readonly done: number;
      readonly size: number;
    }
  /** An own file was not uploaded: for good, or it is tried again after a while. */
  | {
      readonly type: "file_failed";
      readonly chat: string;
      readonly messageId: string;
      readonly reason: string;
      readonly final: boolean;
    }
  /** The messages at these positions (inclusive) expired before this device could fetch them. */
  | {
      readonly type: "expired";
      readonly chat: string;
      readonly first: number;
      readonly last: number;
    }
  /**
   * A member has (delivered) or has read everything in the chat up to here. For this user it is
   * published when another device has shown more: messages that were unread here are read.
   */
  | {
      readonly type: "watermarks";
      readonly chat: string;
      readonly user: string;
      readonly delivered: number;
      readonly read: number;
    }
  /** Who came into a chat and who left it. Not reported of a chat that has just become known. */
  | {
      readonly type: "members";
      readonly chat: string;
      readonly joined: readonly string[];
      readonly left: readonly string[];
    }
  /** A user's list of devices is not what it was. */
  | { readonly type: "devices_changed"; readonly user: string }
  /** A device of a known user that was not there before; it is sent to. */
  | { readonly type: "device_added"; readonly user: string; readonly device: string }
  /** Nothing is sent to chats with the user until the change is accepted. */
  | { readonly type: "identity_changed"; readonly user: string; readonly device: string }
  /** Texts in this chat wait, because of these users' changed identities. */
  | { readonly type: "held"; readonly chat: string; readonly users: readonly string[] }
  /** An emoji comparison with another device has moved on. */
  | { readonly type: "comparison"; readonly chat: string; readonly comparison: Comparison }
  /** The server no longer shows this chat to this user. */
  | { readonly type: "chat_left"; readonly chat: string }
  /** The backend has lost its data, and this user was signed up again. Chats before are `left`. */
  | { readonly type: "began_anew" }
  /**
   * Nothing can be written on this device: there is no space. Reported once. What arrives is fetched
   * again, and what is written is tried again, until `store_working`.
   */
  | { readonly type: "store_failing"; readonly reason: string }
  /** The store can be written again. */
  | { readonly type: "store_working" }
  /** The same device connected elsewhere; this client stops. */
  | { readonly type: "displaced" }
  /** The tokens are no longer valid and there is no password to get new ones; the client stops. */
  | { readonly type: "signed_out"; readonly reason: string }
  /** An error frame that names no message. */
  | {
      readonly type: "server_error";
      readonly code: string;
      readonly message: string;
      readonly action: string | undefined;
    };

export type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

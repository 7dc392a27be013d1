/** The browser client's core: what a page needs of it. */

export { ChatClient, type Options } from "./client/chat-client.ts";
export type { ChatSummary, StoredMessage } from "./client/history.ts";
export type { Verification } from "./client/verification.ts";
export { EMOJI, type Emoji } from "./crypto/emoji.ts";
export type { KnownDevice } from "./crypto/identity.ts";
export type { Comparison, Stage } from "./crypto/sas.ts";
export {
  ApiError,
  ClientError,
  Closed,
  MessageTooLarge,
  StoreError,
  Unreachable,
} from "./errors.ts";
export type { Event, EventOf } from "./protocol/events.ts";
export { DEFAULTS, type Settings } from "./protocol/settings.ts";
export { State } from "./protocol/ticks.ts";
export type { Unreadable } from "./store/tables.ts";

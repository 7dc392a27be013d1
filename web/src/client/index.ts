/** The browser client's core: what a page needs of it. */

export type { KnownChat } from "./api.ts";
export { ChatClient } from "./chat-client.ts";
export type { Attachment, FileDescription, FileKind } from "./core/attachment.ts";
export type {
  Invitation,
  OwnDevice,
  SettingsResponse,
  WebPushSubscription,
} from "./core/bodies.generated.ts";
export {
  LONGEST_NAME,
  LONGEST_TEXT,
  LONGEST_TIME,
  type MessageContent,
  type Reference,
} from "./core/content.ts";
export type { Event, EventOf } from "./core/events.ts";
export { LONGEST_PICTURE, mayBeDrawn } from "./core/picture.ts";
export { DEFAULTS, type Settings } from "./core/settings.ts";
export { State, stage } from "./core/ticks.ts";
export type { Reaction } from "./core/view.ts";
export { EMOJI, type Emoji } from "./crypto/emoji.ts";
export type { KnownDevice } from "./crypto/identities.ts";
export { inGroups, type Offer, qrTextOf } from "./crypto/link.ts";
export type { Comparison, Stage } from "./crypto/sas.ts";
export {
  ApiError,
  CannotLink,
  CannotWrite,
  ClientError,
  Closed,
  FileDamaged,
  FileGone,
  MessageTooLarge,
  NotAMember,
  type NotLinked,
  Removed,
  StoreError,
  StoreUnavailable,
  Unreachable,
} from "./errors.ts";
export { type Linked, NewDevice } from "./linking.ts";
export type { ChatSummary, MemberMarks, Profile, Quote, StoredMessage } from "./store/history.ts";
export type { Unreadable } from "./store/tables.ts";
export type { Upload } from "./store/uploads.ts";
export { databaseOf, type Options } from "./this-device.ts";
export type { Verification } from "./verification.ts";
export type { Writing } from "./writing.ts";

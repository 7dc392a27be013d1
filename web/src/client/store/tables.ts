/**
 * The tables of a device. Rows are sealed. Keys and index values are not: names, ids and positions,
 * as the backend knows them, and when unsent texts were written and unreadable ones will be asked
 * for.
 */

import type { Introduction, WebPushSubscription } from "../core/bodies.generated.ts";
import type { MessageContent, Reference } from "../core/content.ts";
import type { Ranges, Watermarks } from "../core/frames.ts";
import { State } from "../core/ticks.ts";
import type { Content } from "../crypto/envelope.ts";
import type { Introduced, KnownDevice } from "../crypto/identities.ts";
import type { OutboundGroup } from "../crypto/rotation.ts";
import type { OlmSession } from "../crypto/sessions.ts";
import type { Key, Table } from "./database.ts";

/**
 * 2 has contents of other kinds than a text, 3 an index of profiles, 4 devices linked by this one, 5
 * indexes of a chat's unreadable texts.
 */
export const VERSION = 5;

export interface SessionRow {
  readonly user: string;
  readonly device: string;
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** The own one that was set here last; it may have been sent to nobody yet. */
  readonly profile?: SavedProfile;
}

export interface SavedProfile {
  readonly name: string | null;
  readonly picture: string | null;
  readonly at: number;
}

/** `pickle` holds all private keys of this device, under `pickleKey` (base64 of 32 random bytes). */
export interface AccountRow {
  readonly pickleKey: string;
  readonly pickle: string;
  /** Epoch ms by this device's clock. */
  readonly madeAt: number;
  /** Epoch ms by the backend's clock, as `sentAt`: what is older was not meant for this device. */
  readonly registeredAt?: number;
  /** When the fallback key was last replaced because it was used, epoch ms. */
  readonly replacedAt: number | undefined;
  /** What the device that linked this one has signed about it. */
  readonly introduction?: Introduction | undefined;
  /** Where this browser gets pushes. */
  readonly webPush?: WebPushSubscription | undefined;
}

export interface ChatRow {
  readonly chat: string;
  readonly kind: "direct" | "group" | undefined;
  readonly name: string | undefined;
  /** The backend does not list it (any more): the user is not in it. */
  readonly gone: boolean;
  readonly watermark: number;
  readonly read: number;
  /** What the server surely knows of it. */
  readonly reported: Watermarks;
  /** Entries, for a user name (`constructor`) is no safe key of an object. */
  readonly members: Members;
  /** The highest seq that was known when `members` were last listed; undefined: never listed. */
  readonly membersAsOf: number | undefined;
  /** Closed ranges of seqs: what this user sent there was hidden from the other one by a block. */
  readonly undelivered?: Ranges;
  /** A direct chat that a stranger has begun, and the user has not answered; undefined: not known. */
  readonly request?: boolean;
  /** Users whom this device has added, or invited. */
  readonly added?: readonly string[];
  /** For who came later: the seq at which the chat was last seen without them. */
  readonly joinedAfter: readonly (readonly [user: string, seq: number])[];
}

export type Members = readonly (readonly [user: string, marks: Watermarks])[];

/** Why a message is shown as waiting. */
export type Unreadable =
  | "no_payload" // its sender made none for this device
  | "no_session" // its session is not known here
  | "damaged" // the library rejected it
  | "replayed" // it was opened before, as another message
  | "false_sender" // the inside says otherwise than the frame
  | "unknown_device" // its sender's identity could not be asked yet
  | "identity_changed" // its sender shows another identity than before
  | "not_in_chat" // its sender is not one of the two whose direct chat this is
  | "unknown_algorithm";

export interface MessageRow {
  readonly chat: string;
  readonly seq: number | undefined;
  readonly messageId: string;
  readonly sender: string;
  readonly senderDevice: string;
  /** Epoch ms. */
  readonly sentAt: number | undefined;
  /** Of a message of this device: when `accepted` arrived, epoch ms by its own clock. */
  readonly acceptedAt: number | undefined;
  readonly alg: string;
  /** Undefined where there is nothing to show (yet). */
  readonly text: string | undefined;
  /** Undefined of a plain text. */
  readonly content?: MessageContent | undefined;
  /** The message that it changes. */
  readonly target?: Reference | undefined;
  /** It may be unread; so may whatever has no such field. */
  readonly counts?: boolean | undefined;
  /** Why its text was removed. */
  readonly gone?: "deleted" | "expired" | undefined;
  /** Seconds after which it disappears, and from when on, epoch ms by this device's clock. */
  readonly expires?: number | undefined;
  readonly countedFrom?: number | undefined;
  /** The state of an own message; undefined for others. */
  readonly state: State | undefined;
  readonly reason: string | undefined;
  /** Not to be shown: what changes others, keys, requests, and what was made for other devices only. */
  readonly hidden: boolean;
  /** Kept while it could not be opened. */
  readonly payload: string | undefined;
  readonly unreadable: Unreadable | undefined;
  /** How often its sender was asked for a copy, and when to ask (again), epoch ms. */
  readonly asked: number;
  readonly askAt: number | undefined;
  /** Of an own text: its place in the order of writing, and whether it is sealed. */
  readonly written: number | undefined;
  readonly sealed: boolean;
  /** Of an own text: which devices were sent it, and how often each was sent a copy. */
  readonly sentTo: readonly string[];
  readonly copies: Readonly<Record<string, number>>;
  /** Of an own text: users whom this device added when it was sealed, and not accepted yet. */
  readonly notFor: readonly string[];
}

/** What a frame carries decides what its `missing` devices still need. */
export type Purpose = "text" | "content" | "copy" | "room_key" | "request" | "sas";

export interface OutboxRow {
  readonly number: number;
  readonly messageId: string;
  readonly chat: string;
  readonly purpose: Purpose;
  /** The frame as it is sent each time, byte by byte. */
  readonly frame: string;
}

/** What one device is to be sent: a copy of a text, or a step of an emoji comparison. */
export interface ToDeviceRow {
  readonly chat: string;
  readonly device: string;
  /** Of a copy the text's; of a step one that says its place in the order. */
  readonly messageId: string;
  /** Undefined of a copy: the text is looked up when the copy is made. */
  readonly content: ToDeviceContent | undefined;
  /** After this it is dropped, ms on the clock of the steps. */
  readonly until: number | undefined;
  /** Of a copy: the device could not read the text, so it was announced before. */
  readonly asked: boolean;
}

type ToDeviceContent = Extract<Content, { kind: "sas" | "content" }>;

export interface InboundGroupRow {
  readonly chat: string;
  readonly id: string;
  readonly pickle: string;
  readonly firstIndex: number;
  /** Which device sent the key, `user/device`: nobody else may speak through it. */
  readonly sender: string;
  readonly ed25519: string;
}

/** Megolm opens an index as often as one likes: what it first opened is remembered. */
export interface SeenIndexRow {
  readonly session: string;
  readonly index: number;
  readonly messageId: string;
}

function table<Row>(
  name: string,
  key: (row: Row) => Key,
  options: Partial<Pick<Table<Row>, "indexes" | "cached" | "filled">> = {},
): Table<Row> {
  return { indexes: {}, cached: false, ...options, name, key };
}

export const ONLY = "only";

export const session = table<SessionRow>("session", () => ONLY, { cached: true });
export const account = table<AccountRow>("account", () => ONLY, { cached: true });
export const chats = table<ChatRow>("chats", (row) => row.chat, { cached: true });
export const messages = table<MessageRow>(
  "messages",
  (row) => [row.chat, row.sender, row.senderDevice, row.messageId],
  {
    indexes: {
      place: (row) => (row.seq === undefined ? undefined : [row.chat, row.seq]),
      id: (row) => [row.messageId, row.sender, row.senderDevice],
      ticking: (row) =>
        row.seq !== undefined &&
        !row.hidden &&
        (row.state === State.SENT || row.state === State.DELIVERED)
          ? [row.chat, row.state, row.seq]
          : undefined,
      unsealed: (row) => (row.sealed ? undefined : row.written),
      unplaced: (row) =>
        row.seq === undefined && row.written !== undefined ? [row.chat, row.written] : undefined,
      askAt: (row) => row.askAt,
      // What is looked for at each message that comes, however many wait.
      waiting: ({ chat, seq, askAt }) =>
        askAt === undefined || seq === undefined ? undefined : [chat, seq],
      toAsk: ({ chat, askAt }) => (askAt === undefined ? undefined : [chat, askAt]),
      target: (row) => row.target && [row.chat, row.target.by, row.target.id],
      kind: (row) => row.content && [row.content.kind, row.chat],
      profile: ({ content, sender }) => (content?.kind === "profile" ? [sender] : undefined),
      uncounted: ({ chat, seq, expires, countedFrom, gone }) =>
        seq === undefined || expires === undefined || countedFrom !== undefined || gone
          ? undefined
          : [chat, seq],
      expiring: ({ countedFrom, expires = 0 }) =>
        countedFrom === undefined ? undefined : countedFrom + expires * 1000,
      unreadable: (row) =>
        row.unreadable === undefined || row.seq === undefined
          ? undefined
          : [row.sender, row.senderDevice, row.chat, row.seq],
    },
    // Version 5, of rows of before.
    filled: {
      from: "askAt",
      values: ({ place, askAt }, key) => ({ waiting: place, toAsk: [(key as Key[])[0], askAt] }),
    },
  },
);
export const outbox = table<OutboxRow>("outbox", (row) => row.number);
// "owed" is the name of a table in databases that exist, whose rows are copies.
export const toDevice = table<ToDeviceRow>("owed", (row) => [row.chat, row.device, row.messageId]);
export const missing = table<{ chat: string; first: number; last: number }>("missing", (row) => [
  row.chat,
  row.first,
]);
export const knownDevices = table<KnownDevice>("known_devices", (row) => [row.user, row.device]);
/** Devices that this one has linked: verified once the directory lists them with these keys. */
export const introduced = table<Introduced>("introduced", (row) => [row.user, row.device]);
export const olmSessions = table<OlmSession>(
  "olm_sessions",
  (row) => [row.chat, row.device, row.id],
  { indexes: { device: (row) => [row.device] } },
);
/** Every session id this device ever took part in: what starts one again is a replay. */
export const knownSessions = table<{ id: string }>("known_sessions", (row) => row.id);
export const outboundGroups = table<OutboundGroup>("outbound_groups", (row) => row.chat);
export const inboundGroups = table<InboundGroupRow>("inbound_groups", (row) => [
  row.chat,
  row.sender,
  row.id,
]);
export const seenIndexes = table<SeenIndexRow>("seen_indexes", (row) => [row.session, row.index]);

export const TABLES: readonly Table<never>[] = [
  session,
  account,
  chats,
  messages,
  outbox,
  toDevice,
  missing,
  knownDevices,
  introduced,
  olmSessions,
  knownSessions,
  outboundGroups,
  inboundGroups,
  seenIndexes,
];

/** All keys that begin with `prefix`: arrays sort behind strings and numbers. */
export function startingWith(...prefix: readonly (string | number)[]): IDBKeyRange {
  return IDBKeyRange.bound(prefix, [...prefix, []]);
}

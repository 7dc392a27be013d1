/**
 * The interface between the engine and encryption. The ratchets are behind `Cipher`.
 *
 * Every method is called inside the transaction that stores what it leads to, so that ratchet state
 * moves with the message it belongs to.
 */

import type { Listed, Seen } from "../crypto/identities.ts";
import type { Opened } from "../crypto/opening.ts";
import type { Recipient } from "../crypto/sessions.ts";
import type { ChatRow, MessageRow, OutboxRow, Purpose } from "../store/tables.ts";
import type { ClaimedKey, FormerDevice, SignedDevice } from "./bodies.generated.ts";
import type { MessageContent } from "./content.ts";
import type { Message } from "./frames.ts";
import type { ToDeviceContent } from "./outputs.ts";

// -- what is asked of the backend

/** Ask for the devices of `user`. */
export interface Lists {
  readonly type: "lists";
  readonly number: number;
  readonly user: string;
}

/**
 * Claim a key of each of these devices, for sessions in `chat`. `asking`: the session is for saying
 * that a message of that device can't be read.
 */
export interface Claims {
  readonly type: "claims";
  readonly number: number;
  readonly chat: string;
  readonly devices: readonly string[];
  readonly asking: boolean;
}

/** Ask for the list of chats: it says of what kind `chat` is, and who is in it. */
export interface Chats {
  readonly type: "chats";
  readonly number: number;
  readonly chat: string;
}

export type Request = Lists | Claims | Chats;

/**
 * A user's devices, and those that were removed or had other keys before: entries of a response of
 * the directory, unchecked.
 */
export interface Listing {
  readonly devices: ReadonlyMap<string, SignedDevice>;
  readonly former: readonly FormerDevice[];
}
/** By `user/device`, and likewise. */
export type Claimed = ReadonlyMap<string, ClaimedKey>;

export type FetchResult =
  | { readonly type: "lists"; readonly request: Lists; readonly found: Listing }
  | {
      readonly type: "claims";
      readonly request: Claims;
      readonly found: Claimed;
      /** Of claims that the backend did not take now, ms. */
      readonly retryAfter?: number;
    }
  | { readonly type: "chats"; readonly request: Chats };

/** The devices of a user, if that list is up to date. */
export type Fresh = (user: string) => Listed | undefined;

// -- sending

/** One `send` frame. */
export interface Outgoing {
  readonly messageId: string;
  readonly purpose: Purpose;
  readonly frame: string;
}

/** Users of a chat, by the directory and by what this device trusts. */
export interface Audience {
  readonly chat: ChatRow;
  /** Users whose device lists are not up to date. */
  readonly missing: readonly string[];
  /** Listed and trusted, by `user/device`; this device is not among them. */
  readonly devices: ReadonlyMap<string, Recipient>;
  /** Users whose changed identities wait for acceptance. */
  readonly blocked: readonly string[];
}

/** Names of devices that are left out now. */
export type Tried = Pick<ReadonlySet<string>, "has">;

/**
 * What has to be fetched from the key directory, or decided by the user, before a text can be
 * sealed in a chat.
 */
export interface Wants {
  readonly lists: readonly string[];
  readonly claims: readonly string[];
  readonly blocked: readonly string[];
}

/**
 * `done`: the text is among the frames; else they have to be accepted before it is sealed, or there
 * is nobody yet to seal it for.
 */
export interface Sealing {
  readonly frames: readonly Outgoing[];
  readonly done: boolean;
}

/** What a new device list says. */
export interface Found {
  readonly listed: Listed;
  /** Devices whose identity is another one in the memory now, announced or not. */
  readonly learned: readonly string[];
  readonly added: readonly string[];
  readonly changed: readonly string[];
}

export interface Cipher {
  // -- texts

  /** Raises MessageTooLarge if it would not fit into a frame. */
  check(content: MessageContent): void;
  audience(chat: ChatRow, users: readonly string[], fresh: Fresh): Promise<Audience>;
  /** `tried`: devices that have no key to claim now; they are left out. */
  wants(audience: Audience, tried: Tried): Promise<Wants>;
  /** To be called when nothing is wanted. */
  seal(draft: MessageRow, audience: Audience): Promise<Sealing>;
  /** Queues a copy for devices that did not receive the message. */
  queueCopies(chat: string, messageId: string, devices: readonly string[]): Promise<void>;
  /** Of these devices those that have not been sent the key of the group's session. */
  withoutKey(chat: string, devices: readonly string[]): Promise<string[]>;
  /** The backend will never take this frame. */
  failed(sent: OutboxRow): Promise<void>;

  // -- what single devices get

  /** Drops what is of comparisons that nobody knows of any more; the chats in which the rest is. */
  restore(): Promise<Set<string>>;
  /** The devices for which to-device messages are queued. */
  devicesToSendTo(chat: string): Promise<Set<string>>;
  /** Queues something for one device; it is dropped after `until`. */
  queueToDevice(
    chat: string,
    device: string,
    content: ToDeviceContent,
    until?: number,
  ): Promise<void>;
  toDeviceWants(audience: Audience, tried: Tried): Promise<Wants>;
  /** The to-device messages that can be sealed; those that never can are dropped. */
  sealToDevice(audience: Audience): Promise<Outgoing[]>;
  /** Asks for texts that can't be read, on the newest session with their sender. */
  ask(chat: string, to: Recipient, messages: readonly MessageRow[]): Promise<Outgoing>;
  /**
   * The sender of `message` could not read these texts, and perhaps lacks the group's key, or has seen
   * that this session of it repeats.
   */
  requested(message: Message, messageIds: readonly string[], repeats?: string): Promise<void>;

  /**
   * Ends the chat's sessions of this store, an older copy whose sessions were used since: nothing
   * more is encrypted with them. True if there were any with other devices.
   */
  renew(chat: string): Promise<boolean>;

  // -- the directory's responses

  learn(user: string, found: Listing): Promise<Found>;
  /** The devices among those asked for with which there is a new session now, by name. */
  claimed(request: Claims, found: Claimed): Promise<ReadonlyMap<string, Recipient>>;
  /**
   * The user of this device accepts these identities of `user`, as far as the devices show them now;
   * gives the devices.
   */
  accept(user: string, keys: Listed): Promise<string[]>;
  /**
   * People have compared what was `seen`: all are accepted and verified; gives the devices that
   * waited for that. Undefined, and nothing has changed, where the devices are others by now.
   */
  compared(user: string, seen: Seen): Promise<string[] | undefined>;

  // -- messages that arrive

  open(message: Message): Promise<Opened>;
}

/** Messages between the tabs of one device: calls of its client, and events. */

import {
  ApiError,
  CannotLink,
  CannotWrite,
  ClientError,
  Closed,
  type Comparison,
  type Event,
  FileDamaged,
  FileGone,
  MessageTooLarge,
  NotAMember,
  Removed,
  StoreUnavailable,
  Unreachable,
} from "../../client/index.ts";
import type { Draft } from "./drafts.ts";
import type { Link } from "./link.ts";

export interface Presence {
  readonly online: boolean;
  readonly lastSeen: number | undefined;
}

export interface Ongoing {
  readonly chat: string;
  readonly comparison: Comparison;
}

/** The state of the session that is in no store: a tab that joins begins with it. */
export interface Snapshot {
  readonly link: Link;
  readonly problem: string | undefined;
  readonly presence: ReadonlyMap<string, Presence>;
  readonly comparisons: ReadonlyMap<string, Ongoing>;
  readonly changedKeys: ReadonlySet<string>;
  readonly storeFailing: boolean;
  readonly drafts: ReadonlyMap<string, Draft>;
}

/** A call of the client, with its number in the tab that makes it. */
export interface Call {
  readonly type: "call";
  readonly id: number;
  /** The method of the client, or of a part of it: ["people", "add"]. */
  readonly path: readonly string[];
  readonly args: readonly unknown[];
  /** It reports how far it is. */
  readonly reports: boolean;
}

/** A change that a tab has made, for the other tabs. */
export type Change =
  | { readonly type: "draft"; readonly chat: string; readonly draft: Draft }
  | { readonly type: "wrote"; readonly chat: string; readonly what: "tail" | "all" }
  /** No changed keys of the user wait to be accepted any more. */
  | { readonly type: "accepted"; readonly user: string };

export type ToHolder = Call | Change;

export type ToGuest =
  | Change
  /** `holder`: a name of the tab that has the device. */
  | { readonly type: "joined"; readonly holder: string; readonly now: Snapshot }
  | { readonly type: "event"; readonly event: Event }
  | { readonly type: "link"; readonly link: Link }
  | { readonly type: "report"; readonly id: number; readonly args: readonly unknown[] }
  | { readonly type: "returned"; readonly id: number; readonly value: unknown }
  | { readonly type: "raised"; readonly id: number; readonly error: Raised }
  /** Sent by a tab to itself: everything that was sent to it before arrives before this. */
  | { readonly type: "echo" }
  /** The user has left: this browser is no device any more. */
  | { readonly type: "left" };

/** Messages to all tabs: a tab wants to join, or a tab has the device from now on. */
export type ToAll = { readonly type: "join"; readonly guest: string } | { readonly type: "here" };

/** An error without its class, which no channel carries. */
export interface Raised {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const ERRORS = {
  ApiError,
  CannotLink,
  CannotWrite,
  ClientError,
  Closed,
  FileDamaged,
  FileGone,
  MessageTooLarge,
  NotAMember,
  RangeError,
  Removed,
  StoreUnavailable,
  Unreachable,
} as const;

export function toRaised(error: unknown): Raised {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), fields: {} };
  const fields = Object.fromEntries(
    Object.entries(error).filter(([, value]) => ["string", "number"].includes(typeof value)),
  );
  return { name: error.name, message: error.message, fields };
}

/** The error, of its own class where that is one of the client's. */
export function fromRaised({ name, message, fields }: Raised): Error {
  const kind = Object.entries(ERRORS).find(([each]) => each === name)?.[1] ?? Error;
  const error = Object.create(kind.prototype) as Error;
  return Object.defineProperties(error, {
    ...Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, { value, enumerable: true }]),
    ),
    name: { value: name },
    message: { value: message },
  });
}

/** The channel of all tabs of a device, and that between one of them and the holder. */
export const channelOf = (database: string) => `switchboard.tabs/${database}`;
export const guestChannelOf = (database: string, guest: string) =>
  `${channelOf(database)}/${guest}`;

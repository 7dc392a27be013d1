/** Answers of the REST side from JSON to types. What has another form raises FrameError. */

import {
  count,
  type Fields,
  FrameError,
  list,
  number,
  object,
  optional,
  text,
} from "./core/parsing.ts";

/** Opens one WebSocket. */
export interface Ticket {
  readonly ticket: string;
  readonly url: string;
  /** Milliseconds; the wire has seconds. */
  readonly reconnectWindow: number | undefined;
}

export interface SignedDevice {
  readonly keys: { readonly curve25519: string; readonly ed25519: string };
  readonly signature: string;
}

export interface ClaimedKey {
  readonly id: string;
  readonly key: string;
  readonly signature: string;
  readonly fallback: boolean;
}

export interface ListedChat {
  readonly chat: string;
  readonly kind: "direct" | "group";
  readonly members: readonly string[];
}

export function ticket(answer: Fields): Ticket {
  return {
    ticket: text(answer.ticket),
    url: text(answer.url),
    reconnectWindow: optional(answer.reconnect_window, (value) => 1_000 * number(value)),
  };
}

/** By the device's name. An entry that is none is passed over, so that it costs nobody else. */
export function devices(answer: Fields): Map<string, SignedDevice> {
  return sound(answer.devices, (entry) => {
    const keys = object(entry.keys);
    return {
      keys: { curve25519: text(keys.curve25519), ed25519: text(keys.ed25519) },
      signature: text(entry.signature),
    };
  });
}

/** By `user/device`, and likewise. */
export function claimed(answer: Fields): Map<string, ClaimedKey> {
  return sound(answer.keys, ({ id, key, signature, fallback }) => ({
    id: text(id),
    key: text(key),
    signature: text(signature),
    fallback: fallback === true,
  }));
}

export function remaining(answer: Fields): number {
  return count(answer.remaining);
}

export function chat(answer: Fields): { chat: string; members: string[] } {
  return { chat: text(answer.chat), members: members(answer) };
}

export function members(answer: Fields): string[] {
  return list(answer.members).map(text);
}

/** One page of the user's chats. Those of a kind that this client does not know are passed over. */
export function chats(answer: Fields): { chats: ListedChat[]; cursor: string | undefined } {
  const listed = list(answer.chats)
    .map(object)
    .flatMap((entry): ListedChat[] => {
      const { kind } = entry;
      return kind === "direct" || kind === "group" ? [{ kind, ...chat(entry) }] : [];
    });
  return { chats: listed, cursor: optional(answer.cursor, text) };
}

function sound<T>(value: unknown, of: (entry: Fields) => T): Map<string, T> {
  const found = new Map<string, T>();
  for (const [name, entry] of Object.entries(object(value))) {
    try {
      found.set(name, of(object(entry)));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
  }
  return found;
}

/** Responses in which this client passes over single entries. All else is generated. */

import {
  type ClaimedKey,
  type ListedChat,
  parseClaimedKey,
  parseListedChat,
  parseSignedDevice,
  type SignedDevice,
} from "./core/bodies.generated.ts";
import { type Fields, FrameError, listOf, mapping, optional, text } from "./core/fields.ts";

export interface KnownChat extends ListedChat {
  readonly kind: "direct" | "group";
}

/** By the device's name. An entry that is none is passed over, so that it costs nobody else. */
export function devices(response: Fields): Map<string, SignedDevice> {
  return sound(response.devices, parseSignedDevice);
}

/** By `user/device`, and likewise. */
export function claimed(response: Fields): Map<string, ClaimedKey> {
  return sound(response.keys, parseClaimedKey);
}

/** One page of the user's chats. Those of a kind that this client does not know are passed over. */
export function chats(response: Fields): { chats: KnownChat[]; cursor: string | undefined } {
  const known = listOf(mapping)(response.chats).flatMap((entry): KnownChat[] => {
    const { kind } = entry;
    return kind === "direct" || kind === "group" ? [{ ...parseListedChat(entry), kind }] : [];
  });
  return { chats: known, cursor: optional(text, undefined)(response.cursor) };
}

function sound<T>(value: unknown, read: (entry: unknown) => T): Map<string, T> {
  const found = new Map<string, T>();
  for (const [name, entry] of Object.entries(mapping(value))) {
    try {
      found.set(name, read(entry));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
  }
  return found;
}

/** One content for many devices, as `send` frames that stay under the limit. */

import type { Content } from "../crypto/envelope.ts";
import { OLM } from "../crypto/payload.ts";
import { payloadLength, type Recipient, sealFor } from "../crypto/sealing.ts";
import type { Self } from "../device.ts";
import { SEND_LIMIT_BYTES, send } from "../protocol/frames.ts";
import type { Work } from "../store/store.ts";

// Everything of a frame but its payloads.
const FRAME_BYTES = 300;
const ENTRY_BYTES = 6; // quotes, colon, comma

export interface Packed {
  readonly messageId: string;
  readonly frame: string;
  readonly devices: readonly string[];
}

/** What goes into the first frame and what into the further ones, each with an id of its own. */
export interface Parcel {
  readonly chat: string;
  readonly urgent: boolean;
  readonly first: { readonly messageId: string; readonly content: Content };
  readonly further: () => { messageId: string; content: Content };
}

/** How long a frame gets with it for one device, at most, and how long it may get. */
export function roomFor(self: Self, content: Content): { size: number; limit: number } {
  const place = { chat: "x".repeat(64), messageId: "x".repeat(36) };
  const to = { name: "x".repeat(32 + 1 + 64), keys: self.keys };
  const length = payloadLength(self, place, to, content);
  return { size: FRAME_BYTES + to.name.length + length, limit: SEND_LIMIT_BYTES };
}

/** Sealed frames for `recipients`, all of whom have sessions, in their order. */
export async function pack(
  work: Work,
  self: Self,
  parcel: Parcel,
  recipients: readonly Recipient[],
): Promise<Packed[]> {
  const packed: Packed[] = [];
  let rest = recipients;
  while (rest.length > 0) {
    const { messageId, content } = packed.length === 0 ? parcel.first : parcel.further();
    const place = { chat: parcel.chat, messageId };
    const to: Record<string, string> = {};
    let size = FRAME_BYTES;
    for (const recipient of rest) {
      size += recipient.name.length + ENTRY_BYTES + payloadLength(self, place, recipient, content);
      if (size > SEND_LIMIT_BYTES && Object.keys(to).length > 0) break;
      to[recipient.name] = await sealFor(work, self, place, recipient, content);
    }
    const frame = JSON.stringify(send(messageId, parcel.chat, OLM, to, parcel.urgent));
    packed.push({ messageId, frame, devices: Object.keys(to) });
    rest = rest.slice(Object.keys(to).length);
  }
  return packed;
}

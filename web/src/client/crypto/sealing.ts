/**
 * Sealing inside one `Work`: for a device by its Olm session, for a group by this device's Megolm
 * session. Nothing here makes requests; the caller has started the sessions before.
 */

import type { MessageContent } from "../core/content.ts";
import { SEND_LIMIT_BYTES, send } from "../core/frames.ts";
import { contentOf } from "../store/changes.ts";
import type { Work } from "../store/store.ts";
import type { MessageRow } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import {
  asEnvelope,
  type Content,
  megolmPayload,
  OLM,
  olmPayload,
  type Self,
  sealable,
} from "./envelope.ts";
import { paddedSize, utf8Length } from "./padding.ts";
import { type OutboundGroup, used } from "./rotation.ts";
import { type Recipient, sessionsWith, toEncrypt } from "./sessions.ts";

/** Where a message stands: its chat and its own id. */
export interface Place {
  readonly chat: string;
  readonly messageId: string;
}

/** The payload for one device. `fresh`: on the newest session, for the older ones may be lost. */
export async function sealFor(
  work: Work,
  self: Self,
  place: Place,
  to: Recipient,
  content: Content,
  fresh = false,
): Promise<string> {
  const sessions = await sessionsWith(work, place.chat, to.name);
  const session = fresh ? sessions.toSorted((a, b) => b.made - a.made)[0] : toEncrypt(sessions);
  if (session === undefined) throw new RangeError(`there is no session with ${to.name}`);
  const { session: pickle, message } = self.ratchets.encrypt(
    session.pickle,
    sealable(olmBinding(self, place, to), content),
  );
  work.put(tables.olmSessions, { ...session, pickle });
  return olmPayload(message);
}

/** A new Megolm session for the chat; nobody has its key yet. */
export function beginGroup(work: Work, self: Self, chat: string, time: number): OutboundGroup {
  const { group: pickle, id } = self.ratchets.newGroup();
  const group: OutboundGroup = {
    chat,
    id,
    pickle,
    madeAt: time,
    messages: 0,
    shared: {},
    again: [],
    refused: [],
  };
  work.put(tables.outboundGroups, group);
  return group;
}

/** What `room_key` says of the session as it stands. */
export function groupKey(self: Self, group: OutboundGroup): Content {
  return { kind: "room_key", session_id: group.id, key: self.ratchets.groupKey(group.pickle) };
}

/** The payload for everybody who has the session's key. */
export function sealForGroup(
  work: Work,
  self: Self,
  place: Place,
  group: OutboundGroup,
  content: Content,
): string {
  const text = sealable(groupBinding(self, place), content);
  const { group: pickle, body } = self.ratchets.groupEncrypt(group.pickle, text);
  work.put(tables.outboundGroups, used(group, pickle));
  return megolmPayload(group.id, body);
}

/** At most how long the payload for a device will be. */
export function payloadLength(self: Self, place: Place, to: Recipient, content: Content): number {
  const size = utf8Length(sealable(olmBinding(self, place, to), content));
  return base64Length(paddedSize(size) + OLM_OVERHEAD) + 2;
}

// A type 0 message: three keys, the inner message's key, counter, block padding, MAC, and tags.
const OLM_OVERHEAD = 192;

function base64Length(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

function olmBinding(self: Self, { chat, messageId }: Place, to: Recipient) {
  return {
    chat,
    id: messageId,
    from: self.name,
    from_key: self.keys.ed25519,
    to: to.name,
    to_key: to.keys.ed25519,
  };
}

function groupBinding(self: Self, { chat, messageId }: Place) {
  return { chat, id: messageId, from: self.name, from_key: self.keys.ed25519 };
}

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
  readonly hidden: boolean;
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
    const frame = JSON.stringify(send(messageId, parcel.chat, OLM, to, parcel.hidden));
    packed.push({ messageId, frame, devices: Object.keys(to) });
    rest = rest.slice(Object.keys(to).length);
  }
  return packed;
}

/** Of a draft that was withdrawn meanwhile. */
export const NOTHING: MessageContent = { kind: "text", text: "" };

export function envelopeOf(row: MessageRow): Content {
  return asEnvelope(contentOf(row) ?? NOTHING);
}

export type Copy = Extract<Content, { kind: "copy" }>;

export function copyOf(of: string, content: MessageContent, sentAt: number): Copy {
  const { kind: _, ...fields } = asEnvelope(content);
  return { kind: "copy", of, ...fields, sent_at: sentAt };
}

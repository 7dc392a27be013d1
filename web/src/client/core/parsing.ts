/** Server frames from text to types. Unknown types and unknown fields are let pass. */

import type { Message, Range, ServerFrame, SyncedChat, Watermarks } from "./frames.ts";

/** What the server says does not have the fields that it should have. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export type Fields = Readonly<Record<string, unknown>>;

/**
 * The frame in `text`, or undefined for a type this client does not know.
 *
 * Raises FrameError when the text is not a JSON object or a field has the wrong type.
 */
export function parse(text: string): ServerFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError("not JSON");
  }
  const frame = object(value);
  if (frame.type === undefined && "requestId" in frame) {
    // API Gateway's own: the function failed, timed out or was throttled
    return {
      type: "error",
      code: "internal",
      message: String(frame.message ?? ""),
      messageId: undefined,
      action: undefined,
    };
  }
  return build(frame);
}

function build(frame: Fields): ServerFrame | undefined {
  switch (frame.type) {
    case "accepted":
      return {
        type: "accepted",
        messageId: text(frame.message_id),
        chat: text(frame.chat),
        seq: position(frame.seq),
        sentAt: count(frame.sent_at),
        missing: names(frame.missing),
        stale: names(frame.stale),
      };
    case "message":
      return message(frame);
    case "receipt":
      return {
        type: "receipt",
        chat: text(frame.chat),
        user: text(frame.user),
        ...watermarks(frame),
      };
    case "synced":
      return {
        type: "synced",
        chats: mapped(frame.chats, syncedChat),
        more: frame.more === true,
        retryAfter: optional(frame.retry_after, (value) => 1_000 * number(value)),
      };
    case "nudge":
      return { type: "nudge", chat: text(frame.chat), seq: position(frame.seq) };
    case "presence":
      return {
        type: "presence",
        user: text(frame.user),
        online: frame.online === true,
        lastSeen: optional(frame.last_seen, count),
      };
    case "typing":
      return { type: "typing", chat: text(frame.chat), user: text(frame.user) };
    case "devices_changed":
      return {
        type: "devices_changed",
        user: text(frame.user),
        chat: optional(frame.chat, text),
      };
    case "keys_low":
      return {
        type: "keys_low",
        remaining: count(frame.remaining),
        fallbackUsed: frame.fallback_used === true,
      };
    case "displaced":
      return { type: "displaced" };
    case "pong":
      return { type: "pong" };
    case "error":
      return {
        type: "error",
        code: text(frame.code),
        message: String(frame.message ?? ""),
        messageId: optional(frame.message_id, text),
        action: optional(frame.action, text),
      };
    default:
      return undefined;
  }
}

function message(frame: Fields): Message {
  const sender = text(frame.sender);
  const device = text(frame.sender_device);
  return {
    type: "message",
    chat: text(frame.chat),
    seq: position(frame.seq),
    messageId: text(frame.message_id),
    sender,
    // The device's own name: `phone`, also where the frame says `raju/phone`.
    senderDevice: device.startsWith(`${sender}/`) ? device.slice(sender.length + 1) : device,
    sentAt: count(frame.sent_at),
    alg: text(frame.alg),
    payload: optional(frame.payload, text),
  };
}

function syncedChat(value: unknown): SyncedChat {
  const place = object(value);
  return {
    seq: count(place.seq),
    completeTo: count(place.complete_to),
    missing: optional(place.missing, ranges) ?? [],
    members: mapped(place.members ?? {}, (each) => watermarks(object(each))),
  };
}

function watermarks(fields: Fields): Watermarks {
  return { delivered: count(fields.delivered ?? 0), read: count(fields.read ?? 0) };
}

export function object(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(value);
  return value as Fields;
}

/** A map, for the names in it are anybody's choice. */
export function mapped<T>(value: unknown, of: (value: unknown) => T): Map<string, T> {
  return new Map(Object.entries(object(value)).map(([name, each]) => [name, of(each)]));
}

export function optional<T>(value: unknown, of: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : of(value);
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw wrong(value);
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(value);
  return value;
}

export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || number(value) < 0) throw wrong(value);
  return number(value);
}

function position(value: unknown): number {
  if (count(value) === 0) throw wrong(value); // positions start at 1
  return count(value);
}

function names(value: unknown): string[] {
  return optional(value, list)?.map(text) ?? [];
}

function ranges(value: unknown): Range[] {
  return list(value).map((range) => {
    const [first, last] = list(range);
    return [position(first), position(last)];
  });
}

export function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw wrong(value);
  return value;
}

function wrong(value: unknown): FrameError {
  return new FrameError(`a field has a wrong value: ${JSON.stringify(value)}`);
}

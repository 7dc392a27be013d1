/** The envelope inside an encrypted message: made, padded, read and checked against its frame. */

import { isPlain, type MessageContent, parse, written } from "../core/content.ts";
import type { IdentityKeys, OlmMessage, Ratchets } from "./olm.ts";
import { pad } from "./padding.ts";

export type Content =
  | { readonly kind: "text"; readonly text: string }
  /** What people wrote, if it is more than a text. */
  | { readonly kind: "content"; readonly content: MessageContent }
  /** Of what people wrote; it has one of the two. */
  | {
      readonly kind: "copy";
      readonly of: string;
      readonly text?: string;
      readonly content?: MessageContent;
      readonly sent_at: number;
    }
  | { readonly kind: "room_key"; readonly session_id: string; readonly key: string }
  /** `repeats`: the group session of which an index came twice. */
  | { readonly kind: "request"; readonly of: readonly string[]; readonly repeats?: string }
  | { readonly kind: "sas"; readonly txn: string; readonly step: SasStep };

export type SasStep =
  | { readonly step: "start"; readonly methods: readonly string[] }
  | { readonly step: "accept"; readonly commitment: string }
  | { readonly step: "key"; readonly key: string }
  | { readonly step: "mac"; readonly macs: { readonly ed25519: string } }
  | { readonly step: "done" }
  | { readonly step: "cancel"; readonly reason: string };

/** Who says it to whom. `to` and `to_key` are absent where one message goes to all (Megolm). */
export interface Binding {
  readonly chat: string;
  readonly id: string;
  readonly from: string;
  readonly from_key: string;
  readonly to?: string;
  readonly to_key?: string;
}

/** Kinds whose `text` people read. */
const SHOWN: ReadonlySet<unknown> = new Set(["text", "content", "copy"]);

/** The padded plaintext. */
export function sealable(binding: Binding, content: Content): string {
  return pad(JSON.stringify({ v: 1, ...binding, ...onWire(content) }));
}

function onWire(content: Content): object {
  switch (content.kind) {
    case "sas": // the fields of a step stand beside the others
      return { kind: content.kind, txn: content.txn, ...content.step };
    case "content":
      return { kind: content.kind, content: written(content.content) };
    case "copy":
      return content.content === undefined
        ? content
        : { ...content, content: written(content.content) };
    default:
      return content;
  }
}

/** A plain text is sent as clients that know no other content do. */
export function asEnvelope(
  content: MessageContent,
): Extract<Content, { kind: "text" | "content" }> {
  return isPlain(content) ? { kind: "text", text: content.text } : { kind: "content", content };
}

/** What people wrote, in an envelope of these kinds. */
export function saidIn({
  text = "",
  content,
}: {
  readonly text?: string;
  readonly content?: MessageContent;
}): MessageContent {
  return content ?? { kind: "text", text };
}

/** No envelope, or one that says it comes from elsewhere, or goes elsewhere, than its frame. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
}

/**
 * The content, or undefined for one that this client does not know.
 *
 * Raises EnvelopeError unless every field of `expected` is as there.
 */
export function unsealed(plaintext: string, expected: Binding): Content | undefined {
  const envelope = parseObject(plaintext);
  if (envelope.v !== 1) throw new EnvelopeError("an envelope of another version");
  for (const [name, value] of Object.entries(expected)) {
    if (envelope[name] !== value) throw new EnvelopeError(`\`${name}\` is not that of the frame`);
  }
  if (typeof envelope.kind !== "string") throw wrong("kind");
  const sound = whole(envelope, SHOWN.has(envelope.kind));
  try {
    return contentOf(sound);
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined; // a kind that is known, in no form that is
    throw error;
  }
}

function parseObject(plaintext: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(plaintext);
  } catch {
    throw new EnvelopeError("not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new EnvelopeError("not an object");
  }
  return value as Record<string, unknown>;
}

/**
 * Without half characters, which have no UTF-8 and mean nothing: in a text that is shown they are
 * replaced, anywhere else the envelope is rejected.
 */
function whole(envelope: Record<string, unknown>, shown: boolean): Record<string, unknown> {
  const mended = shown ? withWholeText(envelope) : envelope;
  const { content } = mended;
  const inside = typeof content === "object" && content !== null && !Array.isArray(content);
  const sound =
    shown && inside
      ? { ...mended, content: withWholeText(content as Record<string, unknown>) }
      : mended;
  if (!isWhole(sound)) throw new EnvelopeError("half a character");
  return sound;
}

function withWholeText(fields: Record<string, unknown>): Record<string, unknown> {
  const { text } = fields;
  return typeof text === "string" ? { ...fields, text: text.toWellFormed() } : fields;
}

/** Without recursion: an envelope may be nested deeper than calls may. */
function isWhole(value: unknown): boolean {
  const left = [value];
  for (const each of left) {
    if (typeof each === "string" && !each.isWellFormed()) return false;
    if (typeof each === "object" && each !== null) {
      left.push(...Object.keys(each), ...Object.values(each));
    }
  }
  return true;
}

function contentOf(envelope: Record<string, unknown>): Content | undefined {
  switch (envelope.kind) {
    case "text":
      return { kind: "text", text: text(envelope, "text") };
    case "content":
      if (!("content" in envelope)) throw wrong("content");
      return { kind: "content", content: parse(envelope.content) };
    case "copy": {
      const of = text(envelope, "of");
      const sent_at = count(envelope, "sent_at");
      return "content" in envelope
        ? { kind: "copy", of, content: parse(envelope.content), sent_at }
        : { kind: "copy", of, text: text(envelope, "text"), sent_at };
    }
    case "room_key":
      return {
        kind: "room_key",
        session_id: text(envelope, "session_id"),
        key: text(envelope, "key"),
      };
    case "request":
      return typeof envelope.repeats === "string"
        ? { kind: "request", of: texts(envelope, "of"), repeats: envelope.repeats }
        : { kind: "request", of: texts(envelope, "of") };
    case "sas": {
      const step = sasStep(envelope);
      return step && { kind: "sas", txn: text(envelope, "txn"), step };
    }
    default:
      return undefined;
  }
}

function sasStep(envelope: Record<string, unknown>): SasStep | undefined {
  switch (envelope.step) {
    case "start":
      return { step: "start", methods: texts(envelope, "methods") };
    case "accept":
      return { step: "accept", commitment: text(envelope, "commitment") };
    case "key":
      return { step: "key", key: text(envelope, "key") };
    case "mac": {
      const macs = envelope.macs;
      if (typeof macs !== "object" || macs === null) throw wrong("macs");
      return { step: "mac", macs: { ed25519: text(macs as Record<string, unknown>, "ed25519") } };
    }
    case "done":
      return { step: "done" };
    case "cancel":
      return { step: "cancel", reason: text(envelope, "reason") };
    default:
      return undefined;
  }
}

function text(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw wrong(name);
  return value;
}

function count(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(name);
  return value;
}

function texts(fields: Record<string, unknown>, name: string): string[] {
  const value = fields[name];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) throw wrong(name);
  return value;
}

function wrong(name: string): EnvelopeError {
  return new EnvelopeError(`\`${name}\` is missing or of another type`);
}

export const OLM = "olm.v1";
export const MEGOLM = "megolm.v1";

const OLM_PAYLOAD = /^([01])\.([A-Za-z0-9+/]+)$/;
const MEGOLM_PAYLOAD = /^([A-Za-z0-9+/]+)\.([A-Za-z0-9+/]+)$/;

export function olmPayload(message: OlmMessage): string {
  return `${message.type}.${message.body}`;
}

export function parseOlm(payload: string): OlmMessage | undefined {
  const match = OLM_PAYLOAD.exec(payload);
  if (match?.[2] === undefined) return undefined;
  return { type: match[1] === "0" ? 0 : 1, body: match[2] };
}

export function megolmPayload(sessionId: string, body: string): string {
  return `${sessionId}.${body}`;
}

export function parseMegolm(payload: string): { sessionId: string; body: string } | undefined {
  const match = MEGOLM_PAYLOAD.exec(payload);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { sessionId: match[1], body: match[2] };
}

/** This device: its names, its identity, and the ratchets that act for it. */
export interface Self {
  readonly user: string;
  readonly device: string;
  /** `user/device`, how others address it. */
  readonly name: string;
  readonly keys: IdentityKeys;
  readonly ratchets: Ratchets;
}

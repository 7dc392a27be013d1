/** What is inside an encrypted message: made, padded, read and checked against its frame. */

import type { IdentityKeys, OlmMessage, Ratchets } from "./olm.ts";
import { pad } from "./padding.ts";

export type Content =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "copy"; readonly of: string; readonly text: string; readonly sent_at: number }
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

/** The padded plaintext. */
export function sealable(binding: Binding, content: Content): string {
  // On the wire a step's fields stand beside the others.
  const fields =
    content.kind === "sas" ? { kind: content.kind, txn: content.txn, ...content.step } : content;
  return pad(JSON.stringify({ v: 1, ...binding, ...fields }));
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
  const sound = whole(envelope, envelope.kind === "text" || envelope.kind === "copy");
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
 * replaced, anywhere else the envelope is refused.
 */
function whole(envelope: Record<string, unknown>, shown: boolean): Record<string, unknown> {
  const { text: written, ...rest } = envelope;
  const mends = shown && typeof written === "string";
  if (!isWhole(mends ? rest : envelope)) throw new EnvelopeError("half a character");
  return mends ? { ...rest, text: written.toWellFormed() } : envelope;
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
    case "copy":
      return {
        kind: "copy",
        of: text(envelope, "of"),
        text: text(envelope, "text"),
        sent_at: count(envelope, "sent_at"),
      };
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

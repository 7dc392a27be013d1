/**
 * The content of a message: its kind and fields, checked. docs/protocol.md describes each kind.
 *
 * What is wrong raises nothing: it becomes a content of kind "unreadable", and what this client does
 * not know one of kind "unknown". Both are shown as such.
 */

import { type Attachment, parseAttachment } from "./attachment.ts";
import { FrameError } from "./fields.ts";
import { parsePicture } from "./picture.ts";

export const VERSION = 1;
/** Characters. */
export const LONGEST_TEXT = 20_000;
export const LONGEST_NAME = 64;
/** Seconds, of a message that disappears. */
export const LONGEST_TIME = 365 * 24 * 3600;
const HIGHEST_SEQ = 999_999_999_999;

const DEVICE = /^[a-z0-9_]{3,32}\/[A-Za-z0-9_-]{1,64}$/;
const ULID = /^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/;
const EMOJI =
  /^(?:[#*0-9\u00a9\u00ae\u203c-\u2065\u2070-\ud7ff\ue000-\uffff\u{10000}-\u{10ffff}]|\u200d){1,16}$/u;
// Control characters, line ends, and the marks that turn the direction of the writing
// (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// Characters that show nothing: blanks, the empty Braille pattern and Default_Ignorable_Code_Point
// (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
const UNSEEN = /^[\s\u2800\p{Default_Ignorable_Code_Point}]*$/u;

/** A message of the same chat. An id alone is not enough: another device may take the same. */
export interface Reference {
  /** `user/device`. */
  readonly by: string;
  readonly id: string;
}

export type MessageContent =
  | {
      readonly kind: "text";
      readonly text: string;
      readonly reply?: Reference;
      readonly expires?: number;
    }
  | {
      readonly kind: "file";
      readonly file: Attachment;
      readonly text?: string;
      readonly reply?: Reference;
      readonly expires?: number;
    }
  | { readonly kind: "reaction"; readonly of: Reference; readonly emoji: string | null }
  | { readonly kind: "edit"; readonly of: Reference; readonly text: string }
  | { readonly kind: "deletion"; readonly of: Reference }
  | { readonly kind: "timer"; readonly seconds: number; readonly at?: number }
  | { readonly kind: "chat_name"; readonly name: string | null; readonly at?: number }
  | { readonly kind: "chat_picture"; readonly picture: string | null; readonly at?: number }
  | {
      readonly kind: "profile";
      readonly name: string | null;
      readonly picture: string | null;
      readonly at: number;
    }
  /** `fields` is all that came. */
  | { readonly kind: "unknown"; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: "unreadable" };

/** `shown`: it has a place of its own in the history. `counts`: it is unread, and rings. */
interface Kind {
  readonly fields: Readonly<Record<string, Reader>>;
  readonly shown: boolean;
  readonly counts: boolean;
}

/** What repeats an older name, picture or timer for newcomers is not shown. */
export function isShown(content: MessageContent): boolean {
  const kind = KINDS.get(content.kind);
  return kind === undefined || (kind.shown && !("at" in content && content.at !== undefined));
}

/** Whether it is unread and rings; for an unknown kind its id decides. */
export function counts(content: MessageContent, shownId: boolean): boolean {
  return KINDS.get(content.kind)?.counts ?? shownId;
}

/** Its text for people; empty for kinds without one. */
export function textOf(content: MessageContent): string {
  const { text = "" } = content as { text?: string };
  return content.kind === "text" || content.kind === "edit" || content.kind === "file" ? text : "";
}

/** The message that it changes. */
export function targetOf(content: MessageContent): Reference | undefined {
  return "of" in content ? content.of : undefined;
}

/** Nothing but a text: it is sent as clients before version 1 of contents do. */
export function isPlain(content: MessageContent): content is MessageContent & { kind: "text" } {
  return content.kind === "text" && content.reply === undefined && content.expires === undefined;
}

/** The content in the form in which it is sent and stored. */
export function written(content: MessageContent): Readonly<Record<string, unknown>> {
  if (content.kind === "unknown") return content.fields;
  return content.kind === "unreadable" ? {} : { v: VERSION, ...content };
}

/** The content in a decrypted value. Raises nothing, whatever it is. */
export function parse(value: unknown): MessageContent {
  if (!isObject(value)) return { kind: "unreadable" };
  const version = typeof value.v === "number" && Number.isInteger(value.v) ? value.v : 0;
  const { kind } = value;
  const known = typeof kind === "string" ? KINDS.get(kind) : undefined;
  const named = typeof kind === "string" && known === undefined;
  if (version > VERSION || (version === VERSION && named))
    return { kind: "unknown", fields: value };
  if (version !== VERSION || known === undefined) return { kind: "unreadable" };
  const fields: Record<string, unknown> = { kind };
  try {
    for (const [name, read] of Object.entries(known.fields)) {
      const found = read(value[name]);
      if (found !== undefined) fields[name] = found;
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof FrameError) return { kind: "unreadable" };
    throw error;
  }
  return fields as unknown as MessageContent;
}

/**
 * A name as it may be shown anywhere: nothing in it steers the writing around it. Empty if no
 * character of it is visible.
 */
export function clean(name: string): string {
  const cleaned = name.replace(STEERING, "\ufffd").replace(/^ +| +$/g, "");
  return UNSEEN.test(cleaned) ? "" : cleaned;
}

// -- readers of one field; undefined is one that is not there

type Reader = (value: unknown) => unknown;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optional(read: Reader): Reader {
  return (value) => (value === undefined ? undefined : read(value));
}

function nullable(read: Reader): Reader {
  return (value) => (value === null ? null : read(value));
}

/** Lengths are in characters of Unicode, as Python counts them. */
function string(value: unknown, longest: number): string {
  if (typeof value !== "string") throw new RangeError("not a text");
  const length = value.length <= longest ? value.length : [...value].length;
  if (length === 0 || length > longest) throw new RangeError("not such a text");
  return value;
}

function text(value: unknown): string {
  return string(value, LONGEST_TEXT);
}

function name(value: unknown): string {
  return string(clean(string(value, LONGEST_NAME)), LONGEST_NAME);
}

function matching(pattern: RegExp): (value: unknown) => string {
  return (value) => {
    if (typeof value !== "string" || !pattern.test(value)) throw new RangeError("not of that form");
    return value;
  };
}

function emoji(value: unknown): string {
  const found = matching(EMOJI)(value);
  if (UNSEEN.test(found)) throw new RangeError("nothing of it is seen");
  return found;
}

function whole(low: number, high: number): Reader {
  return (value) => {
    const fits = typeof value === "number" && Number.isInteger(value);
    if (!fits || value < low || value > high) throw new RangeError("not such a number");
    return value;
  };
}

function reference(value: unknown): Reference {
  if (!isObject(value)) throw new RangeError("not a reference");
  return { by: matching(DEVICE)(value.by), id: matching(ULID)(value.id) };
}

const AT = optional(whole(1, HIGHEST_SEQ));

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [
    "text",
    {
      fields: { text, reply: optional(reference), expires: optional(whole(1, LONGEST_TIME)) },
      shown: true,
      counts: true,
    },
  ],
  [
    "file",
    {
      fields: {
        file: parseAttachment,
        text: optional(text),
        reply: optional(reference),
        expires: optional(whole(1, LONGEST_TIME)),
      },
      shown: true,
      counts: true,
    },
  ],
  ["reaction", silent({ of: reference, emoji: nullable(emoji) })],
  ["edit", silent({ of: reference, text })],
  ["deletion", silent({ of: reference })],
  ["timer", notice({ seconds: whole(0, LONGEST_TIME), at: AT })],
  ["chat_name", notice({ name: nullable(name), at: AT })],
  ["chat_picture", notice({ picture: nullable(parsePicture), at: AT })],
  [
    "profile",
    silent({
      name: nullable(name),
      picture: nullable(parsePicture),
      at: whole(0, Number.MAX_SAFE_INTEGER),
    }),
  ],
]);

function silent(fields: Kind["fields"]): Kind {
  return { fields, shown: false, counts: false };
}

function notice(fields: Kind["fields"]): Kind {
  return { fields, shown: true, counts: false };
}

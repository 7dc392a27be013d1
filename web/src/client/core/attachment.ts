/**
 * The description of a file in a message: what is needed to download it, and to show it before. No
 * I/O.
 */

import { type Fields, FrameError, mapping, text } from "./fields.ts";
import { MOST_PIXELS, parsePicture } from "./picture.ts";

const KINDS = ["picture", "file", "voice"] as const;
export type FileKind = (typeof KINDS)[number];

const LONGEST_NAME = 128; // characters
const LONGEST_TYPE = 100;
const LARGEST = 2 ** 40; // bytes; the backend's limit is lower
const LONGEST_SIDE = 65_535; // pixels
const LONGEST_TIME = 86_400_000; // milliseconds

const UNKNOWN_ID = "x".repeat(32); // of a file that the backend does not have yet
const TYPES: ReadonlyMap<string, string> = new Map([
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["png", "image/png"],
  ["webp", "image/webp"],
  ["gif", "image/gif"],
  ["heic", "image/heic"],
  ["svg", "image/svg+xml"],
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["csv", "text/csv"],
  ["md", "text/markdown"],
  ["json", "application/json"],
  ["zip", "application/zip"],
  ["mp3", "audio/mpeg"],
  ["ogg", "audio/ogg"],
  ["m4a", "audio/mp4"],
  ["wav", "audio/wav"],
  ["mp4", "video/mp4"],
  ["webm", "video/webm"],
  ["mov", "video/quicktime"],
]);
const ID = /^[A-Za-z0-9_-]{22,64}$/;
const BYTES_32 = /^[A-Za-z0-9+/]{43}$/;
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;
/** What each kind may be: nothing that a browser would run, such as SVG. */
const ALLOWED: Readonly<Record<FileKind, RegExp>> = {
  picture: /^image\/(jpeg|png|webp|gif)$/,
  voice: /^audio\/(aac|mp4|mpeg|ogg|wav|webm)$/,
  file: TYPE,
};
// Control characters, line ends, and the marks that turn the direction of the writing
// (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters); and what separates
// folders, somewhere: a name is the last part of a path, and no part of one.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069/\\:*?"<>|]/gu;

/**
 * `size` is that of the file itself, in bytes; `key` and `digest` (SHA-256 of what the backend has)
 * are 32 bytes in unpadded base64. Sides are in pixels, `duration` is in milliseconds.
 */
export interface Attachment {
  readonly kind: FileKind;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly id: string;
  readonly key: string;
  readonly digest: string;
  readonly thumbnail?: string;
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
}

/**
 * What its sender says of a file: as in an Attachment, and a `caption` besides. Without a `type` it
 * follows from the name, without a `kind` from the type.
 */
export interface FileDescription
  extends Partial<
    Pick<Attachment, "type" | "kind" | "thumbnail" | "width" | "height" | "duration">
  > {
  readonly name: string;
  readonly caption?: string;
}

/** A name that can stand anywhere and be that of a file in any folder; never empty. */
export function safeName(name: string): string {
  const safe = trimmed(name.toWellFormed().replace(UNSAFE, "_"));
  const characters = [...safe];
  if (characters.length <= LONGEST_NAME) return safe || "file";
  const dot = characters.lastIndexOf("."); // what it is stands at its end
  const end = dot >= 0 && characters.length - dot - 1 <= 10 ? characters.slice(dot).join("") : "";
  const stem = (end === "" ? characters : characters.slice(0, dot)).slice(
    0,
    LONGEST_NAME - [...end].length,
  );
  return stem.join("").replace(/[ .]+$/, "") + end || "file";
}

function trimmed(name: string): string {
  return name.replace(/^[ .]+|[ .]+$/g, "");
}

/** What a file of that type is sent as. */
export function kindOf(mediaType: string): FileKind {
  return ALLOWED.picture.test(mediaType) ? "picture" : "file";
}

/** What the message will say, but for the id, which the backend gives. Raises FrameError. */
export function described(
  file: FileDescription,
  size: number,
  key: string,
  digest: string,
): Attachment {
  const { name, caption: _, ...more } = file;
  const type = file.type || guessFileType(name);
  const kind = file.kind ?? kindOf(type);
  const found = { ...more, kind, name: safeName(name), type, size, id: UNKNOWN_ID, key, digest };
  return parseAttachment(found);
}

/** By the end of the name. A table of our own: that of the system differs by machine. */
export function guessFileType(name: string): string {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return TYPES.get(end) ?? "application/octet-stream";
}

/**
 * The attachment of a received message; a picture that nobody should decode becomes a file. Raises
 * FrameError.
 */
export function parseAttachment(value: unknown): Attachment {
  const fields = mapping(value);
  const kind = KINDS.find((each) => each === fields.kind);
  if (kind === undefined) throw new FrameError("not such a kind of file");
  const found: Attachment = {
    kind,
    name: safeName(short(fields, "name", LONGEST_NAME)),
    type: matching(fields, "type", ALLOWED[kind], LONGEST_TYPE),
    size: whole(fields, "size", LARGEST),
    id: matching(fields, "id", ID),
    key: matching(fields, "key", BYTES_32),
    digest: matching(fields, "digest", BYTES_32),
  };
  const sides = {
    ...(fields.width === undefined ? {} : { width: whole(fields, "width", LONGEST_SIDE) }),
    ...(fields.height === undefined ? {} : { height: whole(fields, "height", LONGEST_SIDE) }),
  };
  const { width = 1, height = 1 } = sides;
  const drawn = kind !== "picture" || width * height <= MOST_PIXELS;
  return {
    ...found,
    ...(drawn ? {} : { kind: "file" }),
    ...sides,
    ...(fields.thumbnail === undefined ? {} : { thumbnail: parsePicture(fields.thumbnail) }),
    ...(fields.duration === undefined ? {} : { duration: whole(fields, "duration", LONGEST_TIME) }),
  };
}

function short(fields: Fields, name: string, longest: number): string {
  const value = text(fields[name]);
  const { length } = [...value];
  if (length < 1 || length > longest) throw new FrameError(`${name} is too long, or empty`);
  return value;
}

function matching(fields: Fields, name: string, pattern: RegExp, longest = 64): string {
  const value = short(fields, name, longest);
  if (!pattern.test(value)) throw new FrameError(`${name} has another form`);
  return value;
}

function whole(fields: Fields, name: string, most: number): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new FrameError(`${name} is no such number`);
  }
  return value;
}

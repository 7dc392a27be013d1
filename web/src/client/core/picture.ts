/**
 * The sides of a picture, in a message or a file, as its header has them. Pure.
 *
 * A few thousand bytes can decode to gigabytes of pixels, and a client decodes a picture as soon as
 * it is shown. So its sides are read from the header before anything decodes it. A header that a
 * decoder might read in another way than this reader is rejected.
 */

import { FrameError } from "./fields.ts";

/** Characters of unpadded base64, of 5,400 bytes. */
export const LONGEST_PICTURE = 7_200;
/** Pixels. */
const LONGEST_SIDE = 512;
/** The most pixels of a picture in a file: 256 MiB once it is decoded. */
export const MOST_PIXELS = 2 ** 26;
/** Segments, fill bytes and blocks that are read of a header: a file may consist of millions. */
const MOST_PARTS = 1_024;

type Sides = readonly [width: number, height: number];

const FORM = /^(\/9j\/|iVBORw0KGgo|UklGR)[A-Za-z0-9+/]*$/; // JPEG, PNG, WebP
/** Frame headers of JPEG: ITU-T T.81, table B.1, without DHT (C4), JPG (C8) and DAC (CC). */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Markers without a length (T.81, B.1.1.4), the end of the image, and the start of its scan. */
const isNoFrame = (marker: number) => marker <= 0x01 || (marker >= 0xd0 && marker <= 0xda);

/** Throws FrameError for what no client draws. */
export function parsePicture(value: unknown): string {
  if (typeof value !== "string") throw new FrameError("not a picture");
  const [width, height] = sides(value);
  const fits = Math.min(width, height) >= 1 && Math.max(width, height) <= LONGEST_SIDE;
  if (!fits) throw new FrameError(`a picture of ${width} x ${height} pixels`);
  return value;
}

/** In pixels. Throws FrameError for another form or a header without them. */
export function sides(picture: string): Sides {
  const fits = picture.length <= LONGEST_PICTURE && picture.length % 4 !== 1 && FORM.test(picture);
  if (!fits) throw new FrameError("not of the form of a picture");
  return sidesOf(Uint8Array.from(atob(picture), (char) => char.charCodeAt(0)));
}

/**
 * Whether a file is a picture of at most MOST_PIXELS. Its bytes decide, as in a decoder, and not the
 * type that its sender gives it.
 */
export function mayBeDrawn(content: Uint8Array): boolean {
  try {
    const [width, height] = sidesOf(content);
    return width * height >= 1 && width * height <= MOST_PIXELS;
  } catch (error) {
    if (error instanceof FrameError) return false;
    throw error;
  }
}

function sidesOf(bytes: Uint8Array): Sides {
  const header = new Header(bytes);
  const begins = header.text(0, 8);
  if (begins.startsWith("\xff\xd8\xff")) return jpeg(header);
  if (begins === "\x89PNG\r\n\x1a\n") return png(header);
  if (begins.startsWith("RIFF")) return webp(header);
  if (/^GIF8[79]a/.test(begins)) return gif(header);
  throw new FrameError("no picture");
}

/** IHDR is the first chunk (PNG specification, section 5.6). */
function png(header: Header): Sides {
  if (header.text(8, 8) !== "\0\0\0\rIHDR") throw new FrameError("a PNG without header");
  return [header.big(16, 4), header.big(20, 4)];
}

function jpeg(header: Header): Sides {
  let at = 2;
  for (let part = 0; part < MOST_PARTS; part += 1) {
    if (header.byte(at) !== 0xff) {
      throw new FrameError("a JPEG with bytes between its segments");
    }
    if (header.byte(at + 1) === 0xff) {
      at += 1; // fill bytes may stand before a marker (T.81, B.1.1.2)
      continue;
    }
    const [marker, length] = [header.byte(at + 1), header.big(at + 2, 2)];
    if (isFrame(marker)) return [header.big(at + 7, 2), header.big(at + 5, 2)];
    if (isNoFrame(marker) || length < 2) throw new FrameError("a JPEG without a frame header");
    at += 2 + length;
  }
  throw new FrameError("a JPEG of too many segments");
}

/** By the first chunk (RFC 9649, sections 2.5 to 2.7; a key frame: RFC 6386, section 9.1). */
function webp(header: Header): Sides {
  const chunk = header.text(8, 8);
  if (chunk === "WEBPVP8X") return [header.little(24, 3) + 1, header.little(27, 3) + 1];
  if (chunk === "WEBPVP8L" && header.byte(20) === 0x2f) {
    const bits = header.little(21, 4);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  if (chunk === "WEBPVP8 " && header.text(23, 3) === "\x9d\x01\x2a") {
    return [header.little(26, 2) & 0x3fff, header.little(28, 2) & 0x3fff];
  }
  throw new FrameError("a WebP without header");
}

/**
 * The larger of the screen and the first image: browsers enlarge the one for the other (GIF89a
 * specification, sections 18 and 20).
 */
function gif(header: Header): Sides {
  const flags = header.byte(10);
  let at = 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0); // behind the table of colours
  let inExtension = false;
  for (let part = 0; part < MOST_PARTS; part += 1) {
    const byte = header.byte(at);
    if (inExtension) {
      inExtension = byte !== 0; // blocks that each begin with their length, up to one of none
      at += 1 + byte;
    } else if (byte === 0x21) {
      inExtension = true; // an extension, and its label
      at += 2;
    } else if (byte === 0x2c) {
      const side = (screen: number, image: number) =>
        Math.max(header.little(screen, 2), header.little(at + image, 2));
      return [side(6, 5), side(8, 7)];
    } else throw new FrameError("a GIF without an image");
  }
  throw new FrameError("a GIF of too many blocks");
}

/** The bytes of a picture, of which none is read that is not there. */
class Header {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new FrameError("a picture that ends in its header");
    return byte;
  }

  /** A whole number of these bytes, the most significant first. */
  big(at: number, size: number): number {
    let number = 0;
    for (let place = at; place < at + size; place += 1) number = number * 256 + this.byte(place);
    return number;
  }

  /** Likewise, the most significant last. */
  little(at: number, size: number): number {
    let number = 0;
    for (let place = at + size - 1; place >= at; place -= 1)
      number = number * 256 + this.byte(place);
    return number;
  }

  /** In Latin-1; shorter where the picture ends. */
  text(at: number, size: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at, at + size));
  }
}

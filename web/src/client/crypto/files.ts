/**
 * Encryption of files: AES-256-GCM in chunks, with a key for each file.
 *
 * docs/encryption.md describes the format, protocol/vectors/files.json has examples. A key encrypts
 * one file once: what was encrypted is stored until it is uploaded, and never made again.
 */

import { FileDamaged } from "../errors.ts";

export const CHUNK = 1 << 20; // bytes of plaintext
export const TAG = 16;
const SMALLEST = 4_096;

type Bytes = Uint8Array<ArrayBuffer>;

/** `digest` is the SHA-256 of `body`, which is what the backend gets. */
export interface SealedFile {
  readonly body: Bytes;
  readonly digest: Bytes;
}

/**
 * The size that a file is filled up to with zeros, at most 12 % more, by Padme. So a size tells
 * little more than its order: https://arxiv.org/abs/1806.03160, section 4.
 */
export function paddedFileSize(size: number): number {
  if (size <= SMALLEST) return SMALLEST;
  let exponent = 0; // numbers here are beyond what the operators on bits take
  while (2 ** (exponent + 1) <= size) exponent += 1;
  const step = 2 ** (exponent - (32 - Math.clz32(exponent)));
  return Math.ceil(size / step) * step;
}

/** The size of the encrypted file, for a file of `size` bytes. */
export function sealedSize(size: number): number {
  const padded = paddedFileSize(size);
  return padded + TAG * Math.ceil(padded / CHUNK);
}

/** `key` are 32 random bytes that nothing else was encrypted with. */
export async function sealFile(content: Uint8Array, key: Bytes): Promise<SealedFile> {
  const cipher = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const padded = new Uint8Array(paddedFileSize(content.length));
  padded.set(content);
  const body = new Uint8Array(sealedSize(content.length));
  for (const { nonce, start, number } of chunks(padded.length)) {
    const chunk = padded.subarray(start, start + CHUNK);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, cipher, chunk);
    body.set(new Uint8Array(sealed), number * (CHUNK + TAG));
  }
  return { body, digest: await sha256(body) };
}

/** The content. Raises FileDamaged if it is not what its sender has encrypted, whole. */
export async function openFile(
  body: Bytes,
  key: Bytes,
  digest: Uint8Array,
  size: number,
): Promise<Bytes> {
  if (body.length !== sealedSize(size)) throw new FileDamaged();
  if (!same(await sha256(body), digest)) throw new FileDamaged();
  const cipher = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const padded = new Uint8Array(paddedFileSize(size));
  for (const { nonce, start, number } of chunks(padded.length)) {
    const at = number * (CHUNK + TAG);
    const chunk = body.subarray(at, at + CHUNK + TAG);
    try {
      const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, cipher, chunk);
      padded.set(new Uint8Array(opened), start);
    } catch {
      throw new FileDamaged();
    }
  }
  if (padded.subarray(size).some((byte) => byte !== 0)) throw new FileDamaged();
  return padded.slice(0, size);
}

interface Chunk {
  readonly nonce: Bytes;
  readonly start: number;
  readonly number: number;
}

/**
 * Nonce and start of each chunk: its number, and whether it is the last (STREAM:
 * https://eprint.iacr.org/2015/189).
 */
function* chunks(padded: number): Generator<Chunk> {
  for (let start = 0, number = 0; start < padded; start += CHUNK, number++) {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(7, number);
    nonce[11] = start + CHUNK >= padded ? 1 : 0;
    yield { nonce, start, number };
  }
}

async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

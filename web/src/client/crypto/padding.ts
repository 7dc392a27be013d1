/** Padding of plaintexts to size buckets, so that a ciphertext's length says little. Pure. */

const BUCKETS = [64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384] as const;
const STEP = 4_096;

/** The bucket for `size` bytes. */
export function paddedSize(size: number): number {
  return BUCKETS.find((bucket) => size <= bucket) ?? Math.ceil(size / STEP) * STEP;
}

/** JSON ignores trailing spaces, so nothing has to be taken off. */
export function pad(json: string): string {
  const size = utf8Length(json);
  return json + " ".repeat(paddedSize(size) - size);
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The number that two people compare, and the QR code's text. */

import { fromBase64 } from "./signing.ts";

const VERSION = Uint8Array.of(0, 1);
const ROUNDS = 5_200;

/** device -> Ed25519 key (unpadded base64), of one user. */
export type DeviceKeys = Readonly<Record<string, string>>;

/** 30 digits that stand for the user and all of the user's devices. */
export async function fingerprint(user: string, devices: DeviceKeys): Promise<string> {
  const names = Object.keys(devices).sort();
  const bytes = joined(
    VERSION,
    ...names.flatMap((name) => [utf8(name), Uint8Array.of(0), fromBase64(devices[name] ?? "")]),
  );
  let digest = await sha512(joined(bytes, utf8(user)));
  for (let round = 1; round < ROUNDS; round++) digest = await sha512(joined(digest, bytes));
  return [0, 1, 2, 3, 4, 5].map((group) => fiveDigits(digest, group * 5)).join("");
}

/** 60 digits: both users' 30, the smaller name's first; and the text of the QR code. */
export async function safetyNumber(
  users: readonly [readonly [string, DeviceKeys], readonly [string, DeviceKeys]],
): Promise<{ digits: string; qr: string }> {
  const [first, second] = users.toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (first === undefined || second === undefined) throw new RangeError("two users are compared");
  const a = await fingerprint(...first);
  const b = await fingerprint(...second);
  return { digits: a + b, qr: `switchboard:1:${first[0]}:${a}:${second[0]}:${b}` };
}

/** Whether `shown` is that number, as digits in any grouping or as the text of its QR code. */
export function isShown(number: { digits: string; qr: string }, shown: string): boolean {
  return shown.trim() === number.qr || shown.replaceAll(/[\s-]/g, "") === number.digits;
}

function fiveDigits(digest: Uint8Array, at: number): string {
  const number = digest.slice(at, at + 5).reduce((sum, byte) => sum * 256 + byte, 0);
  return String(number % 100_000).padStart(5, "0");
}

async function sha512(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", bytes));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

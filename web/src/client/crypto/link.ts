/**
 * Linking: the offer of a new device, its code, and the confirmation that a signed-in device seals
 * for it. No I/O.
 *
 * The code is a hash of the offer. A device that has read it from the new device's screen can check
 * the keys in the offer without trusting the backend.
 */

import type { LinkOfferResponse } from "../core/bodies.generated.ts";
import { CannotLink } from "../errors.ts";
import type { IdentityKeys } from "./olm.ts";
import { pad } from "./padding.ts";
import { canonical } from "./signing.ts";

const VERSION = 1;
const KIND = "link";
const PURPOSE = "SWITCHBOARD_LINK|";
const CODE_BYTES = 20; // 160 bits: nobody finds another offer with the same code
const QR = "SWITCHBOARD:LINK:1:";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648
const CODE = /^[A-Z2-7]{32}$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const USER = /^[a-z0-9_]{3,32}$/;
const KEY = /^[A-Za-z0-9+/]{43}$/;
const SIGNATURE = /^[A-Za-z0-9+/]{86}$/;
const TOKEN = /^[!-~]+$/;

/** Of a new device: the name it will have, what it calls itself, and its public keys. */
export interface Offer {
  readonly device: string;
  readonly label: string;
  readonly curve25519: string;
  readonly ed25519: string;
  readonly oneTimeKey: string;
}

/** What the signed-in device knows of one of the user's devices. */
export interface LinkedDevice extends IdentityKeys {
  readonly verified: boolean;
}

/**
 * What the new device gets. `by` is the device that linked it; it is among `devices`.
 * `introduction` is its signature over the new device's keys, for all who trust it. A client of an
 * earlier version gives none.
 */
export interface Confirmation {
  readonly code: string;
  readonly user: string;
  readonly device: string;
  readonly by: string;
  readonly refreshToken: string;
  readonly devices: ReadonlyMap<string, LinkedDevice>;
  readonly introduction?: string | undefined;
}

/** 32 characters of base32. */
export async function codeOf(offer: Offer): Promise<string> {
  const { curve25519, device, ed25519, label, oneTimeKey } = offer;
  const document = { curve25519, device, ed25519, label, one_time_key: oneTimeKey };
  const bytes = new TextEncoder().encode(PURPOSE + canonical(document));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return base32(digest.subarray(0, CODE_BYTES));
}

/** What the backend has under a code. Throws CannotLink where another code belongs to it. */
export async function offerOf(response: LinkOfferResponse, code: string): Promise<Offer> {
  const { device, label, keys, oneTimeKey } = response;
  const { curve25519, ed25519 } = keys;
  const offer = { device, label, curve25519, ed25519, oneTimeKey };
  if ((await codeOf(offer)) !== code) throw new CannotLink("false");
  return offer;
}

/** The code in what was scanned or typed. Throws CannotLink. */
export function codeIn(text: string): string {
  const typed = text.replace(/[\s-]/g, "").toUpperCase();
  const code = typed.startsWith(QR) ? typed.slice(QR.length) : typed;
  if (!CODE.test(code)) throw new CannotLink("no_code");
  return code;
}

/** For people: ABCD EFGH and so on. */
export function inGroups(code: string): string {
  return code.match(/.{1,4}/g)?.join(" ") ?? "";
}

/** For a QR code. */
export function qrTextOf(code: string): string {
  return QR + code;
}

/** The padded plaintext. */
export function write(made: Confirmation): string {
  const devices = [...made.devices].map(([name, { curve25519, ed25519, verified }]) => [
    name,
    { curve25519, ed25519, verified },
  ]);
  return pad(
    JSON.stringify({
      v: VERSION,
      kind: KIND,
      code: made.code,
      user: made.user,
      device: made.device,
      from: made.by,
      refresh_token: made.refreshToken,
      devices: Object.fromEntries(devices),
      ...(made.introduction === undefined ? {} : { introduction: made.introduction }),
    }),
  );
}

/**
 * What the device with the identity key `sender` (Curve25519) has sealed for the offer of `code` and
 * `device`. Throws CannotLink.
 */
export function read(
  plaintext: string,
  code: string,
  device: string,
  sender: string,
): Confirmation {
  const made = parsed(plaintext);
  const meant = made?.code === code && made.device === device && !made.devices.has(device);
  if (made === undefined || !meant || made.devices.get(made.by)?.curve25519 !== sender) {
    throw new CannotLink("false");
  }
  return made;
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(plaintext: string): Confirmation | undefined {
  let document: unknown;
  try {
    document = JSON.parse(plaintext);
  } catch {
    return undefined;
  }
  if (!isFields(document) || document.v !== VERSION || document.kind !== KIND) return undefined;
  const { code, user, device, from, refresh_token, devices, introduction } = document;
  if (!is(code, CODE) || !is(user, USER) || !is(device, NAME) || !is(from, NAME)) return undefined;
  if (!is(refresh_token, TOKEN) || !isFields(devices)) return undefined;
  if (introduction !== undefined && !is(introduction, SIGNATURE)) return undefined;
  const known = new Map<string, LinkedDevice>();
  for (const [name, one] of Object.entries(devices)) {
    if (!NAME.test(name) || !isFields(one)) return undefined;
    const { curve25519, ed25519, verified } = one;
    if (!is(curve25519, KEY) || !is(ed25519, KEY) || typeof verified !== "boolean")
      return undefined;
    known.set(name, { curve25519, ed25519, verified });
  }
  return {
    code,
    user,
    device,
    by: from,
    refreshToken: refresh_token,
    devices: known,
    introduction,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function is(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}

/** Of a whole number of groups of five bytes, so that nothing is left over. */
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}

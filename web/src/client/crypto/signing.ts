/** Signatures as the protocol has them: Ed25519 over canonical JSON, unpadded base64. */

export type Json = string | number | boolean | null | readonly Json[] | Document;
export type Document = { readonly [name: string]: Json };

/** Keys sorted, no spaces. All names are ASCII, so any sort order is the same. */
export function canonical(document: Document): string {
  return JSON.stringify(document, (_, value: Json) => (isDocument(value) ? sorted(value) : value));
}

function isDocument(value: Json): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(document: Document): Document {
  return Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function deviceDocument(
  user: string,
  device: string,
  keys: { curve25519: string; ed25519: string },
): Document {
  return { curve25519: keys.curve25519, device, ed25519: keys.ed25519, user };
}

/** What the device `by` signs about one of the same user that it has linked. */
export function introductionDocument(
  by: string,
  user: string,
  device: string,
  keys: { curve25519: string; ed25519: string },
): Document {
  return { ...deviceDocument(user, device, keys), by };
}

export function keyDocument(
  user: string,
  device: string,
  id: string,
  key: string,
  fallback: boolean,
): Document {
  const document = { device, id, key, user };
  return fallback ? { ...document, fallback: true } : document;
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/=+$/, "");
}

/** Raises DOMException for what is not base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

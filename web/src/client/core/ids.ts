/** Message ids: a ULID, 48 bits of milliseconds and 80 random ones in Crockford's base 32. */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(milliseconds: number): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let number = BigInt(milliseconds);
  for (const byte of random) number = (number << 8n) | BigInt(byte);
  let text = "";
  for (let shift = 125n; shift >= 0n; shift -= 5n)
    text += ALPHABET[Number((number >> shift) & 31n)];
  return text;
}

/** Texts have ULIDs; keys, copies, requests and the like have UUIDs, and are shown as nothing. */
export function isText(messageId: string): boolean {
  return messageId.length === 26;
}

export function nameOf(user: string, device: string): string {
  return `${user}/${device}`;
}

/** The two halves of `user/device`. */
export function partsOf(name: string): [user: string, device: string] {
  const at = name.indexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** The user of a device that is named `user/device`. */
export function userOf(name: string): string {
  return partsOf(name)[0];
}

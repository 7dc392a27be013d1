/**
 * Names of messages and of devices. The id of a message that is to be shown is a ULID, that of one that
 * changes another or a chat a UUID of version 7, that of everything else one of version 4.
 */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 48 bits of milliseconds and 80 random ones in Crockford's base 32. */
export function ulid(milliseconds: number): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let number = BigInt(milliseconds);
  for (const byte of random) number = (number << 8n) | BigInt(byte);
  let text = "";
  for (let shift = 125n; shift >= 0n; shift -= 5n)
    text += ALPHABET[Number((number >> shift) & 31n)];
  return text;
}

/** A UUID, version 7 (RFC 9562, section 5.7): of a reaction, an edit, the name of a chat. */
export function changeId(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  const random = crypto.randomUUID().slice(15); // behind the version: the rest has the same form
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random}`;
}

/**
 * Whether people wrote it: a message to show, or a change of one; otherwise it is a key or the
 * like.
 */
export function isWritten(messageId: string): boolean {
  return isText(messageId) || (messageId.length === 36 && messageId[14] === "7");
}

/** Whether the message of this id is one to show. */
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

/** This device: its names, its identity, and the ratchets that act for it. */

import type { IdentityKeys, Ratchets } from "./crypto/olm.ts";

export interface Self {
  readonly user: string;
  readonly device: string;
  /** `user/device`, how others address it. */
  readonly name: string;
  readonly keys: IdentityKeys;
  readonly ratchets: Ratchets;
}

export function nameOf(user: string, device: string): string {
  return `${user}/${device}`;
}

/** The two halves of `user/device`. */
export function partsOf(name: string): [user: string, device: string] {
  const at = name.indexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** The check of the key directory's entries: only keys that the device itself has signed count. */

import type { ClaimedKey, FormerDevice } from "../core/bodies.generated.ts";
import type { Listing } from "../core/cipher.ts";
import { nameOf, partsOf } from "../core/ids.ts";
import type { Self } from "./envelope.ts";
import type { IdentityKeys, Ratchets } from "./olm.ts";
import { canonical, deviceDocument, introductionDocument, keyDocument } from "./signing.ts";

const DEVICE = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The devices of `user` in a response. A device that has not signed its entry itself is left out,
 * and so is this device.
 */
export function checkedList(
  self: Self,
  user: string,
  found: Listing,
): ReadonlyMap<string, IdentityKeys> {
  const listed = new Map<string, IdentityKeys>();
  for (const [device, { keys, signature }] of found.devices) {
    if (isSigned(self, user, { device, keys, signature })) listed.set(device, keys);
  }
  return listed;
}

/** Likewise of keys that devices had before. */
export function checkedFormer(
  self: Self,
  user: string,
  found: readonly FormerDevice[],
): FormerDevice[] {
  return found.filter((entry) => isSigned(self, user, entry));
}

/** The claimed key, if the device signed it. */
export function checkedClaim(
  ratchets: Ratchets,
  { name, keys }: { readonly name: string; readonly keys: IdentityKeys },
  claimed: ClaimedKey | undefined,
): string | undefined {
  if (claimed === undefined) return undefined;
  const [user, device] = partsOf(name);
  const document = canonical(keyDocument(user, device, claimed.id, claimed.key, claimed.fallback));
  return ratchets.verify(keys.ed25519, document, claimed.signature) ? claimed.key : undefined;
}

/** A device of `trusted` (its Ed25519 key by name) has signed these keys. */
export function isIntroduced(
  ratchets: Ratchets,
  one: { readonly user: string; readonly device: string; readonly keys: IdentityKeys },
  introduction: { readonly by?: string; readonly signature?: string } | undefined,
  trusted: ReadonlyMap<string, string>,
): boolean {
  const { by, signature } = introduction ?? {};
  const key = by === undefined ? undefined : trusted.get(by);
  if (by === undefined || signature === undefined || key === undefined) return false;
  const document = canonical(introductionDocument(by, one.user, one.device, one.keys));
  return ratchets.verify(key, document, signature);
}

/** The name has to be one: sessions with former identities stand under others (`retired`). */
function isSigned(
  self: Self,
  user: string,
  { device, keys, signature }: Pick<FormerDevice, "device" | "keys" | "signature">,
): boolean {
  if (nameOf(user, device) === self.name || !DEVICE.test(device)) return false;
  const document = canonical(deviceDocument(user, device, keys));
  return self.ratchets.verify(keys.ed25519, document, signature);
}

/** When a sender starts a new Megolm session, and who still lacks its key. No I/O. */

export const MESSAGES = 100;
export const LIFETIME_MS = 7 * 24 * 3_600 * 1_000;

/** `user/device` -> its Ed25519 key. */
export type Audience = ReadonlyMap<string, string>;

export interface OutboundGroup {
  readonly chat: string;
  readonly id: string;
  readonly pickle: string;
  readonly madeAt: number;
  readonly messages: number;
  /** Who was sent its key, as which identity. */
  readonly shared: Readonly<Record<string, string>>;
}

/**
 * Whether the next message needs a new session: this one is used up or old, or somebody has its key
 * who is not to read on (left, removed, or no longer the same identity).
 */
export function wornOut(group: OutboundGroup, audience: Audience, now: number): boolean {
  return (
    group.messages >= MESSAGES ||
    now - group.madeAt >= LIFETIME_MS ||
    Object.entries(group.shared).some(([device, ed25519]) => audience.get(device) !== ed25519)
  );
}

/** Who is to read and has no key yet. */
export function lacking(group: OutboundGroup | undefined, audience: Audience): string[] {
  return [...audience.keys()].filter((device) => group?.shared[device] === undefined);
}

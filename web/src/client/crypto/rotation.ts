/** Rotation of Megolm sessions: when a sender starts a new one, and who lacks its key. No I/O. */

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
  /** Of those: who may lack it anyway, and gets it again ahead of the next text. */
  readonly again: readonly string[];
  /** Devices to which the backend rejected the key: the next text is sent without them first. */
  readonly refused: readonly string[];
}

/**
 * Whether the next message needs a new session: this one is used up or old, or somebody has its key
 * who is not to read on (left, removed, or no longer the same identity).
 */
export function wornOut(group: OutboundGroup, audience: Audience, now: number): boolean {
  const age = now - group.madeAt;
  return (
    group.messages >= MESSAGES ||
    age < 0 || // a clock that was set back says nothing
    age >= LIFETIME_MS ||
    Object.entries(group.shared).some(([device, ed25519]) => audience.get(device) !== ed25519)
  );
}

/** The devices that have to be sent the key before the next text. */
export function lacking(group: OutboundGroup | undefined, audience: Audience): string[] {
  return [...audience.keys()].filter(
    (device) => group?.shared[device] === undefined || group.again.includes(device),
  );
}

/**
 * `device` asks for the key. It still counts as a holder of the key, so that a new session begins
 * when it leaves.
 */
export function askedAgain(group: OutboundGroup, device: string): OutboundGroup {
  const known = group.shared[device] === undefined || group.again.includes(device);
  return known ? group : { ...group, again: [...group.again, device] };
}

/** The backend rejected the key for these devices: sending it again at once would fail again. */
export function rejectedFor(group: OutboundGroup, devices: readonly string[]): OutboundGroup {
  const rejected = devices.filter((device) => group.shared[device] !== undefined);
  return { ...group, refused: [...group.refused, ...rejected] };
}

/** A text has been sealed with it, and those get the key ahead of the next one. */
export function used(group: OutboundGroup, pickle: string): OutboundGroup {
  const again = [...new Set([...group.again, ...group.refused])];
  return { ...group, pickle, messages: group.messages + 1, again, refused: [] };
}

/** The key has been sent to these, by `user/device`, as these identities. */
export function sharedWith(group: OutboundGroup, devices: Audience): OutboundGroup {
  return {
    ...group,
    shared: { ...group.shared, ...Object.fromEntries(devices) },
    again: group.again.filter((device) => !devices.has(device)),
    refused: group.refused.filter((device) => !devices.has(device)),
  };
}

/** The words for a message that this device can't read. */

import type { StoredMessage, Unreadable } from "../../client/index.ts";

/**
 * waiting: it will be readable without an act of the user. before: it was not written for this
 * device. broken: something is wrong; a new request to the sender may help. newer: this version
 * can't read it.
 */
export type Undecryptable = "waiting" | "before" | "broken" | "newer";

const BROKEN: readonly Unreadable[] = ["damaged", "replayed", "false_sender", "not_in_chat"];

/** `registeredAt`: when this device was registered, by the backend's clock, as `sentAt` is. */
export function explain(
  { unreadable, sentAt }: Pick<StoredMessage, "unreadable" | "sentAt">,
  registeredAt: number | undefined,
): Undecryptable | undefined {
  if (unreadable === undefined) return undefined;
  if (unreadable === "unknown_algorithm") return "newer";
  if (BROKEN.includes(unreadable)) return "broken";
  const before = registeredAt !== undefined && sentAt !== undefined && sentAt < registeredAt;
  return before ? "before" : "waiting";
}

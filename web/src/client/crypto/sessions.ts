/** Olm sessions of a chat and a pair of devices: which to use, and which to keep. No I/O. */

/** At most so many for a pair: both may start one at the same time, and again after a loss. */
export const KEPT = 5;

export interface OlmSession {
  readonly chat: string;
  /** The other device, `user/device`. */
  readonly device: string;
  readonly id: string;
  readonly pickle: string;
  /** Order among the pair's sessions: when it was made, and when it last opened something (0 = never). */
  readonly made: number;
  readonly opened: number;
}

/** To encrypt with: the one that opened something last; before any did, the newest. */
export function toEncrypt(sessions: readonly OlmSession[]): OlmSession | undefined {
  return sessions.toSorted((a, b) => b.opened - a.opened || b.made - a.made)[0];
}

/** In the order to try them: the most recently used first. */
export function byUse(sessions: readonly OlmSession[]): OlmSession[] {
  return sessions.toSorted((a, b) => used(b) - used(a));
}

/** What has to go for the others to be at most KEPT. */
export function superfluous(sessions: readonly OlmSession[]): OlmSession[] {
  return byUse(sessions).slice(KEPT);
}

/** The next number in the order of a pair. */
export function next(sessions: readonly OlmSession[]): number {
  return 1 + Math.max(0, ...sessions.map(used));
}

function used(session: OlmSession): number {
  return Math.max(session.made, session.opened);
}

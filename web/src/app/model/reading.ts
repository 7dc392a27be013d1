/** The decision whether a user has read what a chat shows. No I/O. */

export interface Attention {
  /** The tab is the one that is shown, and its window has the focus. */
  readonly visible: boolean;
  readonly focused: boolean;
  /** The newest message is on the screen. */
  readonly atNewest: boolean;
  /** Of the last key, click, touch or scroll, and of the last arrival; ms of one clock. */
  readonly lastInput: number;
  readonly lastArrival: number;
}

/**
 * A message is read by a person, not by a window that happens to be open: after it has come, the
 * user has done something in the visible and focused window.
 */
export function hasRead(now: Attention): boolean {
  return now.visible && now.focused && now.atNewest && now.lastInput >= now.lastArrival;
}

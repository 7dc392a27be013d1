/** Whether Enter sends: not while an input method (IME) still composes. */

/** Safari ends the composition first, and reports the Enter that ended it right after that. */
const AFTER_COMPOSITION_MS = 30;

export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly isComposing: boolean;
  readonly keyCode: number;
  readonly timeStamp: number;
}

/** `compositionEnded`: the time stamp of the last `compositionend`. `touch`: Enter is a new line. */
export function enterSends(pressed: Key, compositionEnded: number, touch: boolean): boolean {
  if (pressed.key !== "Enter" || pressed.shiftKey || pressed.altKey) return false;
  // 229: the key went to the input method (https://www.w3.org/TR/uievents/#determine-keydown-keyup-keyCode)
  if (pressed.isComposing || pressed.keyCode === 229) return false;
  if (pressed.timeStamp - compositionEnded < AFTER_COMPOSITION_MS) return false;
  return !touch || pressed.ctrlKey;
}

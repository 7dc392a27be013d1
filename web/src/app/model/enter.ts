/** Keys in a chat: whether Enter sends, and whether what is typed belongs into the field. */

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
  if (isForInputMethod(pressed)) return false;
  if (pressed.timeStamp - compositionEnded < AFTER_COMPOSITION_MS) return false;
  return !touch || pressed.ctrlKey;
}

/**
 * Whether Escape ends what the user is doing; while an input method is composing it only ends that.
 */
export function escapes(pressed: Pick<Key, "key" | "isComposing" | "keyCode">): boolean {
  return pressed.key === "Escape" && !isForInputMethod(pressed);
}

/**
 * A letter that is typed where nothing takes it, as after a click on a message or when a dialog has
 * closed. A space presses what has the focus.
 */
export function isTyped(pressed: Key & { readonly metaKey: boolean }): boolean {
  const { key, ctrlKey, altKey, metaKey, isComposing } = pressed;
  return [...key].length === 1 && key !== " " && !(ctrlKey || altKey || metaKey || isComposing);
}

/** 229: https://www.w3.org/TR/uievents/#determine-keydown-keyup-keyCode */
function isForInputMethod({ isComposing, keyCode }: Pick<Key, "isComposing" | "keyCode">): boolean {
  return isComposing || keyCode === 229;
}

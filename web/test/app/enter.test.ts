/** Enter and input methods, in the orders in which the engines report them. */

import { describe, expect, test } from "vitest";
import { enterSends, escapes, isTyped, type Key } from "../../src/app/model/enter.ts";

const NEVER = Number.NEGATIVE_INFINITY;

function enter(more: Partial<Key> = {}): Key {
  const plain = { shiftKey: false, ctrlKey: false, altKey: false, isComposing: false };
  return { key: "Enter", keyCode: 13, timeStamp: 1_000, ...plain, ...more };
}

test.each([
  ["Enter alone sends", enter(), false, true],
  ["with Shift it is a new line", enter({ shiftKey: true }), false, false],
  ["with Alt it is a new line", enter({ altKey: true }), false, false],
  ["on a touch screen it is a new line", enter(), true, false],
  ["on a touch screen with a keyboard, Ctrl and Enter send", enter({ ctrlKey: true }), true, true],
  ["another key does not send", enter({ key: "a", keyCode: 65 }), false, false],
])("%s", (_what, key, touch, sends) => {
  expect(enterSends(key, NEVER, touch)).toBe(sends);
});

describe("the Enter that ends a composition does not send", () => {
  test("in Chromium and Firefox: keydown while composing, then compositionend", () => {
    expect(enterSends(enter({ isComposing: true }), NEVER, false)).toBe(false);
    expect(enterSends(enter({ keyCode: 229 }), NEVER, false)).toBe(false);
  });

  test("in Safari: compositionend, then a keydown that composes no more", () => {
    expect(enterSends(enter({ timeStamp: 1_005 }), 1_000, false)).toBe(false);
  });

  test("and the next one does", () => {
    expect(enterSends(enter({ timeStamp: 1_031 }), 1_000, false)).toBe(true);
  });
});

test.each([
  ["a letter", { key: "a" }, true],
  ["a letter of two code units", { key: "𝒶" }, true],
  ["a capital letter", { key: "A", shiftKey: true }, true],
  ["a space, which presses a button", { key: " " }, false],
  ["an arrow", { key: "ArrowUp" }, false],
  ["Tab", { key: "Tab" }, false],
  ["a shortcut", { key: "c", ctrlKey: true }, false],
  ["a shortcut of macOS", { key: "c", metaKey: true }, false],
  ["a menu's key", { key: "f", altKey: true }, false],
])("%s goes into the field, wherever it is typed: %s", (_what, pressed, typed) => {
  expect(isTyped({ ...enter(), metaKey: false, ...pressed })).toBe(typed);
});

test.each([
  ["Escape", {}, true],
  ["Escape while composing", { isComposing: true }, false],
  ["Escape that Safari reports after the composition", { keyCode: 229 }, false],
])("%s ends what is under way: %s", (_what, pressed, ends) => {
  expect(escapes({ key: "Escape", isComposing: false, keyCode: 27, ...pressed })).toBe(ends);
});

/** The catalogue of words, and how dates are written. */

import { expect, test } from "vitest";
import { de } from "../../src/app/words/de.ts";
import { en } from "../../src/app/words/en.ts";
import { plural } from "../../src/app/words/plural.ts";
import { day, daysBetween, listed, period } from "../../src/app/words/times.ts";
import { LANGUAGES } from "../../src/app/words/words.ts";
import { EMOJI } from "../../src/client/crypto/emoji.ts";

const AT = new Date(2026, 10, 29, 12, 0).getTime();
const DAY = 86_400_000;

test("numbers take the forms of their language", () => {
  const forms = { one: "1", few: "2-4", many: "5+", other: "?" };
  expect([0, 1, 2].map((n) => plural("en", n, forms))).toEqual(["?", "1", "?"]);
  expect([1, 2, 5].map((n) => plural("pl", n, forms))).toEqual(["1", "2-4", "5+"]);
  expect([en.unread(1), en.unread(2), de.unread(1), de.unread(2)]).toEqual([
    "1 unread message",
    "2 unread messages",
    "1 ungelesene Nachricht",
    "2 ungelesene Nachrichten",
  ]);
});

test("no word is empty, in any language", () => {
  const leaves = (value: unknown): unknown[] =>
    typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [value];
  for (const language of LANGUAGES) expect(leaves(language)).not.toContain("");
});

test("each picture of a comparison has a word of its own, in any language", () => {
  for (const { emojiName } of LANGUAGES) {
    expect(new Set(EMOJI.map(({ name }) => emojiName(name))).size).toBe(EMOJI.length);
  }
  const same = EMOJI.filter(({ name }) => de.emojiName(name) === name).map(({ name }) => name);
  expect(same).toEqual(["Panda", "Pizza", "Hammer", "Ball"]);
});

test("a day is today, yesterday, a weekday, and then a date", () => {
  const shown = [0, 1, 3, 7].map((days) => day(AT - days * DAY, AT));
  expect(shown.slice(0, 3)).toEqual(["Today", "Yesterday", "Thursday"]);
  expect(shown[3]).toContain("2026");
  expect(listed(AT - DAY, AT)).toBe("Yesterday");
  expect([6, 7].map((days) => listed(AT - days * DAY, AT))).toEqual(["Monday", "11/22/26"]);
});

test("a time is said in the largest unit of which it is a whole number", () => {
  const said = [86_400, 28_800, 90, 60, 3_601].map(period);
  expect(said).toEqual(["1 day", "8 hours", "90 seconds", "1 minute", "3,601 seconds"]);
});

test("midnight parts two days, whatever the hours between", () => {
  const late = new Date(2026, 10, 28, 23, 59).getTime();
  expect(daysBetween(late, late + 120_000)).toBe(1);
  expect(daysBetween(late - 20 * 3_600_000, late)).toBe(0);
});

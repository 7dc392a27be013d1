/** The catalogue of words, and how dates are written. */

import { afterEach, expect, test, vi } from "vitest";
import { de } from "../../src/app/words/de.ts";
import { en } from "../../src/app/words/en.ts";
import { plural } from "../../src/app/words/plural.ts";
import {
  bytes,
  countdown,
  day,
  daysBetween,
  full,
  lasting,
  listed,
  moment,
  period,
  within,
} from "../../src/app/words/times.ts";
import { chooseLanguage, LANGUAGES, locale, words } from "../../src/app/words/words.ts";
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

test("a time to wait is said in a unit that is not much too large", () => {
  const said = [1, 90, 120, 121, 900, 5_400, 86_400, 200_000].map(within);
  expect(said.map((each) => each.replace("in ", ""))).toEqual([
    "1 second",
    "90 seconds",
    "2 minutes",
    "3 minutes",
    "15 minutes",
    "90 minutes",
    "24 hours",
    "3 days",
  ]);
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

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test("a day of 23 hours is a day: clocks are put forward on 29 March 2026 in Berlin", () => {
  vi.stubEnv("TZ", "Europe/Berlin");
  const at = (date: number) => new Date(2026, 2, date, 12).getTime();
  expect([daysBetween(at(28), at(29)), daysBetween(at(28), at(30))]).toEqual([1, 2]);
  expect(day(at(28), at(29))).toBe("Yesterday");
});

test("a moment has its clock, and its day where that is not today", () => {
  const clock = (text: string) => text.replace(/\s/g, " ");
  const shown = [0, 1, 2].map((days) => clock(moment(AT - days * DAY, AT)));
  expect(shown).toEqual(["12:00 PM", "Yesterday 12:00 PM", "Nov 27, 2026, 12:00 PM"]);
});

test("a countdown ends when nothing is left, and a time has two digits of seconds", () => {
  expect([0, 1, 59_001, 67_000, 600_000].map(countdown)).toEqual([
    "0:00",
    "0:01",
    "1:00",
    "1:07",
    "10:00",
  ]);
  expect([7, 67].map(lasting)).toEqual(["0:07", "1:07"]);
  expect([999, 1_000, 2_500_000].map(bytes)).toEqual(["999 byte", "1 kB", "2.5 MB"]);
});

test("the language that is chosen is kept, and dates are written in it, as its region writes them", () => {
  const stored = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  });
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: ["en-GB", "de-AT"] });
  const shown = (code: string) => {
    chooseLanguage(code);
    return [words().code, document.documentElement.lang, locale()];
  };
  try {
    expect(full(AT)).toContain("Sunday");
    expect(shown("de")).toEqual(["de", "de", "de-AT"]);
    expect([full(AT).slice(0, 7), [...stored.values()]]).toEqual(["Sonntag", ["de"]]);
  } finally {
    expect(shown("en")).toEqual(["en", "en", "en-GB"]);
  }
});

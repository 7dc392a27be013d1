/** Dates and times as people read them, by Intl. `now` comes in, so that tests can set it. */

import { locale, words } from "./words.ts";

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(locale(), options);
    formats.set(key, found);
  }
  return found;
}

export function clock(at: number): string {
  return format("clock", { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** The number of midnights between the two times; 0 on the same day. */
export function daysBetween(earlier: number, later: number): number {
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** The text of a day separator: today, yesterday, the weekday, or the date. */
export function day(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return words().today;
  if (days === 1) return words().yesterday;
  if (days > 1 && days < 7) return format("weekday", { weekday: "long" }).format(at);
  return format("date", { day: "numeric", month: "long", year: "numeric" }).format(at);
}

/** In a list: the clock today, then the day, then the date. */
export function listed(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return clock(at);
  if (days === 1) return words().yesterday;
  if (days > 1 && days < 7) return format("weekday", { weekday: "long" }).format(at);
  return format("short", { dateStyle: "short" }).format(at);
}

/** In a sentence, after a word such as "last seen". */
export function moment(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return clock(at);
  if (days === 1) return `${words().yesterday} ${clock(at)}`;
  return format("moment", { dateStyle: "medium", timeStyle: "short" }).format(at);
}

export function full(at: number): string {
  return format("full", { dateStyle: "full", timeStyle: "short" }).format(at);
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** "in 5 seconds", "in 15 minutes": in the largest unit of which it is two or more, rounded up. */
export function within(seconds: number): string {
  const [unit, length] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ["second", 1];
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "always" });
  return format.format(Math.ceil(seconds / length), unit);
}

/** "1 day", "8 hours": in the largest unit of which it is a whole number. */
export function period(seconds: number): string {
  const [unit, length] = UNITS.find(([, length]) => seconds % length === 0) ?? ["second", 1];
  const options = { style: "unit", unit, unitDisplay: "long" } as const;
  return new Intl.NumberFormat(locale(), options).format(seconds / length);
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** "240 kB" */
export function bytes(count: number): string {
  const step = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const options = { style: "unit", unit: SIZES[step] ?? "byte", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale(), options).format(count / 1000 ** step);
}

export function percent(share: number): string {
  return new Intl.NumberFormat(locale(), { style: "percent" }).format(share);
}

/** How long something lasts, as "1:07". */
export function lasting(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** What is left, in minutes and seconds: 1:07. */
export function countdown(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

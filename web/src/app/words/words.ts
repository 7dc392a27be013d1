/** The words of the page in the language that its user wants; a missing word does not compile. */

import { de } from "./de.ts";
import { en } from "./en.ts";

/** What each language has: the same keys, with texts and functions of the same parameters. */
export type Words = Widened<typeof en>;

type Widened<T> = T extends string
  ? string
  : T extends (...given: infer Given) => string
    ? (...given: Given) => string
    : { readonly [Key in keyof T]: Widened<T[Key]> };

export const LANGUAGES: readonly Words[] = [en, de];

const STORED = "switchboard.language";

let current: Words = pick();

function pick(): Words {
  const wanted = [stored(), ...(globalThis.navigator?.languages ?? [])];
  for (const tag of wanted) {
    const found = LANGUAGES.find(({ code }) => tag?.toLowerCase().split("-")[0] === code);
    if (found !== undefined) return found;
  }
  return en;
}

function stored(): string | undefined {
  return globalThis.localStorage?.getItem(STORED) ?? undefined;
}

export function words(): Words {
  return current;
}

/** What Intl formats by: the user's own region where it is of the chosen language. */
export function locale(): string {
  const own = globalThis.navigator?.languages?.find((tag) => tag.startsWith(current.code));
  return own ?? current.code;
}

export function chooseLanguage(code: string): void {
  localStorage.setItem(STORED, code);
  current = pick();
  document.documentElement.lang = current.code;
}

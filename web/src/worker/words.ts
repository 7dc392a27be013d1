/** The words of a notification that has no text to show, in the languages of the page. */

import type { FileKind } from "../client/index.ts";

const FALLBACK = {
  en: { title: "New message", body: "Open Switchboard to read it." },
  de: { title: "Neue Nachricht", body: "Öffne Switchboard, um sie zu lesen." },
} as const;

const KINDS = {
  en: { picture: "Picture", voice: "Voice message", file: "File" },
  de: { picture: "Bild", voice: "Sprachnachricht", file: "Datei" },
} as const;

/** A word for each kind of file. */
export type KindWords = Readonly<Record<FileKind, string>>;

/** What a notification shows as long as the text is not there. */
export function fallback(languages: readonly string[]): { title: string; body: string } {
  return FALLBACK[language(languages)];
}

export function kindWords(languages: readonly string[]): KindWords {
  return KINDS[language(languages)];
}

/** The first of the browser's `languages` that there is. */
function language(languages: readonly string[]): "en" | "de" {
  const codes = languages.map((tag) => tag.toLowerCase().split("-")[0]);
  const found = codes.find((code) => code === "en" || code === "de");
  return found === "de" ? "de" : "en";
}

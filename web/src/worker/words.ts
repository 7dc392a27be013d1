/** What a notification says as long as its text is not there, in the languages of the page. */

const FALLBACK = {
  en: { title: "New message", body: "Open Switchboard to read it." },
  de: { title: "Neue Nachricht", body: "Öffne Switchboard, um sie zu lesen." },
} as const;

/** In the first of the browser's `languages` that there is. */
export function fallback(languages: readonly string[]): { title: string; body: string } {
  const codes = languages.map((tag) => tag.toLowerCase().split("-")[0]);
  const found = codes.find((code) => code === "en" || code === "de");
  return FALLBACK[found === "de" ? "de" : "en"];
}

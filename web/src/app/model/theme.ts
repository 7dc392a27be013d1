/** The theme: light, dark, or as the system; an attribute of the page that the colours follow. */

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "switchboard.theme";

export function theme(): Theme {
  const stored = localStorage.getItem(STORED);
  return THEMES.find((each) => each === stored) ?? "auto";
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(STORED, chosen);
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = theme();
}

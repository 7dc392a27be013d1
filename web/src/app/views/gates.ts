/** Panes in place of the chats: another tab, lost keys, a state that can't be opened. */

import { html, nothing, type TemplateResult } from "lit";
import type { Phase } from "../model/app.ts";
import { words } from "../words/words.ts";
import { type Icon, icon } from "./parts.ts";
import type { Ui } from "./ui.ts";

type Gate = Exclude<Phase, { at: "in" } | { at: "signed-out" }>;

export function gate(phase: Gate, ui: Ui): TemplateResult {
  const say = words();
  const { app } = ui;
  switch (phase.at) {
    case "opening":
      return html`<main class="gate"><p class="opening" role="status">${say.opening}</p></main>`;
    case "elsewhere":
      return card("device", say.elsewhereTitle, phase.taking ? say.takingOver : say.elsewhereText, [
        phase.taking ? nothing : button(say.useHere, () => app.takeOver()),
      ]);
    case "keys-gone":
      return card("warning", say.keysGoneTitle, say.keysGoneText(phase.user), [
        button(say.keysGoneNew, () => void app.forget()),
      ]);
    case "broken":
      return card("warning", say.brokenTitle, `${phase.reason}. ${say.brokenText}`, [
        button(say.reload, () => location.reload()),
      ]);
    case "ended":
      if (phase.why === "displaced") {
        return card("device", say.displacedTitle, say.elsewhereText, [
          button(say.useHere, () => location.reload()),
        ]);
      }
      return card("lock", say.signedOutTitle, say.signedOutText, [
        button(say.signIn, () => void app.forget()),
      ]);
  }
}

function card(
  sign: Icon,
  title: string,
  text: string,
  actions: readonly unknown[],
): TemplateResult {
  return html`<main class="gate">
    <div class="card">
      <span class="empty-sign">${icon(sign)}</span>
      <h1>${title}</h1>
      <p>${text}</p>
      ${actions}
    </div>
  </main>`;
}

function button(label: string, click: () => void): TemplateResult {
  return html`<button type="button" class="primary" @click=${click}>${label}</button>`;
}

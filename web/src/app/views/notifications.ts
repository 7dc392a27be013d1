/** The switch for notifications while the page is closed. */

import { html, type TemplateResult } from "lit";
import type { Session } from "../model/session.ts";
import { words } from "../words/words.ts";
import { show } from "./controls.ts";
import type { Ui } from "./ui.ts";

export function notifications(ui: Ui, session: Session): TemplateResult {
  const say = words();
  const model = ui.app.notifications;
  const { state } = model;
  const turn = ({ target }: Event) =>
    ui.run(async () => {
      try {
        await (state === "on" ? model.turnOff(session.client) : model.turnOn(session.client));
      } finally {
        show(target as HTMLInputElement, model.state === "on"); // the browser's user may deny them
      }
    });
  return html`<h2 class="section">${say.notifications}</h2>
    <div class="form">
      <label class="check"
        ><input
          type="checkbox"
          .checked=${state === "on"}
          ?disabled=${state === "unsupported" || state === "denied"}
          aria-describedby="notify-text"
          @change=${turn}
        />${say.notify}</label
      >
      <p class="rule" id="notify-text">${say.notifyText[state]}</p>
    </div>`;
}

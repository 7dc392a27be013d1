/** Requests of people who are no contacts, and groups that the user is invited to. */

import { html, type TemplateResult } from "lit";
import { hashOf } from "../model/route.ts";
import type { Session } from "../model/session.ts";
import { words } from "../words/words.ts";
import { avatar, empty, header } from "./parts.ts";
import type { Ui } from "./ui.ts";

export function requests(ui: Ui, session: Session): TemplateResult {
  const say = words();
  const asked = session.requests;
  const top = header(say.requests, { back: () => ui.go({ at: "list" }) });
  if (asked.length + session.invitations.length === 0) {
    return html`${top}${empty("inbox", say.noRequests, say.noRequestsText)}`;
  }
  return html`${top}
    <ul class="people">
      ${asked.map(({ chat }) => {
        const user = session.peer(chat) ?? "?";
        return html`<li>
          <a class="person" href=${hashOf({ at: "chat", chat })}>
            ${avatar(user)}<span>${say.requestFrom(user)}</span>
          </a>
        </li>`;
      })}
      ${session.invitations.map(
        ({ chat, by }) =>
          html`<li class="person">
            ${avatar(by, { group: true })}<span class="grows">${say.invitationFrom(by)}</span>
            ${choice(ui, session, chat)}
          </li>`,
      )}
    </ul>`;
}

function choice(ui: Ui, session: Session, chat: string): TemplateResult {
  const say = words();
  const people = session.client.people;
  const then = (act: () => Promise<void>, open: boolean) => {
    const go = ui.goAfter();
    ui.run(async () => {
      await act();
      await session.refreshPeople();
      await session.known(chat);
      if (open) go({ at: "chat", chat });
    });
  };
  return html`<button type="button" @click=${() => then(() => people.decline(chat), false)}>
      ${say.decline}
    </button>
    <button type="button" class="primary" @click=${() => then(() => people.accept(chat), true)}>
      ${say.accept}
    </button>`;
}

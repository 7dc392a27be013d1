/** A question and a menu, as the browser's own dialogs: they keep the focus in and give it back. */

import { html, nothing } from "lit";
import type { StoredMessage } from "../../client/index.ts";
import { words } from "../words/words.ts";
import { pictureUrl, round } from "./parts.ts";
import { type Menu, type Question, reasonIn } from "./ui.ts";
import { View } from "./view.ts";

export class Dialogs extends View {
  /** Why it failed; of its own question, which may have been removed without being closed. */
  #problem: { readonly question: Question; readonly text: string } | undefined;
  /** What is being done; its dialog may be closed meanwhile, and another one open. */
  #running: Question | undefined;

  protected override render() {
    this.follow(this.ui, this.ui.session?.files);
    const { question, menu, looking } = this.ui;
    if (looking !== undefined) return this.#picture(looking);
    if (question !== undefined) return this.#question(question);
    return menu === undefined ? nothing : this.#menu(menu);
  }

  #question(question: Question) {
    const { title, text, action, danger, field } = question;
    return html`<dialog aria-labelledby="dialog-title" @close=${this.#closed}>
      <form @submit=${this.#submitted}>
        <h2 id="dialog-title">${title}</h2>
        <p>${text}</p>
        ${
          field === undefined
            ? nothing
            : html`<label
              >${field.label}
              <input
                name="typed"
                type=${field.type}
                .value=${field.value ?? ""}
                required
                autocomplete=${field.type === "password" ? "current-password" : "off"}
            /></label>`
        }
        ${
          this.#problem?.question === question
            ? html`<p class="problem" role="alert">${this.#problem.text}</p>`
            : nothing
        }
        <div class="buttons">
          <button type="button" @click=${() => this.#close()}>${words().cancel}</button>
          <button class=${danger ? "danger" : "primary"} ?disabled=${this.#running === question}>${action}</button>
        </div>
      </form>
    </dialog>`;
  }

  #picture({ content }: StoredMessage) {
    if (content?.kind !== "file") return nothing;
    const { file } = content;
    const fetched = this.ui.session?.files.of(file);
    const here = fetched?.at === "here";
    const thumbnail = file.thumbnail === undefined ? undefined : pictureUrl(file.thumbnail);
    const source = here && fetched.drawn ? fetched.url : thumbnail;
    return html`<dialog class="looking" aria-label=${file.name} @close=${this.#closed} @click=${this.#beside}>
      <div class="looking-bar">
        <bdi>${file.name}</bdi>
        ${fetched?.at === "failed" ? html`<span role="alert">${reasonIn(fetched.error)}</span>` : nothing}
        ${here && !fetched.drawn ? html`<span role="status">${words().notDrawn}</span>` : nothing}
        ${here ? html`<a href=${fetched.url} download=${file.name}>${words().downloadFile}</a>` : nothing}
        ${round("close", words().close, () => this.#close())}
      </div>
      ${source === undefined ? nothing : html`<img src=${source} alt=${file.name} />`}
    </dialog>`;
  }

  #menu({ title, items, emoji = [], chosen, react }: Menu) {
    return html`<dialog class="menu" aria-label=${title} @close=${this.#closed} @click=${this.#beside}>
      <p class="menu-title" dir="auto">${title}</p>
      ${
        emoji.length === 0
          ? nothing
          : html`<div class="choices">
              ${emoji.map(
                (each) =>
                  html`<button
                    type="button"
                    aria-label=${words().reactWith(each)}
                    aria-pressed=${each === chosen}
                    @click=${() => {
                      this.#over();
                      react?.(each);
                    }}
                  >
                    ${each}
                  </button>`,
              )}
            </div>`
      }
      ${items.map(
        ({ label, run }) =>
          html`<button
            type="button"
            @click=${() => {
              this.#over();
              run();
            }}
          >
            ${label}
          </button>`,
      )}
      <button type="button" class="quiet" @click=${() => this.#close()}>${words().cancel}</button>
    </dialog>`;
  }

  protected override updated(): void {
    const dialog = this.#dialog;
    if (this.#isGone(this.ui.looking)) this.#over();
    else if (dialog !== null && !dialog.open) dialog.showModal();
  }

  /** The picture's message has been deleted or has disappeared while it was looked at. */
  #isGone(looking: StoredMessage | undefined): boolean {
    const file = looking?.content?.kind === "file" ? looking.content.file : undefined;
    return file !== undefined && this.ui.session?.files.of(file) === undefined;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.querySelector("dialog");
  }

  #close(): void {
    this.#dialog?.close();
  }

  #over(): void {
    this.#close();
    this.ui.dismiss();
  }

  /** By a button, or by Escape. */
  readonly #closed = (event: Event): void => {
    if (event.target !== this.#dialog) return; // what was chosen has opened the next one
    this.ui.dismiss();
  };

  readonly #beside = (event: MouseEvent): void => {
    if (event.target === this.#dialog) this.#close();
  };

  readonly #submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    const typed = String(new FormData(event.target as HTMLFormElement).get("typed") ?? "");
    const { question } = this.ui;
    if (question !== undefined) void this.#run(question, typed);
  };

  async #run(question: Question, typed: string): Promise<void> {
    const { ui } = this;
    const { session } = ui;
    this.#running = question;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      await question.run(typed);
      if (ui.question === question) this.#close();
    } catch (error) {
      if (ui.question === question) this.#problem = { question, text: reasonIn(error) };
      else if (ui.session === session) ui.say(reasonIn(error));
    }
    if (this.#running === question) this.#running = undefined;
    this.requestUpdate();
  }
}

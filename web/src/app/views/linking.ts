/**
 * The pane of a new device: a code for a device that is signed in, and whose account it is then.
 */

import { html, nothing, type TemplateResult } from "lit";
import { inGroups, type Linked, qrTextOf } from "../../client/index.ts";
import { BeingLinked } from "../model/being-linked.ts";
import { countdown } from "../words/times.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import { qrCode } from "./qr.ts";
import { reasonIn } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

const SECOND_MS = 1_000;

export class LinkingView extends View {
  static override readonly properties = { ...View.properties, back: GIVEN };
  declare back: () => void;
  readonly #linking = new BeingLinked(() => this.ui.app.newDevice());
  #problem: string | undefined;
  #busy = false;
  #ticking: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#linking.begin();
    this.#ticking = setInterval(() => this.requestUpdate(), SECOND_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#linking.end();
    clearInterval(this.#ticking);
  }

  protected override render() {
    this.follow(this.#linking);
    const say = words();
    const { now } = this.#linking;
    return html`<main class="gate">
      <div class="card">
        <div class="brand"><img src="icon.svg" alt="" />${say.app}</div>
        ${now.at === "confirmed" ? this.#whose(now.linked) : this.#code()}
      </div>
      <p class="tagline">${icon("lock")} ${say.tagline}</p>
    </main>`;
  }

  #code(): TemplateResult {
    const say = words();
    const { now } = this.#linking;
    const code = now.at === "shown" ? inGroups(now.code) : undefined;
    return html`<h1>${say.linkThis}</h1>
      ${now.at === "asking" ? html`<p role="status">${say.opening}</p>` : nothing}
      ${
        now.at === "shown" && code !== undefined
          ? html`<p>${say.linkThisText}</p>
              ${qrCode(qrTextOf(now.code), say.linkCode)}
              <p class="link-code" aria-label=${say.linkCode}>${code}</p>
              <p class="rule centred">
                ${say.goodFor(countdown(Math.max(0, now.until - performance.now())))}
              </p>
              <button type="button" @click=${() => this.#copy(code)}>${say.copyCode}</button>`
          : nothing
      }
      ${
        now.at === "over"
          ? html`<p class="problem" role="alert">${reasonIn(now.error)}</p>
              <button type="button" class="primary" @click=${() => void this.#linking.begin()}>
                ${say.anotherCode}
              </button>`
          : nothing
      }
      <p class="ways">
        <button type="button" class="link" @click=${() => this.back()}>${say.byPassword}</button>
      </p>`;
  }

  #whose(linked: Linked): TemplateResult {
    const say = words();
    const { user, by } = linked.confirmation;
    return html`<h1>${say.isThatYou(user)}</h1>
      <p>${say.isThatYouText(by)}</p>
      ${this.#problem === undefined ? nothing : html`<p class="problem" role="alert">${this.#problem}</p>`}
      <button
        type="button"
        class="primary"
        ?disabled=${this.#busy}
        @click=${() => void this.#enter(linked)}
      >
        ${say.thatIsMe}
      </button>
      <button type="button" ?disabled=${this.#busy} @click=${() => this.#linking.reject()}>${say.notMe}</button>`;
  }

  #copy(code: string): void {
    this.ui.run(async () => {
      await navigator.clipboard.writeText(code);
      this.ui.say(words().copied);
    });
  }

  async #enter(linked: Linked): Promise<void> {
    this.#busy = true;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      await this.ui.app.enterLinked(linked);
    } catch (error) {
      this.#problem = reasonIn(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }
}

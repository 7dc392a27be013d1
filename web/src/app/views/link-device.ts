/** The pane of a signed-in device that lets another one in, by the code that it shows. */

import { html, nothing, type TemplateResult } from "lit";
import { createRef, ref } from "lit/directives/ref.js";
import { Newest } from "../model/newest.ts";
import { hasCamera, scan } from "../model/scanner.ts";
import { isUnauthorized } from "../model/signing-in.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import { qrCode } from "./qr.ts";
import { orSay, Problem, reasonIn } from "./ui.ts";
import { View } from "./view.ts";

export class LinkDevice extends View {
  readonly #video = createRef<HTMLVideoElement>();
  #scanning: AbortController | undefined;
  #problem: string | undefined;
  #address = false;
  readonly #looks = new Newest();

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#scanning?.abort();
    this.#looks.forget();
  }

  protected override render() {
    const say = words();
    return html`<h2 class="section">${say.linkDevice}</h2>
      <ol class="steps">
        <li>${say.linkOpen} ${this.#page()}</li>
        <li>${say.linkChoose(say.linkThis)}</li>
        <li>${say.linkTake}</li>
      </ol>
      ${this.#problem === undefined ? nothing : html`<p class="problem" role="alert">${this.#problem}</p>`}
      ${this.#scanning === undefined ? this.#ways() : this.#camera()}`;
  }

  /** The address of this page, also as a code: a camera opens it without typing. */
  #page(): TemplateResult {
    const say = words();
    const address = `${location.origin}${location.pathname}`;
    return html`<bdi class="address">${address}</bdi>
      <button
        type="button"
        class="link"
        aria-expanded=${this.#address}
        @click=${() => {
          this.#address = !this.#address;
          this.requestUpdate();
        }}
      >
        ${say.asCode}
      </button>
      ${this.#address ? qrCode(address, address) : nothing}`;
  }

  #ways(): TemplateResult {
    const say = words();
    return html`<div class="actions">
        ${
          hasCamera()
            ? html`<button type="button" class="action" @click=${() => void this.#scan()}>
                ${icon("camera")} ${say.scanCode}
              </button>`
            : nothing
        }
      </div>
      <form class="form" @submit=${this.#typed}>
        <label
          >${say.linkCode}
          <input name="code" required autocomplete="off" autocapitalize="characters" spellcheck="false"
        /></label>
        <button>${say.next}</button>
      </form>`;
  }

  #camera(): TemplateResult {
    const say = words();
    return html`<div class="scanner">
      <video ${ref(this.#video)} playsinline muted aria-label=${say.cameraPicture}></video>
      <button type="button" @click=${() => this.#stop()}>${say.cancel}</button>
    </div>`;
  }

  async #scan(): Promise<void> {
    const scanning = new AbortController();
    this.#scanning = scanning;
    this.#problem = undefined;
    this.requestUpdate();
    await this.updateComplete;
    const video = this.#video.value;
    if (video === undefined) return;
    try {
      const text = await scan(video, scanning.signal);
      if (text !== undefined) await this.#look(text);
    } catch {
      this.#problem = words().noCamera;
    }
    if (this.#scanning === scanning) this.#stop();
  }

  #stop(): void {
    this.#scanning?.abort();
    this.#scanning = undefined;
    this.requestUpdate();
  }

  readonly #typed = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.#look(String(new FormData(event.target as HTMLFormElement).get("code") ?? ""));
  };

  /** Who asks, and what follows from letting it in. */
  async #look(code: string): Promise<void> {
    const { linking } = this.session.client;
    const say = words();
    this.#problem = undefined;
    this.#looks.forget();
    const counts = this.#looks.begin();
    try {
      const offer = await linking.offer(code);
      if (!counts()) return; // another code was taken since, or the pane is gone
      if (this.ui.question !== undefined) return; // what is asked now would be lost
      this.ui.ask({
        title: say.letIn,
        text: say.letInText(offer.label),
        action: say.letInAction,
        danger: true,
        field: { label: say.password, type: "password" },
        run: async (password) => {
          try {
            await orSay("forbidden", say.needsOperator, () => linking.confirm(offer, password));
          } catch (error) {
            throw isUnauthorized(error) ? new Problem(say.wrongPassword) : error;
          }
          this.ui.say(say.isLetIn(offer.label));
        },
      });
    } catch (error) {
      if (counts()) this.#problem = reasonIn(error);
    }
    this.requestUpdate();
  }
}

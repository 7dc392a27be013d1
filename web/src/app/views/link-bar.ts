/** The connection in words, with the time to the next attempt and a way not to wait for it. */

import { html, nothing } from "lit";
import { mayConnectNow } from "../model/link.ts";
import { within } from "../words/times.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import { waitsIn } from "./ui.ts";
import { View } from "./view.ts";

const SECOND_MS = 1_000;

export class LinkBar extends View {
  #ticking: ReturnType<typeof setTimeout> | undefined;

  protected override render() {
    this.follow(this.session, this.ui.app.notifications);
    const { link, problem, storeFailing } = this.session;
    const failing = storeFailing
      ? html`<p class="banner warning" role="alert">${icon("warning")} ${words().storeFailing}</p>`
      : nothing;
    const rejected =
      problem === undefined
        ? nothing
        : html`<p class="banner warning" role="alert">${icon("warning")} ${waitsIn(problem) ?? words().failed(problem)}</p>`;
    // The state is announced; the seconds, which change all the time, are not.
    return html`${failing} ${rejected} ${this.#newer()}
      <div class="link-bar link-${link.at}">
        <span class="unseen" role="status">${this.#state()}</span>
        ${link.at === "connected" ? nothing : html`<span aria-hidden="true">${this.#shown()}</span>`}
        ${
          mayConnectNow(link, Date.now())
            ? html`<button type="button" @click=${() => this.session.connectNow()}>${words().now}</button>`
            : nothing
        }
      </div>`;
  }

  /** A newer page is loaded when its user wants it, and not in the middle of a word. */
  #newer() {
    const { notifications } = this.ui.app;
    if (!notifications.updateWaits) return nothing;
    return html`<p class="banner" role="status">
      ${words().updateWaits}
      <button type="button" @click=${() => this.ui.run(() => this.#update())}>${words().update}</button>
    </p>`;
  }

  async #update(): Promise<void> {
    await this.session.drafts.flush();
    this.ui.app.notifications.update();
  }

  #state(): string {
    const say = words();
    return {
      connecting: say.connecting,
      "catching-up": say.catchingUp,
      connected: say.connected,
      waiting: this.#rejected() ?? say.noConnection,
      stopped: say.stopped,
    }[this.session.link.at];
  }

  #shown(): string {
    const { link } = this.session;
    if (link.at !== "waiting") return this.#state();
    const seconds = Math.ceil((link.until - Date.now()) / SECOND_MS);
    if (seconds <= 0) return words().connecting;
    const rejected = this.#rejected();
    const next = within(seconds);
    return rejected === undefined
      ? words().waitingFor(next)
      : `${rejected} ${words().nextTry(next)}`;
  }

  #rejected(): string | undefined {
    const { link } = this.session;
    if (link.at !== "waiting" || link.rejected === undefined) return undefined;
    const say = words();
    const { code, message } = link.rejected;
    if (code === "conflict") return say.tooManyDevices;
    return waitsIn(code) ?? say.failed(message);
  }

  protected override updated(): void {
    clearTimeout(this.#ticking);
    if (this.session.link.at !== "waiting") return;
    this.#ticking = setTimeout(() => this.requestUpdate(), SECOND_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#ticking);
  }
}

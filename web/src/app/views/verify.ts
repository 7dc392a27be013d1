/** The pane of verification: safety number, emoji, and keys that have changed. */

import { html, nothing, type TemplateResult } from "lit";
import type { KnownDevice } from "../../client/index.ts";
import { Newest } from "../model/newest.ts";
import { words } from "../words/words.ts";
import { header, icon } from "./parts.ts";
import { qrCode } from "./qr.ts";
import { reasonIn } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

const GROUP = 5;
const WRONG = ["mismatched_sas", "mismatched_commitment", "mismatched_mac"];

export class Verify extends View {
  static override readonly properties = { ...View.properties, chat: GIVEN, user: GIVEN };
  declare chat: string;
  declare user: string;
  #number: { digits: string; qr: string } | undefined;
  #devices: readonly KnownDevice[] = [];
  #problem: string | undefined;
  #result: string | undefined;
  #loaded: string | undefined;
  readonly #loads = new Newest();

  protected override willUpdate(): void {
    this.follow(this.session);
    if (this.#loaded === this.user) return;
    this.#loaded = this.user;
    this.#loads.forget();
    this.#devices = [];
    this.#number = this.#problem = this.#result = undefined; // they are another user's
    void this.#load();
  }

  async #load(): Promise<void> {
    const { session, user } = this;
    const { client } = session;
    const counts = this.#loads.begin();
    try {
      const devices = await client.devices.of(user);
      if (!counts()) return;
      this.#devices = devices;
      const number = await client.verification.safetyNumber(user);
      if (!counts()) return;
      this.#number = number;
      if (!devices.some(({ pending }) => pending !== undefined)) session.accepted(user);
      this.#problem = undefined;
    } catch (error) {
      if (counts()) this.#problem = reasonIn(error);
    }
    this.requestUpdate();
  }

  protected override render() {
    const say = words();
    const { ui, chat, user } = this;
    return html`${header(say.verifyWith(user), {
      back: () => ui.go({ at: "info", chat }),
    })}
      <div class="scrolls">
        ${this.#problem === undefined ? nothing : html`<p class="problem" role="alert">${this.#problem}</p>`}
        ${this.#changed()} ${this.#safety()} ${this.#emoji()}
      </div>`;
  }

  #changed() {
    const changed = this.#devices.filter(({ pending }) => pending !== undefined);
    if (changed.length === 0) return nothing;
    const say = words();
    return html`<section class="warned" aria-labelledby="changed-title">
      <h2 id="changed-title">${icon("warning")} ${say.changedTitle(this.user)}</h2>
      <p>${say.changedText}</p>
      <ul class="people">
        ${changed.map(
          ({ device, pending }) =>
            html`<li><bdi>${device}</bdi> <code>${pending?.ed25519}</code></li>`,
        )}
      </ul>
      <button
        type="button"
        class="danger"
        @click=${() =>
          this.ui.run(async () => {
            await this.session.client.verification.accept(this.user, changed);
            await this.#load();
          })}
      >
        ${say.acceptKeys}
      </button>
    </section>`;
  }

  #safety() {
    const say = words();
    const number = this.#number;
    if (number === undefined) return nothing;
    return html`<h2 class="section">${say.safetyNumber}</h2>
      <p class="rule">${say.safetyText(this.user)}</p>
      <p class="safety-number">
        ${groupsOf(number.digits).map((group) => html`<span>${group}</span> `)}
      </p>
      ${qrCode(number.qr, say.safetyNumber)}
      <form class="form" @submit=${this.#compared}>
        <label>${say.theirNumber}<input name="number" inputmode="numeric" autocomplete="off" required /></label>
        <button>${say.compare}</button>
      </form>
      <p role="status" class="rule">${this.#result ?? nothing}</p>`;
  }

  readonly #compared = (event: SubmitEvent): void => {
    event.preventDefault();
    const shown = String(new FormData(event.target as HTMLFormElement).get("number") ?? "");
    const { user } = this;
    this.ui.run(async () => {
      const { verification } = this.session.client;
      const same = await verification.compareSafetyNumber(user, shown);
      if (this.user === user) this.#result = same ? words().same : words().differ(user);
      await this.#load();
    });
  };

  // -- emoji

  #emoji() {
    const say = words();
    return html`<h2 class="section">${say.emoji}</h2>
      <p class="rule">${say.emojiText}</p>
      ${this.#devices.map((device) => this.#comparison(device))}`;
  }

  #comparison({ device, verified, pending }: KnownDevice): TemplateResult {
    const say = words();
    const name = `${this.user}/${device}`;
    const { verification } = this.session.client;
    const comparison = this.session.comparisons.get(name)?.comparison;
    const stage = comparison?.stage;
    const ended = stage === undefined || stage === "cancelled" || stage === "verified";
    const start = () => this.ui.run(() => verification.compare(this.chat, name));
    const decide = (same: boolean) => () => this.ui.run(() => verification.decide(name, same));
    const progress =
      stage === undefined
        ? nothing
        : stage === "asked" || stage === "requested"
          ? say.stage[stage](name)
          : stage === "cancelled" && WRONG.includes(comparison?.reason ?? "")
            ? say.stage.mismatch
            : say.stage[stage];
    return html`<div class="comparison">
      <p>
        ${icon(verified ? "shield" : "device")} <bdi>${device}</bdi>
        <span class="tag">${pending ? say.keysChanged : verified ? say.verified : say.notVerified}</span>
      </p>
      <p role="status">${progress}</p>
      ${
        stage === "comparing" || stage === "confirmed"
          ? html`<ol class="emoji">
              ${comparison?.emoji.map(
                ({ picture, name }) =>
                  html`<li><span aria-hidden="true">${picture}</span> ${say.emojiName(name)}</li>`,
              )}
            </ol>`
          : nothing
      }
      <div class="buttons">
        ${
          stage === "comparing"
            ? html`<button type="button" class="danger" @click=${decide(false)}>${say.theyDiffer}</button>
                <button type="button" class="primary" @click=${decide(true)}>${say.theySame}</button>`
            : nothing
        }
        ${
          ended && pending === undefined
            ? html`<button type="button" @click=${start}>${say.askDevice(device)}</button>`
            : nothing
        }
        ${
          stage === "asked"
            ? html`<button type="button" class="primary" @click=${start}>${say.accept}</button>`
            : nothing
        }
        ${
          ended
            ? nothing
            : html`<button
                type="button"
                @click=${() => this.ui.run(() => verification.cancel(name))}
              >
                ${say.cancel}
              </button>`
        }
      </div>
    </div>`;
  }
}

function groupsOf(digits: string): string[] {
  const plain = digits.replace(/\D/g, "");
  return plain.match(new RegExp(`.{1,${GROUP}}`, "g")) ?? [];
}

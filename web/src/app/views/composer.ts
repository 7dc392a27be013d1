/** Where a text is written: it grows with the text, keeps drafts, and knows input methods. */

import { html, nothing, type PropertyValues } from "lit";
import { ClientError, MessageTooLarge, StoreUnavailable } from "../../client/index.ts";
import { enterSends } from "../model/enter.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import { reasonIn } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

export class Composer extends View {
  declare chat: string;
  /** After a text was taken. */
  declare sent: () => void;
  #shown: string | undefined;
  #problem: string | undefined;
  #compositionEnded = Number.NEGATIVE_INFINITY;
  #sending = false;

  static override readonly properties = { ...View.properties, chat: GIVEN };

  protected override render() {
    const say = words();
    return html`<form class="composer" @submit=${this.#submitted}>
      ${
        this.#problem === undefined
          ? nothing
          : html`<p class="problem" role="alert">${this.#problem}</p>`
      }
      <textarea
        rows="1"
        aria-label=${say.write}
        placeholder=${say.write}
        dir="auto"
        enterkeyhint="enter"
        @input=${this.#typed}
        @keydown=${this.#pressed}
        @compositionend=${(event: CompositionEvent) => {
          this.#compositionEnded = event.timeStamp;
        }}
      ></textarea>
      <button class="send" aria-label=${say.send} title=${say.send}>${icon("send")}</button>
    </form>`;
  }

  /** The draft of the chat that is open now; never while somebody types in the same one. */
  protected override updated(changes: PropertyValues): void {
    if (changes.has("session")) this.follow();
    if (this.#shown === this.chat) return;
    this.#shown = this.chat;
    this.#problem = undefined;
    const area = this.#area;
    if (area === null) return;
    area.value = this.session.drafts.of(this.chat);
    area.setSelectionRange(area.value.length, area.value.length);
    this.focusUnlessTouch();
  }

  /** On a touch screen it would open the keyboard over what is to be read. */
  focusUnlessTouch(): void {
    if (!isTouch()) this.#area?.focus({ preventScroll: true });
  }

  get #area(): HTMLTextAreaElement | null {
    return this.querySelector("textarea");
  }

  readonly #typed = (): void => {
    const text = this.#area?.value ?? "";
    this.session.drafts.typed(this.chat, text);
    if (text !== "") void this.session.client.typing(this.chat).catch(() => {}); // nobody asked for it
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    if (!enterSends(event, this.#compositionEnded, isTouch())) return;
    event.preventDefault();
    void this.#send();
  };

  readonly #submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.#send();
  };

  /** What is not taken stays typed. */
  async #send(): Promise<void> {
    const area = this.#area;
    if (area === null || area.value.trim() === "" || this.#sending) return;
    const { chat } = this;
    const text = area.value.trimEnd();
    this.#sending = true;
    try {
      await this.session.send(chat, text);
      this.#problem = undefined;
      this.#taken(area, chat, text);
    } catch (error) {
      this.#problem = problemOf(error);
    } finally {
      this.#sending = false;
      this.requestUpdate();
      if (this.chat === chat) this.focusUnlessTouch();
    }
  }

  /** Only what was sent leaves the field: somebody may have typed on, or gone to another chat. */
  #taken(area: HTMLTextAreaElement, chat: string, text: string): void {
    if (this.chat === chat) {
      area.value = area.value.startsWith(text)
        ? area.value.slice(text.length).trimStart()
        : area.value;
      this.session.drafts.typed(chat, area.value);
      this.sent();
    } else {
      this.session.drafts.typed(chat, "");
    }
  }
}

function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

function problemOf(error: unknown): string {
  if (error instanceof MessageTooLarge) return words().tooLong;
  if (error instanceof StoreUnavailable) return words().notKept;
  return error instanceof ClientError ? error.message : reasonIn(error);
}

/**
 * The field where a text is written: it grows with the text, keeps drafts, and knows input methods.
 */

import { html, nothing, type PropertyValues } from "lit";
import type { Conversation } from "../model/conversation.ts";
import { enterSends, escapes } from "../model/enter.ts";
import { Recorder } from "../model/recorder.ts";
import { lasting } from "../words/times.ts";
import { words } from "../words/words.ts";
import { sendingFiles } from "./file.ts";
import { textOf } from "./message-body.ts";
import { icon, round } from "./parts.ts";
import { looksOf } from "./pictures.ts";
import { reasonIn } from "./ui.ts";
import { GIVEN, View } from "./view.ts";

export class Composer extends View {
  static override readonly properties = { ...View.properties, conversation: GIVEN };
  declare conversation: Conversation;
  /** After a text was taken. */
  declare sent: () => void;
  #shown: string | undefined;
  #problem: string | undefined;
  #compositionEnded = Number.NEGATIVE_INFINITY;
  #sending = false;
  #composed: Conversation["composing"];
  readonly #recorder = new Recorder();

  protected override render() {
    const say = words();
    const { recording } = this.#recorder;
    return html`<form class="composer ${recording ? "records" : ""}" @submit=${this.#submitted}>
      ${
        this.#problem === undefined
          ? nothing
          : html`<p class="problem" role="alert">${this.#problem}</p>`
      }
      ${this.#composing()}
      ${sendingFiles(this.conversation.chat, this.session, this.#cancelFile)}
      ${this.#recording()}
      <label class="round attach" title=${say.attach}>
        ${icon("clip")}<span class="unseen">${say.attach}</span>
        <input
          class="unseen"
          type="file"
          multiple
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            const files = [...(input.files ?? [])];
            input.value = "";
            void this.#attach(files);
          }}
        />
      </label>
      <textarea
        rows="1"
        aria-label=${say.write}
        placeholder=${say.write}
        dir="auto"
        enterkeyhint="enter"
        @input=${this.#typed}
        @keydown=${this.#pressed}
        @paste=${(event: ClipboardEvent) => {
          const files = [...(event.clipboardData?.files ?? [])];
          if (files.length > 0) event.preventDefault();
          void this.#attach(files);
        }}
        @compositionend=${(event: CompositionEvent) => {
          this.#compositionEnded = event.timeStamp;
        }}
      ></textarea>
      ${Recorder.possible ? round("microphone", say.record, () => void this.#record()) : nothing}
      <button class="send" aria-label=${say.send} title=${say.send}>${icon("send")}</button>
    </form>`;
  }

  /** The draft of the chat that is open now; never while somebody types in the same one. */
  protected override updated(changes: PropertyValues): void {
    if (changes.has("conversation")) {
      this.follow(this.conversation, this.session.files, this.#recorder);
    }
    this.#began();
    if (this.#shown === this.conversation.chat) return;
    this.#recorder.cancel();
    this.#shown = this.conversation.chat;
    this.#problem = undefined;
    const area = this.#area;
    if (area === null) return;
    area.value = this.session.drafts.of(this.conversation.chat);
    area.setSelectionRange(area.value.length, area.value.length);
    this.#focusOnceDrawn();
  }

  /** A recording hides the field until its end is drawn. */
  #focusOnceDrawn(): void {
    void this.updateComplete.then(() => this.focusUnlessTouch());
  }

  /** On a touch screen it would open the keyboard over what is to be read. */
  focusUnlessTouch(): void {
    if (!isTouch()) this.#area?.focus({ preventScroll: true });
  }

  /** After something that took time: the user may have gone on elsewhere on the page. */
  #focusAgain(): void {
    const { activeElement: at, body } = document;
    if (at === null || at === body || this.contains(at)) this.focusUnlessTouch();
  }

  /** On a device with a keyboard the field gets the focus. */
  focusIfSeen(): void {
    if (this.#area?.checkVisibility()) this.#area.focus({ preventScroll: true });
  }

  get #area(): HTMLTextAreaElement | null {
    return this.querySelector("textarea");
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#recorder.cancel();
  }

  // -- files

  async #attach(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    const { conversation } = this;
    const { chat, composing, answered } = conversation;
    const failed: string[] = [];
    for (const file of files) {
      try {
        const looks = await looksOf(file);
        await this.session.files.send(chat, file, looks, answered);
        if (this.#isOpen(chat)) this.sent();
      } catch (error) {
        failed.push(`${file.name}: ${reasonIn(error)}`);
      }
    }
    if (failed.length > 0) this.#failed(chat, failed.join(" "));
    else if (answered !== undefined) composed(conversation, composing);
    if (this.#isOpen(chat)) void this.updateComplete.then(() => this.#focusAgain());
  }

  /** Somebody may have gone elsewhere on the page while something was sent in this chat. */
  #isOpen(chat: string): boolean {
    return this.isConnected && this.conversation.chat === chat;
  }

  #failed(chat: string, reason: string): void {
    if (this.#isOpen(chat)) this.#problem = reason;
    else if (this.ui.session === this.session) this.ui.say(reason); // or else its user has left
    this.requestUpdate();
  }

  readonly #cancelFile = (messageId: string): void => {
    void this.session.files.cancel(messageId);
  };

  // -- a voice message

  #recording() {
    if (!this.#recorder.recording) return nothing;
    const say = words();
    const discard = () => {
      this.#problem = undefined;
      this.#recorder.cancel();
      this.#focusOnceDrawn();
    };
    return html`<div class="composing recording" role="group" aria-label=${say.recording}>
      ${icon("microphone")}
      <p>${say.recording} <time>${lasting(this.#recorder.seconds)}</time></p>
      ${round("bin", say.discardRecording, discard)}
      ${round("send", say.sendRecording, () => void this.#sendRecording())}
    </div>`;
  }

  async #record(): Promise<void> {
    try {
      await this.#recorder.start();
      this.#problem = undefined;
      await this.updateComplete; // the button that was pressed has gone
      this.#focusRecording();
    } catch {
      this.#problem = words().noMicrophone;
      this.requestUpdate();
    }
  }

  #focusRecording(): void {
    this.querySelector<HTMLElement>(".recording button:last-child")?.focus();
  }

  async #sendRecording(): Promise<void> {
    const { conversation } = this;
    const { chat, composing, answered } = conversation;
    this.#problem = undefined;
    try {
      const spoken = await this.#recorder.finish(words().fileSaid.voice);
      if (spoken !== undefined) {
        const { file, duration } = spoken;
        await this.session.files.send(chat, file, { kind: "voice", duration }, answered);
        if (this.#isOpen(chat)) this.sent();
        if (answered !== undefined) composed(conversation, composing);
      }
    } catch (error) {
      this.#failed(chat, reasonIn(error));
    }
    if (this.#isOpen(chat)) this.#focusOnceDrawn();
  }

  // -- a reply or an edit

  #composing() {
    const { composing } = this.conversation;
    if (composing === undefined) return nothing;
    const say = words();
    const { what, message } = composing;
    const own = message.sender === this.session.user;
    const who = own ? say.you : this.session.nameOf(message.sender);
    return html`<div class="composing">
      ${icon(what === "edit" ? "pencil" : "reply")}
      <p>
        <span class="quote-who">${what === "edit" ? say.editing : say.replyTo(who)}</span>
        <span class="quote-text" dir="auto">${textOf(message, this.session)}</span>
      </p>
      ${round("close", say.cancel, () => this.#cancel())}
    </div>`;
  }

  /** What was typed stays the draft: an edit has the text of its message meanwhile. */
  #began(): void {
    const { composing, chat } = this.conversation;
    const area = this.#area;
    if (this.#composed === composing || area === null) return;
    const before = this.#composed;
    if (this.#recorder.recording) this.#focusRecording();
    if (composing?.what === "edit" && this.#recorder.recording) {
      this.#problem = words().recordingFirst; // it stands where the edit's text would
      this.conversation.compose(before);
      return;
    }
    this.#composed = composing;
    if (composing?.what === "edit") area.value = composing.message.text ?? "";
    else if (before?.what === "edit") area.value = this.session.drafts.of(chat);
    area.focus({ preventScroll: true });
  }

  #cancel(): void {
    this.conversation.compose(undefined);
  }

  readonly #typed = (): void => {
    const text = this.#area?.value ?? "";
    if (this.conversation.composing?.what === "edit") return;
    this.session.drafts.typed(this.conversation.chat, text);
    if (text !== "")
      void this.session.client.messages.typing(this.conversation.chat).catch(() => {}); // nobody asked for it
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    if (escapes(event)) this.#cancel();
    if (!enterSends(event, this.#compositionEnded, isTouch())) return;
    event.preventDefault();
    void this.#send();
  };

  readonly #submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.#send();
  };

  /** A text that can't be sent now stays in the field. */
  async #send(): Promise<void> {
    const area = this.#area;
    if (area === null || area.value.trim() === "" || this.#sending) return;
    const { conversation } = this;
    const { chat, composing } = conversation;
    const text = area.value.trimEnd();
    this.#sending = true;
    try {
      if (composing?.what === "edit") await this.session.edit(composing.message, text);
      else await this.session.send(chat, text, composing?.message.reference);
      composed(conversation, composing);
      if (this.#isOpen(chat)) this.#problem = undefined;
      this.#taken(area, chat, text, composing?.what === "edit");
    } catch (error) {
      this.#failed(chat, reasonIn(error));
    } finally {
      this.#sending = false;
      this.requestUpdate();
      if (this.#isOpen(chat)) this.#focusAgain();
    }
  }

  /** Only what was sent leaves the draft: somebody may have typed on, edit, or have another chat open. */
  #taken(area: HTMLTextAreaElement, chat: string, text: string, edit: boolean): void {
    if (edit) return; // the draft comes back
    const { drafts } = this.session;
    const typed = drafts.of(chat);
    if (typed.startsWith(text)) drafts.typed(chat, typed.slice(text.length).trimStart());
    if (!this.#isOpen(chat)) return;
    // An edit that has begun meanwhile has the field.
    if (this.conversation.composing?.what !== "edit") area.value = drafts.of(chat);
    this.sent();
  }
}

/** The reply or edit is done, unless another one has begun meanwhile. */
function composed(conversation: Conversation, composing: Conversation["composing"]): void {
  if (composing !== undefined && conversation.composing === composing) {
    conversation.compose(undefined);
  }
}

function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

/** An open chat: its header, its messages, notices in place of the composer, and the composer. */

import { html, nothing } from "lit";
import type { ChatEntry } from "../model/chat-entries.ts";
import type { Conversation } from "../model/conversation.ts";
import { escapes, isTyped } from "../model/enter.ts";
import { Newest } from "../model/newest.ts";
import type { Route } from "../model/route.ts";
import { moment } from "../words/times.ts";
import { words } from "../words/words.ts";
import type { Composer } from "./composer.ts";
import { keyOf } from "./message.ts";
import type { MessageList } from "./message-list.ts";
import { pictureOf, titleOf } from "./names.ts";
import { avatar, header, icon, round } from "./parts.ts";
import { GIVEN, View } from "./view.ts";

export class ConversationView extends View {
  static override readonly properties = { ...View.properties, conversation: GIVEN };
  declare conversation: Conversation;
  #finding = false;
  #matches: readonly string[] = [];
  #match = 0;
  readonly #searches = new Newest();
  #of: Conversation | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.#typed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("keydown", this.#typed);
  }

  /** What is typed where nothing takes it goes into the field. */
  readonly #typed = (event: KeyboardEvent): void => {
    const taken = "input, textarea, select, dialog";
    if (!isTyped(event) || (event.target as Element).closest?.(taken)) return;
    if (document.querySelector("dialog[open]") === null) this.#composer?.focusIfSeen();
  };

  protected override render() {
    const { conversation, session, ui } = this;
    this.follow(ui, session);
    if (this.#of !== conversation) this.#endFind(); // it was in another chat
    this.#of = conversation;
    const entry = session.entry(conversation.chat);
    if (entry === undefined) return nothing;
    const chat = entry.chat;
    return html`${header(this.#title(entry), {
      back: () => ui.go({ at: "list" }),
      onlyNarrow: true,
      end: html`${round("search", words().find, () => this.#toggleFind())}${round(
        "more",
        words().chatInfo,
        () => ui.go({ at: "info", chat }),
      )}`,
    })}
    ${this.#finding ? this.#find() : nothing} ${this.#notices(entry)}
    <switchboard-messages
      .ui=${ui}
      .session=${session}
      .conversation=${conversation}
    ></switchboard-messages>
    ${this.#foot(entry)}`;
  }

  #title(entry: ChatEntry) {
    const { session, ui } = this;
    const title = titleOf(entry, session);
    const group = entry.kind === "group";
    return html`<button
      type="button"
      class="chat-title"
      @click=${() => ui.go({ at: "info", chat: entry.chat })}
    >
      ${avatar(title, { group, picture: pictureOf(entry, session) })}
      <span class="chat-title-text">
        <h1 class="title"><bdi>${title}</bdi></h1>
        <span class="under-title">${this.#underTitle(entry)}</span>
      </span>
    </button>`;
  }

  #underTitle(entry: ChatEntry) {
    const say = words();
    const { session } = this;
    const typing = session.typing(entry.chat);
    if (typing.length > 0) {
      const group = entry.kind === "group";
      return html`<span class="typing">${group ? say.typingOne(typing.map((user) => session.nameOf(user)).join(", ")) : say.typing}</span>`;
    }
    if (entry.kind === "group") return say.members(entry.members.length);
    const peer = session.peer(entry.chat);
    const presence = peer === undefined ? undefined : session.presence.get(peer);
    if (presence?.online === true) return say.online;
    if (presence?.lastSeen === undefined) return nothing;
    return say.lastSeen(moment(presence.lastSeen, Date.now()));
  }

  /** Changed keys, for which texts wait. */
  #notices(entry: ChatEntry) {
    const { session, ui } = this;
    const changed = entry.members.filter((user) => session.changedKeys.has(user));
    if (changed.length === 0) return nothing;
    const [first = ""] = changed;
    return html`<p class="banner warning" role="alert">
      ${icon("warning")} <span>${words().held(changed.join(", "))}</span>
      <button
        type="button"
        class="link"
        @click=${() => ui.go({ at: "verify", chat: entry.chat, user: first })}
      >
        ${words().review}
      </button>
    </p>`;
  }

  #foot(entry: ChatEntry) {
    const say = words();
    const { session, ui } = this;
    const { chat } = entry;
    if (entry.left) return html`<p class="foot-note">${say.notMember}</p>`;
    const peer = session.peer(chat);
    const people = session.client.people;
    const then = (act: () => Promise<void>, next?: Route) => {
      const go = ui.goAfter();
      ui.run(async () => {
        await act();
        await session.refreshPeople();
        if (next !== undefined) go(next);
      });
    };
    if (session.isRequest(chat) && peer !== undefined) {
      return html`<div class="foot-note request">
        <p>${say.requestFrom(peer)}</p>
        <button
          type="button"
          class="danger"
          @click=${() => then(() => people.block(peer), { at: "list" })}
        >
          ${say.block}
        </button>
        <button
          type="button"
          @click=${() => then(() => people.decline(chat), { at: "list" })}
        >
          ${say.decline}
        </button>
        <button type="button" class="primary" @click=${() => then(() => people.accept(chat))}>
          ${say.accept}
        </button>
      </div>`;
    }
    if (peer !== undefined && session.blocked.has(peer)) {
      return html`<p class="foot-note">
        ${say.blockedText(peer)}
        <button
          type="button"
          class="link"
          @click=${() => then(() => people.forget(peer))}
        >
          ${say.unblock}
        </button>
      </p>`;
    }
    return html`<switchboard-composer
      .ui=${ui}
      .session=${session}
      .conversation=${this.conversation}
      .sent=${() => this.#list?.toNewest()}
    ></switchboard-composer>`;
  }

  get #composer(): Composer | null {
    return this.querySelector<Composer>("switchboard-composer");
  }

  get #list(): MessageList | null {
    return this.querySelector<MessageList>("switchboard-messages");
  }

  // -- finding

  #find() {
    const say = words();
    const count = this.#matches.length;
    return html`<form
      class="find"
      role="search"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        this.#step(1);
      }}
    >
      ${icon("search")}
      <input
        type="search"
        aria-label=${say.find}
        placeholder=${say.find}
        @input=${(event: InputEvent) =>
          this.ui.run(() => this.#search((event.target as HTMLInputElement).value))}
        @keydown=${(event: KeyboardEvent) => {
          if (escapes(event)) this.#toggleFind();
        }}
      />
      <span role="status">${count > 0 ? say.matches(this.#match + 1, count) : nothing}</span>
      ${round("up", say.findPrevious, () => this.#step(1))}${round("down", say.findNext, () => this.#step(-1))}
    </form>`;
  }

  #toggleFind(): void {
    const finding = !this.#finding;
    this.#endFind();
    this.#finding = finding;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      if (this.#finding) this.querySelector<HTMLInputElement>(".find input")?.focus();
      else this.#composer?.focusUnlessTouch();
    });
  }

  #endFind(): void {
    this.#finding = false;
    this.#matches = [];
    this.#searches.forget();
  }

  /** The browser's own search can't see what is not in the page: this one sees all of the chat. */
  async #search(sought: string): Promise<void> {
    const wanted = sought.trim().toLocaleLowerCase();
    const { conversation } = this;
    this.#searches.forget();
    const counts = this.#searches.begin();
    this.#matches = [];
    if (wanted !== "") {
      await conversation.loadUntil(() => false);
      if (!counts()) return;
      this.#matches = conversation.messages
        .filter(({ text }) => text?.toLocaleLowerCase().includes(wanted))
        .map(keyOf)
        .reverse();
    }
    this.#match = 0;
    this.#showMatch();
  }

  /** The first match is the newest; the next one is further up. */
  #step(by: number): void {
    const count = this.#matches.length;
    if (count === 0) return;
    this.#match = (this.#match + by + count) % count;
    this.#showMatch();
  }

  #showMatch(): void {
    const key = this.#matches[this.#match];
    if (key !== undefined) this.#list?.jumpTo(key);
    this.requestUpdate();
  }
}

/**
 * The chats of the user, the newest first: name, last message, its time, and the number of unread
 * ones.
 */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ChatEntry } from "../model/chat-entries.ts";
import { chatOf, hashOf } from "../model/route.ts";
import { full, listed } from "../words/times.ts";
import { words } from "../words/words.ts";
import { textOf } from "./message-body.ts";
import { pictureOf, titleOf } from "./names.ts";
import { avatar, empty, header, icon, round, ticks } from "./parts.ts";
import { View } from "./view.ts";

export class ChatList extends View {
  #sought = "";

  protected override render() {
    this.follow(this.ui, this.session);
    const say = words();
    const { ui, session } = this;
    const now = Date.now();
    const chats = session.chats.filter(
      (entry) => !session.isRequest(entry.chat) && this.#fits(entry),
    );
    const actions = html`${round("add", say.newChat, () => ui.go({ at: "new" }))}${round(
      "people",
      say.newGroup,
      () => ui.go({ at: "new-group" }),
    )}${round("gear", say.settings, () => ui.go({ at: "settings" }))}`;
    return html`${header(say.chats, { end: actions })}
      <div class="search">
        ${icon("search")}
        <input
          type="search"
          aria-label=${say.search}
          placeholder=${say.search}
          @input=${(event: InputEvent) => {
            this.#sought = (event.target as HTMLInputElement).value.toLowerCase();
            this.requestUpdate();
          }}
        />
      </div>
      ${this.#requests()}
      ${
        chats.length === 0
          ? this.#none()
          : html`<ul class="chats" @keydown=${moveFocus}>
              ${repeat(
                chats,
                ({ chat }) => chat,
                (entry) => this.#row(entry, now),
              )}
            </ul>`
      }`;
  }

  #fits(entry: ChatEntry): boolean {
    if (this.#sought === "") return true;
    const known = [titleOf(entry, this.session), ...entry.members].join(" ").toLowerCase();
    return known.includes(this.#sought);
  }

  #none() {
    const say = words();
    if (this.#sought !== "") return empty("search", say.noneFound, this.#sought);
    const start = html`<button
      type="button"
      class="primary"
      @click=${() => this.ui.go({ at: "new" })}
    >
      ${say.newChat}
    </button>`;
    return empty("add", say.noChats, say.noChatsText, start);
  }

  #requests() {
    const { session } = this;
    const waiting = session.requests.length + session.invitations.length;
    if (waiting === 0) return nothing;
    return html`<a class="requests-row" href=${hashOf({ at: "requests" })}
      >${icon("inbox")} <span>${words().requestsWaiting(waiting)}</span></a
    >`;
  }

  #row(entry: ChatEntry, now: number): TemplateResult {
    const say = words();
    const { session } = this;
    const title = titleOf(entry, session);
    const peer = session.peer(entry.chat);
    const online = peer !== undefined && session.presence.get(peer)?.online === true;
    const open = chatOf(this.ui.route) === entry.chat;
    const at = entry.last?.sentAt;
    return html`<li>
      <a
        class="chat ${entry.unread > 0 ? "has-unread" : ""}"
        href=${hashOf({ at: "chat", chat: entry.chat })}
        aria-current=${open ? "true" : nothing}
      >
        ${avatar(title, { group: entry.kind === "group", online, picture: pictureOf(entry, session) })}
        <span class="chat-name"
          ><bdi>${title}</bdi>${online ? html`<span class="unseen">, ${say.online}</span>` : nothing}</span
        >
        ${
          at === undefined
            ? nothing
            : html`<time class="chat-time" datetime=${new Date(at).toISOString()} title=${full(at)}
              >${listed(at, now)}</time
            >`
        }
        <span class="chat-text">${this.#preview(entry)}</span>
        <span class="chat-marks">
          ${
            session.isMuted(entry.chat, now)
              ? html`${icon("mute")}<span class="unseen">${say.muted}</span>`
              : nothing
          }
          ${
            entry.unread > 0
              ? html`<span class="badge" aria-hidden="true">${entry.unread > 999 ? "999+" : entry.unread}</span
                ><span class="unseen">${say.unread(entry.unread)}</span>`
              : nothing
          }
        </span>
      </a>
    </li>`;
  }

  #preview(entry: ChatEntry) {
    const say = words();
    const { session } = this;
    const { chat, last } = entry;
    const typing = session.typing(chat);
    if (typing.length > 0) {
      return html`<span class="typing">${
        entry.kind === "group"
          ? say.typingOne(typing.map((user) => session.nameOf(user)).join(", "))
          : say.typing
      }</span>`;
    }
    const draft = session.drafts.of(chat);
    if (draft !== "" && chatOf(this.ui.route) !== chat) {
      return html`<span class="draft">${say.draft}:</span> <bdi>${draft}</bdi>`;
    }
    if (last === undefined) return html`<span class="quiet">${say.noTextYet}</span>`;
    const own = last.sender === session.user;
    const who = own || entry.kind !== "group" ? nothing : html`${session.nameOf(last.sender)}: `;
    const text = html`<bdi>${textOf(last, session)}</bdi>`;
    return html`${own && last.state !== undefined ? ticks(last.state) : nothing} ${who}${text}`;
  }
}

/** The arrow keys go through a list of links, as in every such list. */
export function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.currentTarget as HTMLElement;
  if (step === undefined) return;
  const links = [...list.querySelectorAll<HTMLElement>("a, button")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  next.focus();
}

/**
 * The body of a message, by its kind: as a template, and as a text. Each kind has its case in
 * `drawn` and in `textOf`, and nowhere else. A kind that this version doesn't know is shown as
 * such, never as nothing.
 */

import { html, nothing, type TemplateResult } from "lit";
import type { Attachment, Quote, StoredMessage } from "../../client/index.ts";
import type { Session } from "../model/session.ts";
import { explain } from "../model/undecryptable.ts";
import { period } from "../words/times.ts";
import { words } from "../words/words.ts";
import { fileOf } from "./file.ts";
import { type Icon, icon, written } from "./parts.ts";

/** What the row does when something inside is pressed. */
export interface Hands {
  readonly openMenu: (message: StoredMessage) => void;
  /** Shows the message that is answered. */
  readonly show: (quote: Quote) => void;
  /** Shows the picture of a message as large as the window. */
  readonly picture: (message: StoredMessage) => void;
  readonly react: (message: StoredMessage, emoji: string | null) => void;
}

export function body(message: StoredMessage, session: Session, hands: Hands): TemplateResult {
  const why = explain(message, session.registeredAt);
  if (why !== undefined) return setApart("lock", words().undecryptable[why]);
  if (message.deleted) return setApart("block", words().deleted);
  return drawn(message, session, hands);
}

function drawn(message: StoredMessage, session: Session, hands: Hands): TemplateResult {
  switch (message.kind) {
    case "text":
      return html`${message.reply === undefined ? nothing : quoted(message.reply, session, hands)}
        ${written(message.text ?? "")}`;
    case "file":
      return html`${message.reply === undefined ? nothing : quoted(message.reply, session, hands)}
        ${fileOf(message, session, hands.picture)}`;
    case "unreadable":
      return setApart("warning", words().undecryptable.broken);
    default:
      return setApart("warning", words().unknownKind);
  }
}

/** In words: for a row's name, for what is announced, for the list of chats. */
export function textOf(message: StoredMessage, session: Session): string {
  const say = words();
  const why = explain(message, session.registeredAt);
  if (why !== undefined) return say.undecryptable[why];
  if (message.deleted) return say.deleted;
  const { content } = message;
  const who = message.sender === session.user ? say.you : session.nameOf(message.sender);
  switch (message.kind) {
    case "text":
      return message.text ?? "";
    case "file": {
      if (content?.kind !== "file") return say.fileSaid.file;
      return fileText(content.file, message.text);
    }
    case "timer": {
      const seconds = content?.kind === "timer" ? content.seconds : 0;
      return seconds === 0 ? say.timerOff(who) : say.timerOn(who, period(seconds));
    }
    case "chat_name":
      return say.renamed(who, content?.kind === "chat_name" ? (content.name ?? "") : "");
    case "chat_picture":
      return say.newPicture(who);
    case "unreadable":
      return say.undecryptable.broken;
    default:
      return say.unknownKind;
  }
}

function fileText({ kind, name }: Attachment, text: string | undefined): string {
  const say = words();
  const named = kind === "file" ? `${say.fileSaid.file}: ${name}` : say.fileSaid[kind];
  return text ? `${named}, ${text}` : named;
}

/**
 * Whether it is a notice of a change of the chat: it is shown between the messages, without a
 * bubble.
 */
export function isNotice({ kind, deleted, unreadable }: StoredMessage): boolean {
  const notice = kind === "timer" || kind === "chat_name" || kind === "chat_picture";
  return notice && !deleted && unreadable === undefined;
}

export function reactions(message: StoredMessage, session: Session, hands: Hands) {
  if (message.reactions.length === 0) return nothing;
  const byEmoji = Map.groupBy(message.reactions, ({ emoji }) => emoji);
  return html`<ul class="reactions">
    ${[...byEmoji].map(([emoji, all]) => {
      const own = all.some(({ user }) => user === session.user);
      const who = all.map(({ user }) => session.nameOf(user)).join(", ");
      return html`<li>
        <button
          type="button"
          class="reaction"
          aria-pressed=${own}
          aria-label=${words().reactedBy(emoji, who)}
          title=${who}
          @click=${() => hands.react(message, own ? null : emoji)}
        >
          ${emoji} ${all.length > 1 ? all.length : nothing}
        </button>
      </li>`;
    })}
  </ul>`;
}

function quoted(quote: Quote, session: Session, hands: Hands): TemplateResult {
  const say = words();
  const who = quote.sender === session.user ? say.you : session.nameOf(quote.sender);
  return html`<button type="button" class="quote" @click=${() => hands.show(quote)}>
    <span class="quote-who">${who}</span>
    <span class="quote-text" dir="auto">${quotedText(quote)}</span>
  </button>`;
}

function quotedText({ deleted, file, text }: Quote): string {
  if (deleted) return words().deleted;
  return file === undefined ? (text ?? words().quoteNotHere) : fileText(file, text);
}

function setApart(sign: Icon, text: string): TemplateResult {
  return html`<div class="text set-apart">${icon(sign)} ${text}</div>`;
}

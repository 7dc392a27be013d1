/** One message as a row: sender, body, time and state. */

import { html, nothing, type TemplateResult } from "lit";
import { State, type StoredMessage } from "../../client/index.ts";
import type { Session } from "../model/session.ts";
import { clock, day, full } from "../words/times.ts";
import { words } from "../words/words.ts";
import { body, type Hands, isNotice, reactions, textOf } from "./message-body.ts";
import { colourOf, icon, ticks } from "./parts.ts";
import { whyFailed } from "./ui.ts";

export interface Row {
  readonly message: StoredMessage;
  readonly before: StoredMessage | undefined;
  /** Its name stands above it: the first of several of the same sender, in a group. */
  readonly named: boolean;
  readonly firstOfDay: boolean;
  /** The line above what was unread stands above it. */
  readonly unread: number | undefined;
  readonly active: boolean;
  readonly found: boolean;
}

/** Messages of one sender within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

/** A name for a message that no other has: positions come later, and ids are a sender's own. */
export function keyOf({ sender, senderDevice, messageId }: StoredMessage): string {
  return `${sender}/${senderDevice}/${messageId}`;
}

export function isFirstOfDay(message: StoredMessage, before: StoredMessage | undefined): boolean {
  if (message.sentAt === undefined) return false;
  if (before?.sentAt === undefined) return before === undefined;
  return new Date(message.sentAt).toDateString() !== new Date(before.sentAt).toDateString();
}

export function continues(message: StoredMessage, before: StoredMessage | undefined): boolean {
  if (before === undefined || before.sender !== message.sender) return false;
  return Math.abs((message.sentAt ?? before.sentAt ?? 0) - (before.sentAt ?? 0)) < TOGETHER_MS;
}

export function messageRow(row: Row, session: Session, hands: Hands): TemplateResult {
  const { message, before } = row;
  const { sender, sentAt, state, reason } = message;
  const own = sender === session.user;
  const say = words();
  const name = nameOf(message, session);
  const together = !row.firstOfDay && row.unread === undefined && continues(message, before);
  const classes = `message ${own ? "own" : "other"} ${together ? "continues" : ""} ${row.found ? "found" : ""}`;
  if (isNotice(message)) {
    return html`<li class="row" data-key=${keyOf(message)}>
      ${separators(row)}
      <div class="message chat-notice" role="article" aria-label=${name} tabindex=${row.active ? "0" : "-1"}>
        <span><bdi>${textOf(message, session)}</bdi></span>
      </div>
    </li>`;
  }
  return html`<li class="row" data-key=${keyOf(message)}>
    ${separators(row)}
    <div class=${classes} role="article" aria-label=${name} tabindex=${row.active ? "0" : "-1"}>
      <div class="bubble">
        ${row.named && !together ? html`<div class="sender ${colourOf(sender)}" aria-hidden="true">${session.nameOf(sender)}</div>` : nothing}
        ${body(message, session, hands)}
        <span class="meta">
          ${message.edited && !message.deleted ? html`<span>${say.edited}</span>` : nothing}
          ${message.expires === undefined ? nothing : html`<span title=${say.disappears}>${icon("clock")}</span>`}
          ${
            sentAt === undefined
              ? nothing
              : html`<time datetime=${new Date(sentAt).toISOString()} title=${full(sentAt)}
                >${clock(sentAt)}</time
              >`
          }
          ${own && state !== undefined ? ticks(state) : nothing}
        </span>
      </div>
      <button
        type="button"
        class="round small message-menu"
        tabindex=${row.active ? "0" : "-1"}
        aria-label=${say.actionsFor(name)}
        @click=${() => hands.openMenu(message)}
      >
        ${icon("more")}
      </button>
      ${reactions(message, session, hands)}
      ${
        state === State.FAILED && reason !== undefined
          ? html`<p class="failed-reason">${say.failedReason(whyFailed(reason))}</p>`
          : nothing
      }
    </div>
  </li>`;
}

/** A new day, and the line above what was unread. */
function separators({ message: { sentAt }, firstOfDay, unread }: Row) {
  const today =
    firstOfDay && sentAt !== undefined
      ? html`<div class="day"><span>${day(sentAt, Date.now())}</span></div>`
      : nothing;
  const line =
    unread === undefined
      ? nothing
      : html`<div class="unread-line"><span>${words().unreadLine(unread)}</span></div>`;
  return html`${today}${line}`;
}

/** Who, text, time, state: what a screen reader reads of a row. */
function nameOf(message: StoredMessage, session: Session): string {
  const own = message.sender === session.user;
  const who = own ? words().you : session.nameOf(message.sender);
  const parts = isNotice(message) ? [textOf(message, session)] : [who, textOf(message, session)];
  if (message.sentAt !== undefined) parts.push(clock(message.sentAt));
  if (message.edited && !message.deleted) parts.push(words().edited);
  if (own && message.state !== undefined) parts.push(words().state[message.state]);
  return parts.join(", ");
}

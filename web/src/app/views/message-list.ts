/**
 * The messages of a chat. The message that the reader looks at stays in its place when messages are
 * added above it, and only a window of the messages is in the page. Both are done here: Safari has
 * no scroll anchoring, and no browser has the second.
 */

import { html, nothing, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { StoredMessage } from "../../client/index.ts";
import type { Conversation } from "../model/conversation.ts";
import { hasRead } from "../model/reading.ts";
import * as windows from "../model/window.ts";
import { words } from "../words/words.ts";
import { attention } from "./attention.ts";
import { isFirstOfDay, keyOf, messageRow, type Row } from "./message.ts";
import { type Hands, textOf } from "./message-body.ts";
import { messageMenu } from "./message-menu.ts";
import { icon } from "./parts.ts";
import { GIVEN, View } from "./view.ts";

/** A reader within so many pixels of the end is at the end. */
const NEAR_END = 40;
/** Within so many pixels of its first or last row, the window of drawn rows is moved. */
const NEAR_EDGE = 800;
/** At most one announcement in this time. */
const ANNOUNCE_MS = 1_000;

interface Anchor {
  readonly key: string;
  /** Its upper edge below that of the list's view, in pixels. */
  readonly top: number;
}

export class MessageList extends View {
  static override readonly properties = { ...View.properties, conversation: GIVEN };
  declare conversation: Conversation;
  /** New messages are followed: the reader is at the end. */
  #following = true;
  #window: windows.Window = { start: 0, end: 0 };
  #drawn: readonly StoredMessage[] = [];
  #of: Conversation | undefined;
  /** Where the list was scrolled to when it last followed. */
  #followedTo = 0;
  #anchor: Anchor | undefined;
  #active: string | undefined;
  #found: string | undefined;
  #seenArrivals = 0;
  #announced = "";
  #announcedAt = 0;
  #jump: string | undefined;
  readonly #sizes = new ResizeObserver(() => this.#settle());
  #stopAttention: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stopAttention = attention.watch(() => this.#markRead());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stopAttention?.();
    this.#sizes.disconnect();
  }

  /** New messages below what is shown. */
  get #below(): number {
    return this.#following ? 0 : this.conversation.arrived - this.#seenArrivals;
  }

  // -- drawing

  protected override willUpdate(_changes: PropertyValues): void {
    this.follow(this.ui, this.session, this.session.files, this.conversation);
    const { messages } = this.conversation;
    if (this.#of !== this.conversation) this.#begin();
    else if (messages !== this.#drawn) this.#moved(messages);
    this.#drawn = messages;
    // The anchor of the last scroll: at the upper edge, a step of scrolling may not have reached it
    // yet.
    if (!this.#following) this.#anchor ??= this.#look();
    if (this.#following) this.#window = windows.atEnd(messages.length);
  }

  #begin(): void {
    const { unread, messages } = this.conversation;
    this.#of = this.conversation;
    this.#drawn = messages;
    this.#active = this.#found = this.#anchor = undefined;
    this.#seenArrivals = this.conversation.arrived;
    const line = messages.find(({ messageId }) => messageId === unread?.messageId);
    this.#following = line === undefined;
    this.#window = windows.atEnd(messages.length);
    if (line === undefined) return;
    this.#jump = keyOf(line);
    this.#window = windows.around(messages.indexOf(line), messages.length);
  }

  /** The window shows the same messages after others came before them, or some were taken away. */
  #moved(messages: readonly StoredMessage[]): void {
    const first = this.#drawn[this.#window.start];
    if (first === undefined) {
      this.#window = windows.atEnd(messages.length);
      return;
    }
    const key = keyOf(first);
    const now = messages.findIndex((message) => keyOf(message) === key);
    const by = now < 0 ? 0 : now - this.#window.start;
    const grown = this.#window.end === this.#drawn.length ? messages.length - by : this.#window.end;
    const end = Math.min(grown, this.#window.start + windows.MOST_ROWS);
    this.#window = windows.shifted({ ...this.#window, end }, by, messages.length);
    this.#announce(messages.at(-1));
  }

  protected override render() {
    const say = words();
    const { conversation, session } = this;
    const rows = this.#rows();
    const below = this.#below;
    const group = session.entry(conversation.chat)?.kind === "group";
    return html`<div
        class="messages"
        role="log"
        aria-live="off"
        aria-label=${say.messages}
        tabindex="-1"
        @scroll=${this.#scrolled}
        @keydown=${this.#pressed}
        @focusin=${this.#focused}
      >
        <div class="messages-inside">
          ${
            conversation.complete && this.#window.start === 0
              ? html`<p class="beginning">${icon("lock")} ${say.beginning}</p>`
              : html`<p class="beginning">${say.loadingOlder}</p>`
          }
          <ol class="rows ${group ? "of-group" : ""}">
            ${repeat(
              rows,
              ({ message }) => keyOf(message),
              (row) => messageRow(row, session, this.#hands),
            )}
          </ol>
        </div>
      </div>
      ${
        this.#following && this.#window.end === conversation.messages.length
          ? nothing
          : html`<button type="button" class="to-newest" @click=${() => this.toNewest()}>
              ${below > 0 ? say.newBelow(below) : html`<span class="unseen">${say.toNewest}</span>`}
              ${icon("down")}
            </button>`
      }
      <div class="unseen" role="status" aria-live="polite">${this.#announced}</div>`;
  }

  #rows(): Row[] {
    const { messages, unread } = this.conversation;
    const { start, end } = this.#window;
    const group = this.session.entry(this.conversation.chat)?.kind === "group";
    const shown = messages.slice(start, end);
    const active = this.#active ?? (shown.length > 0 ? keyOf(shown.at(-1) as StoredMessage) : "");
    return shown.map((message, at) => {
      const before = messages[start + at - 1];
      return {
        message,
        before,
        named: group && message.sender !== this.session.user,
        firstOfDay: isFirstOfDay(message, before),
        unread: unread?.messageId === message.messageId ? unread.count : undefined,
        active: keyOf(message) === active,
        found: keyOf(message) === this.#found,
      };
    });
  }

  protected override updated(): void {
    const view = this.#view;
    const inside = view?.firstElementChild;
    if (view === null || !(inside instanceof HTMLElement)) return;
    this.#sizes.observe(inside);
    this.#sizes.observe(view);
    this.#settle();
    this.#fill();
    this.#markRead();
  }

  // -- places

  get #view(): HTMLElement | null {
    return this.querySelector<HTMLElement>(".messages");
  }

  /** The message itself: what stands above it in its row, such as a day, may come and go. */
  #messageOf(key: string): HTMLElement | null {
    return this.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] > .message`);
  }

  /** The first message that is at least partly visible. */
  #look(): Anchor | undefined {
    const view = this.#view;
    if (view === null) return undefined;
    const top = view.getBoundingClientRect().top;
    const rows = view.querySelectorAll<HTMLElement>(".row > .message");
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > top) high = middle;
      else low = middle + 1;
    }
    const row = rows[low];
    const key = row?.parentElement?.dataset.key;
    if (row === undefined || key === undefined) return undefined;
    return { key, top: row.getBoundingClientRect().top - top };
  }

  /** Scrolls so that the message that the reader looks at is where it was, or to the end. */
  #settle(): void {
    const view = this.#view;
    if (view === null) return;
    if (this.#jump !== undefined) {
      const row = this.#messageOf(this.#jump);
      this.#jump = undefined;
      row?.scrollIntoView({ block: "center" });
      this.#following = this.#isAtEnd(view);
      if (this.#following) this.#followedTo = view.scrollTop;
      this.#anchor = this.#look();
    } else if (this.#following) {
      view.scrollTop = view.scrollHeight;
      this.#followedTo = view.scrollTop;
    } else if (this.#anchor !== undefined) {
      const row = this.#messageOf(this.#anchor.key);
      if (row === null) return;
      const now = row.getBoundingClientRect().top - view.getBoundingClientRect().top;
      if (Math.abs(now - this.#anchor.top) >= 0.5) view.scrollTop += now - this.#anchor.top;
    }
  }

  #isAtEnd(view: HTMLElement): boolean {
    const all = this.#window.end === this.conversation.messages.length;
    return all && view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END;
  }

  readonly #scrolled = (): void => {
    const view = this.#view;
    if (view === null) return;
    const atEnd = this.#isAtEnd(view);
    // Away from the end without a scroll upwards: a row or the composer has grown. It is followed again.
    if (this.#following && !atEnd && view.scrollTop >= this.#followedTo) {
      this.#settle();
      return;
    }
    const changed = atEnd !== this.#following;
    this.#following = atEnd;
    if (atEnd) this.#seenArrivals = this.conversation.arrived;
    else this.#anchor = this.#look();
    if (changed) {
      this.requestUpdate();
      this.#markRead();
    }
    this.#fill();
  };

  /** Moves the window where the reader comes near its edge, and loads what is not there yet. */
  #fill(): void {
    const view = this.#view;
    if (view === null) return;
    const count = this.conversation.messages.length;
    const beneath = view.scrollHeight - view.scrollTop - view.clientHeight;
    if (view.scrollTop < NEAR_EDGE) {
      if (this.#window.start > 0 && !this.#following) this.#show(windows.earlier(this.#window));
      else if (!this.conversation.complete) this.ui.run(() => this.conversation.older());
    } else if (beneath < NEAR_EDGE && this.#window.end < count) {
      this.#show(windows.later(this.#window, count));
    }
  }

  #show(window: windows.Window): void {
    if (window.start === this.#window.start && window.end === this.#window.end) return;
    this.#following = false;
    this.#window = window;
    this.requestUpdate();
  }

  toNewest(): void {
    this.#following = true;
    this.#seenArrivals = this.conversation.arrived;
    this.requestUpdate();
  }

  /** Shows a message that is loaded, in the middle. */
  jumpTo(key: string): void {
    const at = this.conversation.messages.findIndex((message) => keyOf(message) === key);
    if (at < 0) return;
    this.#window = windows.around(at, this.conversation.messages.length);
    this.#following = false;
    this.#found = this.#jump = this.#active = key;
    this.requestUpdate();
  }

  // -- keys

  readonly #focused = (event: FocusEvent): void => {
    const key = (event.target as HTMLElement).closest<HTMLElement>(".row")?.dataset.key;
    if (key === undefined || key === this.#active) return;
    this.#active = key;
    this.requestUpdate();
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".row");
    if (row === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = {
      ArrowUp: row.previousElementSibling,
      ArrowDown: row.nextElementSibling,
      Home: row.parentElement?.firstElementChild,
      End: row.parentElement?.lastElementChild,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const article = next?.querySelector<HTMLElement>("[role=article]");
    article?.focus({ preventScroll: true });
    article?.scrollIntoView({ block: "nearest" });
  };

  readonly #hands: Hands = {
    openMenu: (message) => {
      this.ui.choose(messageMenu(message, this.conversation, this.session, this.ui));
    },
    show: ({ of }) => this.ui.run(() => this.#showQuoted(`${of.by}/${of.id}`)),
    picture: (message) => this.ui.look(message),
    react: (message, emoji) => this.ui.run(() => this.session.react(message, emoji)),
  };

  async #showQuoted(key: string): Promise<void> {
    await this.conversation.loadUntil((messages) => messages.some((each) => keyOf(each) === key));
    this.jumpTo(key);
  }

  // -- reading

  #markRead(): void {
    const view = this.#view;
    const { conversation, session } = this;
    if (view === null || !this.isConnected || !view.checkVisibility()) return; // another pane is shown
    const now = {
      visible: document.visibilityState === "visible",
      focused: document.hasFocus(),
      atNewest: this.#following || this.#isAtEnd(view),
      lastInput: attention.lastInput,
      lastArrival: conversation.lastArrival,
    };
    if (!hasRead(now)) return;
    this.ui.run(() => session.sawUpTo(conversation.chat, conversation.newest));
  }

  /**
   * Announces a new message to screen readers. The rows are not announced: many are added and
   * removed by scrolling.
   */
  #announce(message: StoredMessage | undefined): void {
    if (message === undefined || message.sender === this.session.user) return;
    const now = performance.now();
    if (now - this.conversation.lastArrival > ANNOUNCE_MS) return;
    if (now - this.#announcedAt < ANNOUNCE_MS) return;
    this.#announcedAt = now;
    this.#announced = words().received(
      this.session.nameOf(message.sender),
      textOf(message, this.session),
    );
  }
}

/**
 * Effects of messages that change something: other messages, chats, profiles; and expiry.
 *
 * What is seen of a message follows from what is stored (view.ts); here is what has to be done at
 * once: what is deleted or has disappeared leaves the store, and changes are reported.
 */

import type { MessageRow } from "../store/tables.ts";
import { type MessageContent, type Reference, targetOf } from "./content.ts";
import type { Event } from "./events.ts";
import { userOf } from "./ids.ts";
import type { Step } from "./step.ts";
import { view } from "./view.ts";

export const DESCRIBING = ["timer", "chat_name", "chat_picture"] as const;

export class Changes {
  readonly #user: string;
  readonly #emit: (event: Event) => void;
  /** When the next text disappears, and when that was last looked at; epoch ms. */
  #next: number | undefined;
  #lookedAt = Number.POSITIVE_INFINITY;

  constructor(user: string, emit: (event: Event) => void) {
    this.#user = user;
    this.#emit = emit;
  }

  /** This message can be read now, and is stored; perhaps what changes it was there before. */
  async came(step: Step, chat: string, of: Reference, content: MessageContent): Promise<void> {
    const target = targetOf(content);
    const by = userOf(of.by);
    if (target !== undefined) await this.#apply(step, chat, by, content, target);
    else if (isDescribing(content.kind)) {
      this.#emit({ type: "chat_described", chat, what: content.kind, by });
    } else if (content.kind === "profile") {
      if (by === this.#user) await step.ledger.keepProfile(content);
      this.#emit({ type: "profile_changed", user: by });
    } else if (view(of, await step.ledger.changes(chat, of)).deleted) {
      await step.ledger.erase(chat, of, "deleted");
    }
  }

  /** The same of one that another device has sent; what disappears counts from `begins`. */
  async arrived(
    step: Step,
    row: MessageRow,
    content: MessageContent,
    begins: number | undefined,
  ): Promise<void> {
    const { chat, seq = 0, sender } = row;
    await this.came(step, chat, referenceOf(row), content);
    const now = await step.ledger.again(row);
    if (now.expires === undefined || now.gone !== undefined) return;
    const { read } = await step.ledger.chat(chat);
    if (sender !== this.#user && seq > read) return;
    this.count(step, now, countedFrom(step.time, begins ?? 0, now.expires * 1000));
  }

  /** The user has seen the chat up to there, here and now. */
  async read(step: Step, chat: string, to: number): Promise<void> {
    for (const row of await step.ledger.toCount(chat, to)) this.count(step, row, step.time);
  }

  /** The same on another device, some time since it was sent. */
  async readElsewhere(step: Step, chat: string, to: number): Promise<void> {
    for (const row of await step.ledger.toCount(chat, to)) {
      const { sentAt = 0, expires = 0 } = row;
      this.count(step, row, countedFrom(step.time, sentAt, expires * 1000));
    }
  }

  /** The row disappears from `at` on, epoch ms, unless it does already. */
  count(step: Step, row: MessageRow, at: number): MessageRow {
    if (row.expires === undefined || row.countedFrom !== undefined) return row;
    this.#next = Math.min(this.#next ?? Number.POSITIVE_INFINITY, at + row.expires * 1000);
    return step.ledger.change(row, { countedFrom: at });
  }

  /** Removes what has disappeared by now. */
  async due(step: Step): Promise<void> {
    const { ledger, time } = step;
    const back = time < this.#lookedAt; // also the first time: the clock may have been set since
    this.#lookedAt = time;
    if (!back && (this.#next === undefined || this.#next > time)) return;
    for (const { chat, of } of await ledger.expired(time)) {
      await ledger.erase(chat, of, "expired");
      this.#emit({ type: "message_changed", chat, ...named(of), what: "expired", by: undefined });
    }
    this.#next = await ledger.nextExpiry();
  }

  nextDue({ now, time }: Step): number | undefined {
    return this.#next === undefined ? undefined : now + Math.max(0, this.#next - time);
  }

  async #apply(
    step: Step,
    chat: string,
    user: string,
    content: MessageContent,
    target: Reference,
  ): Promise<void> {
    const row = await step.ledger.at(chat, target);
    const allowed = content.kind === "reaction" || user === userOf(target.by);
    if (row === undefined || !allowed) return; // kept until it comes; or without effect for ever
    // What this says of a message that is gone goes as well.
    if (row.gone !== undefined) await step.ledger.erase(chat, target, row.gone);
    else if (content.kind === "deletion") await step.ledger.erase(chat, target, "deleted");
    const what = content.kind as "reaction" | "edit" | "deletion";
    this.#emit({ type: "message_changed", chat, ...named(target), what, by: user });
  }
}

/** When a text that was sent at `sentAt`, by another clock, has begun to disappear; all in ms. */
export function countedFrom(now: number, sentAt: number, expires: number): number {
  return now - Math.min(Math.max(now - sentAt, 0), expires);
}

export function referenceOf({
  sender,
  senderDevice,
  messageId,
}: Pick<MessageRow, "sender" | "senderDevice" | "messageId">): Reference {
  return { by: `${sender}/${senderDevice}`, id: messageId };
}

/** The names that events have for a message. */
export function named(of: Reference): { sender: string; messageId: string } {
  return { sender: of.by, messageId: of.id };
}

function isDescribing(kind: string): kind is (typeof DESCRIBING)[number] {
  return DESCRIBING.some((each) => each === kind);
}

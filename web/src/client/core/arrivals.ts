/**
 * The handling of arrived messages, in order: each is shown, stored until it can be read, or
 * ignored.
 */

import { type Content, saidIn } from "../crypto/envelope.ts";
import type { Opened } from "../crypto/opening.ts";
import { mayAskFor, nextAsk } from "../crypto/to-device.ts";
import { fieldsOf } from "../store/changes.ts";
import type { MessageRow, Unreadable } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import type { Changes } from "./changes.ts";
import type { MessageContent } from "./content.ts";
import type { Event } from "./events.ts";
import type { Message } from "./frames.ts";
import { isText, isWritten } from "./ids.ts";
import { isMember, isPair } from "./membership.ts";
import type { SasContent } from "./outputs.ts";
import type { OwnMessages } from "./own-messages.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";

/** What arrivals report to the engine, besides events. */
export interface Hooks {
  readonly emit: (event: Event) => void;
  /** A step of an emoji comparison, for the caller of the engine. */
  readonly sas: (message: Message, content: SasContent) => void;
  /** Something may have to be sealed and sent in this chat. */
  readonly look: (chat: string) => void;
  /** There is something to be asked for again at this time, epoch ms. */
  readonly askAt: (at: number) => void;
}

/** Reasons that asking the sender again can remedy. */
const ASKABLE: readonly Unreadable[] = [
  "no_payload",
  "no_session",
  "damaged",
  "false_sender",
  "replayed", // or its sender has gone back to an older copy of its store
];
/** Reasons that pass once the sender's identity is known or accepted. */
const PASSING: readonly Unreadable[] = ["unknown_device", "identity_changed"];
/** What a row has no more once there is something to show. */
const OPENED = { unreadable: undefined, askAt: undefined, payload: undefined };

export class Arrivals {
  readonly #user: string;
  readonly #settings: Settings;
  readonly #own: OwnMessages;
  readonly changes: Changes;
  readonly #hooks: Hooks;

  constructor(user: string, settings: Settings, own: OwnMessages, changes: Changes, hooks: Hooks) {
    this.changes = changes;
    this.#user = user;
    this.#settings = settings;
    this.#own = own;
    this.#hooks = hooks;
  }

  /** Stores it and reports it, unless it is a second copy (rule 2) or this device wrote it. */
  async take(step: Step, message: Message): Promise<void> {
    const { chat, seq, sender, senderDevice, messageId, sentAt, alg } = message;
    const known = await step.ledger.message(chat, sender, senderDevice, messageId);
    if (known !== undefined) {
      if (this.#own.wrote(message)) await this.#own.placed(step, known, seq, sentAt);
      return;
    }
    const state = await this.#stateOf(step, message);
    const row = { chat, seq, sender, senderDevice, messageId, sentAt, alg, state };
    const opened = await this.#open(step, message);
    if (opened.unreadable !== undefined) {
      await this.#keepUnreadable(step, message, row, opened.unreadable);
      return;
    }
    await this.#apply(step, step.ledger.add({ ...row, hidden: true }), message, opened.content);
  }

  /** Tries what `user/device` sent and could not be opened once more. */
  async reopen(step: Step, user: string, device: string, chat?: string): Promise<void> {
    for (const row of await step.ledger.unreadable(user, device)) {
      const { seq, unreadable, sentAt = 0 } = row;
      if (seq === undefined || (chat !== undefined && row.chat !== chat)) continue;
      const message: Message = { ...row, type: "message", seq, sentAt };
      const opened = await this.#open(step, message);
      if (opened.unreadable === undefined) {
        const silent = step.ledger.change(row, { ...OPENED, hidden: true });
        await this.#apply(step, silent, message, opened.content, "message_readable");
      } else if (opened.unreadable !== unreadable) {
        const askAt = await this.#askAt(step, message, opened.unreadable, row.asked);
        step.ledger.change(row, { unreadable: opened.unreadable, askAt });
      }
    }
  }

  /**
   * Opens messages of a direct chat only from its two members: any other sender was added by the
   * backend.
   */
  async #open(step: Step, message: Message): Promise<Opened> {
    const row = await step.ledger.chat(message.chat);
    const outsider = isPair(row, this.#user) && !isMember(row.members, message.sender);
    return outsider ? { unreadable: "not_in_chat" } : step.cipher.open(message);
  }

  async #keepUnreadable(
    step: Step,
    message: Message,
    fields: Parameters<Step["ledger"]["add"]>[0],
    unreadable: Unreadable,
  ): Promise<void> {
    const hidden = !isText(message.messageId);
    if (!isWritten(message.messageId) && !PASSING.includes(unreadable)) {
      step.ledger.add({ ...fields, hidden }); // a device that needs it asks again
      return;
    }
    const askAt = await this.#askAt(step, message, unreadable, 0);
    const row = { ...fields, hidden, unreadable, askAt, payload: message.payload };
    this.#notify("message", step.ledger.add(row));
  }

  /** What an opened message does; `row` is hidden so far. */
  async #apply(
    step: Step,
    row: MessageRow,
    message: Message,
    content: Content | undefined,
    event: "message" | "message_readable" = "message",
  ): Promise<void> {
    switch (content?.kind) {
      case "text":
      case "content":
        await this.#show(step, row, saidIn(content), event);
        return;
      case "copy":
        await this.#copied(step, message, content);
        return;
      case "room_key":
        await this.reopen(step, message.sender, message.senderDevice, message.chat);
        return;
      case undefined:
        return; // of a newer client
      case "request":
        await step.cipher.requested(message, content.of, content.repeats);
        this.#hooks.look(message.chat);
        return;
      case "sas":
        this.#hooks.sas(message, content);
    }
  }

  /** Puts a copy of an earlier message of the same device into that one's place. */
  async #copied(
    step: Step,
    message: Message,
    copy: Extract<Content, { kind: "copy" }>,
  ): Promise<void> {
    const { chat, seq, sender, senderDevice, alg } = message;
    const { of, sent_at } = copy;
    if (!isWritten(of) || this.#own.wrote(message)) return;
    const row = await step.ledger.message(chat, sender, senderDevice, of);
    if (row !== undefined) {
      if (row.text !== undefined) return;
      const opened = step.ledger.change(row, OPENED);
      await this.#show(step, opened, saidIn(copy), "message_readable");
      return;
    }
    // This device was never shown a place for it: it stands where the copy stands.
    const state = await this.#stateOf(step, message);
    const fields = { chat, seq, sender, senderDevice, messageId: of, sentAt: sent_at, alg };
    await this.#show(step, step.ledger.add({ ...fields, state }), saidIn(copy), "message");
  }

  /** Stores what a row says, and does what it is for. */
  async #show(
    step: Step,
    row: MessageRow,
    content: MessageContent,
    event: "message" | "message_readable",
  ): Promise<void> {
    const said = step.ledger.change(row, fieldsOf(content, row.messageId));
    // Nobody has seen it here, also if the chat was read further: the time until it disappears
    // begins now.
    const late = event === "message_readable" && row.sender !== this.#user;
    await this.changes.arrived(step, said, content, late ? step.time : row.sentAt);
    this.#notify(event, await step.ledger.again(said));
  }

  async #askAt(
    step: Step,
    message: Message,
    why: Unreadable,
    asked: number,
  ): Promise<number | undefined> {
    // Both are times of the backend's clock: this device's may be wrong by any amount.
    const account = await step.ledger.work.get(tables.account, tables.ONLY);
    const meant = mayAskFor(message.sentAt, account?.registeredAt ?? 0);
    const wanted = isWritten(message.messageId) && ASKABLE.includes(why);
    if (!meant || !wanted || this.#own.wrote(message)) return undefined;
    const at = nextAsk(asked, step.time, this.#settings.askAfter);
    if (at !== undefined) this.#hooks.askAt(at);
    return at;
  }

  async #stateOf(step: Step, { sender, chat, seq }: Message): Promise<MessageRow["state"]> {
    return sender === this.#user ? this.#own.stateAt(step, chat, seq) : undefined;
  }

  #notify(type: "message" | "message_readable", row: MessageRow): void {
    if (row.hidden || row.seq === undefined) return;
    const { chat, seq, messageId, sender, senderDevice, sentAt = 0, text, unreadable } = row;
    const own = sender === this.#user;
    const kind = row.content?.kind ?? "text";
    const counts = row.counts ?? true;
    const of = { chat, seq, messageId, sender, senderDevice, sentAt, text, unreadable, own };
    this.#hooks.emit({ type, ...of, kind, counts });
  }
}

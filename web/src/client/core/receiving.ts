/** Receiving: the handling of each frame of the server. */

import type { Accepted, ErrorFrame, Message, ServerFrame } from "./frames.ts";
import type { Parts } from "./parts.ts";
import type { Step } from "./step.ts";

// After any other error the same message would fail again.
const RETRYABLE = new Set(["rate_limited", "internal"]);

export class Receiving {
  readonly #parts: Parts;
  #limitedUntil = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async received(step: Step, frame: ServerFrame): Promise<void> {
    const parts = this.#parts;
    switch (frame.type) {
      case "message":
        await this.#message(step, frame);
        parts.transmit(parts.presence.wrote(step.now, frame.sender));
        break;
      case "messages":
        for (const message of frame.messages) await this.#message(step, message);
        break;
      case "accepted":
        await this.#accepted(step, frame);
        break;
      case "receipt":
        await parts.chats.receipt(step, frame);
        break;
      case "synced":
        await parts.catchUp.synced(step, frame);
        for (const event of parts.catchUp.news(step.now)) parts.emit(event);
        break;
      case "nudge":
        parts.catchUp.nudged(step, frame);
        break;
      case "error":
        await this.#error(step, frame);
        break;
      case "pong":
        await parts.receipts.confirmed(step);
        break;
      case "displaced":
        parts.emit({ type: "displaced" });
        parts.outputs.push({ type: "stop" });
        break;
      case "devices_changed":
        this.#devicesChanged(step, frame.user, frame.chat);
        break;
      case "chat_changed":
        await parts.membership.chatChanged(step, frame.chat);
        parts.emit(frame);
        break;
      case "presence":
        parts.presence.seen(frame.user, frame.online);
        parts.emit(frame);
        break;
      default:
        parts.emit(frame); // asks nothing of this engine: typing, keys_low
    }
  }

  async #message(step: Step, message: Message): Promise<void> {
    const parts = this.#parts;
    const { question } = parts.sync;
    const late = message.seq <= parts.receipts.delivered(message.chat);
    if (late && question !== undefined && question.chats === undefined) {
      parts.receipts.repeat(message.chat, step.now); // the server has us further back
    }
    await parts.chats.message(step, message);
    parts.catchUp.askForGap(step, message.chat);
    await parts.membership.met(step, message.chat, message.sender);
    if (parts.chats.left.has(message.chat)) parts.membership.ask(message.chat); // put back, perhaps
  }

  async #accepted(step: Step, frame: Accepted): Promise<void> {
    const parts = this.#parts;
    const sent = parts.outbox.row(frame.messageId);
    const own = await parts.chats.accepted(step, frame);
    if (sent !== undefined && own !== undefined) {
      await parts.sending.accepted(step, frame, sent, own);
    }
    parts.catchUp.askForGap(step, frame.chat);
  }

  #devicesChanged(step: Step, user: string, chat: string | undefined): void {
    const parts = this.#parts;
    parts.keys.changed(user);
    // Not only before the next text: a changed identity is reported when it is seen.
    parts.keys.wantLists([user], step.now);
    if (chat !== undefined) parts.membership.ask(chat);
    parts.emit({ type: "devices_changed", user });
  }

  async #error(step: Step, error: ErrorFrame): Promise<void> {
    const parts = this.#parts;
    const retryable = RETRYABLE.has(error.code);
    const sent = error.messageId === undefined ? undefined : parts.outbox.row(error.messageId);
    if (sent !== undefined) {
      if (retryable) {
        parts.outbox.retry(sent.messageId, step.now, error.retryAfter);
        this.#showLimit(step, error);
      } else {
        await step.cipher.failed(sent);
        await parts.own.failed(step, sent.messageId, `${error.code}: ${error.message}`);
      }
      return;
    }
    if (error.action === "sync") {
      const chat = parts.catchUp.failed(step, retryable, error.retryAfter);
      if (chat !== undefined) {
        const known = parts.chats.left.has(chat);
        await parts.chats.leave(step, chat);
        if (!known) parts.emit({ type: "chat_left", chat });
      }
    } else if (retryable && error.action === "watch") {
      parts.presence.failed(step.now, error.retryAfter);
    } else if (retryable && (error.action === "receipt" || error.action === undefined)) {
      await parts.receipts.failed(step, error.retryAfter);
    } else if (
      error.code === "not_found" &&
      error.chat !== undefined &&
      parts.chats.logs.has(error.chat)
    ) {
      // A message that nobody typed would fail again: a sync shows whether the user is still a
      // member.
      parts.receipts.forget(error.chat);
      parts.membership.ask(error.chat);
    }
    if (error.code === "rate_limited") this.#showLimit(step, error);
    else if (error.messageId === undefined) {
      const { code, message, action } = error;
      parts.emit({ type: "server_error", code, message, action });
    }
  }

  /** Reports a limit once, until the time that the backend asked to wait is over. */
  #showLimit(step: Step, { code, message, retryAfter, action = "send" }: ErrorFrame): void {
    if (code !== "rate_limited" || step.now < this.#limitedUntil) return;
    this.#limitedUntil = step.now + (retryAfter ?? this.#parts.settings.retryAfterError);
    this.#parts.emit({ type: "server_error", code, message, action });
  }
}

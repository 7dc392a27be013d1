/** Own messages, from the text to their ticks. */

import { OLM } from "../crypto/envelope.ts";
import { utf8Length } from "../crypto/padding.ts";
import { fieldsOf } from "../store/changes.ts";
import type { MessageRow, OutboxRow } from "../store/tables.ts";
import { type Changes, named } from "./changes.ts";
import type { Outgoing } from "./cipher.ts";
import type { MessageContent } from "./content.ts";
import type { Event } from "./events.ts";
import { type Message, SEND_LIMIT_BYTES, type Watermarks } from "./frames.ts";
import type { Outbox } from "./outbox.ts";
import type { Step } from "./step.ts";
import { reached, State, stage, stages } from "./ticks.ts";

export class OwnMessages {
  readonly #user: string;
  readonly #device: string;
  readonly #outbox: Outbox;
  readonly #changes: Changes;
  readonly #emit: (event: Event) => void;
  /** Counts frames; and the last place in the order of writing, epoch ms unless the clock went back. */
  #number = 0;
  #written = 0;

  constructor(
    user: string,
    device: string,
    outbox: Outbox,
    changes: Changes,
    emit: (event: Event) => void,
  ) {
    this.#user = user;
    this.#device = device;
    this.#outbox = outbox;
    this.#changes = changes;
    this.#emit = emit;
  }

  async restore(step: Step): Promise<void> {
    for (const row of await step.ledger.outbox()) {
      this.#outbox.add(row, true);
      this.#number = Math.max(this.#number, row.number);
    }
    for (const { written = 0 } of await step.ledger.unsealed()) {
      this.#written = Math.max(this.#written, written);
    }
  }

  /** This device sent it. */
  wrote(message: Message): boolean {
    return message.sender === this.#user && message.senderDevice === this.#device;
  }

  /** Stores what was written as a draft. */
  write(step: Step, chat: string, messageId: string, content: MessageContent): void {
    this.#written = Math.max(this.#written + 1, step.time);
    step.ledger.add({
      ...this.#row(chat, messageId),
      ...fieldsOf(content, messageId),
      state: State.WAITING,
      written: this.#written,
    });
  }

  /**
   * Puts sealed messages into the outbox. A frame over the limit would close every connection that
   * it is sent on, and be sent again on the next: its message fails instead.
   */
  async queue(step: Step, chat: string, outgoing: readonly Outgoing[]): Promise<void> {
    for (const { messageId, purpose, frame } of outgoing) {
      if (purpose !== "text") {
        // With a row, so that it is known as this device's own when it is met again.
        const row = { ...this.#row(chat, messageId), alg: OLM };
        step.ledger.add({ ...row, state: State.WAITING, hidden: true });
      }
      const size = utf8Length(frame);
      if (size > SEND_LIMIT_BYTES) {
        await this.failed(step, messageId, `too_large: ${size} bytes are too many for a frame`);
        continue;
      }
      this.#number += 1;
      const row = { number: this.#number, chat, messageId, purpose, frame };
      step.ledger.queue(row);
      this.#outbox.add(row, false);
    }
  }

  /** The frames of a chat that are not accepted yet, in order. */
  queued(chat: string): OutboxRow[] {
    return this.#outbox.rows(chat);
  }

  /** `accepted`, or met in a sync (rule 3). Of two copies the first position counts. */
  async placed(step: Step, own: MessageRow, seq: number, sentAt: number): Promise<void> {
    this.unqueue(step, own.messageId);
    if (own.seq !== undefined && own.seq <= seq) return;
    const before = own.state ?? State.WAITING;
    const at = await this.stateAt(step, own.chat, seq);
    const state = before > at ? before : at;
    const acceptedAt = own.acceptedAt ?? step.time;
    const placed = { seq, sentAt, acceptedAt, state, reason: undefined };
    const row = step.ledger.change(own, placed);
    if (own.gone === undefined) this.#changes.count(step, row, step.time);
    const passed = stages(before, state);
    // moved to its first copy: the new seq is reported
    for (const reaches of passed.length > 0 ? passed : [state]) this.#notify(own, seq, reaches);
  }

  async failed(step: Step, messageId: string, reason: string): Promise<void> {
    const own = await step.ledger.own(messageId);
    this.unqueue(step, messageId);
    if (own === undefined || own.state !== State.WAITING) return;
    // It is not to be sealed any more either.
    step.ledger.change(own, { state: State.FAILED, reason, sealed: true });
    const { chat, target, text, content } = own;
    if (content === undefined) return this.#notify(own, own.seq, State.FAILED, reason);
    this.#emit({ type: "state", chat, messageId, seq: own.seq, state: State.FAILED, text, reason });
    if (target === undefined) return;
    // It counts no more.
    const of = { chat, ...named(target), by: this.#user };
    this.#emit({ type: "message_changed", ...of, what: "failed" });
  }

  /** The members are there now: ticks follow. */
  async ticked(step: Step, chat: string, members: Iterable<[string, Watermarks]>): Promise<void> {
    const everyone = reached(members, this.#user);
    const { undelivered } = await step.ledger.chat(chat);
    for (const own of await step.ledger.ticking(chat, everyone)) {
      if (own.seq === undefined || own.state === undefined) continue;
      const state = stage(own.seq, everyone, undelivered);
      const passed = stages(own.state, state);
      if (passed.length > 0) step.ledger.change(own, { state });
      for (const reaches of passed) this.#notify(own, own.seq, reaches);
    }
  }

  /** The state of a message of this user that stands at `seq`. */
  async stateAt(step: Step, chat: string, seq: number): Promise<State> {
    const { members, undelivered } = await step.ledger.chat(chat);
    return stage(seq, reached(members, this.#user), undelivered);
  }

  #notify(row: MessageRow, seq: number | undefined, state: State, reason?: string): void {
    if (row.hidden) return;
    const { chat, messageId, text } = row;
    this.#emit({ type: "state", chat, messageId, seq, state, text, reason });
  }

  unqueue(step: Step, messageId: string): void {
    const row = this.#outbox.row(messageId);
    if (row === undefined) return;
    step.ledger.unqueue(row);
    this.#outbox.remove(messageId);
  }

  #row(chat: string, messageId: string) {
    return { chat, messageId, sender: this.#user, senderDevice: this.#device, alg: "" };
  }
}

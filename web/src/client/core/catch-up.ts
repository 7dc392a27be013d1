/** From a gap to a complete chat: when to ask, and what a response settles (client rule 1). */

import type { Conversations } from "./conversations.ts";
import type { Event } from "./events.ts";
import type { Nudge, Synced, SyncedChat } from "./frames.ts";
import type { Outbox } from "./outbox.ts";
import type { ReceiptPlan } from "./receipts.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";
import type { Question, SyncPlan } from "./syncing.ts";

export class CatchUp {
  readonly #plan: SyncPlan;
  readonly #chats: Conversations;
  readonly #outbox: Outbox;
  readonly #receipts: ReceiptPlan;
  readonly #settings: Settings;

  constructor(
    plan: SyncPlan,
    chats: Conversations,
    outbox: Outbox,
    receipts: ReceiptPlan,
    settings: Settings,
  ) {
    this.#plan = plan;
    this.#chats = chats;
    this.#outbox = outbox;
    this.#receipts = receipts;
    this.#settings = settings;
  }

  nudged({ now }: Step, { chat, seq }: Nudge): void {
    const log = this.#chats.log(chat);
    if (seq <= log.watermark) {
      this.#receipts.repeat(chat, now); // the server has us further back
      return;
    }
    log.heardOf(seq);
    this.#plan.want(chat, now);
  }

  /** A gap is asked for, after a moment in which it may close by itself. */
  chase({ now }: Step, chat: string): void {
    if (!this.#chats.log(chat).behind) {
      this.#plan.settled(chat);
      return;
    }
    if (this.#plan.covers(chat) || this.#plan.wants(chat)) return;
    const { ownGapGrace, gapGrace } = this.#settings;
    this.#plan.want(chat, now + (this.#outbox.inFlight(chat) ? ownGapGrace : gapGrace));
  }

  async synced(step: Step, frame: Synced): Promise<void> {
    const question = this.#plan.responded();
    let progress = false;
    for (const [chat, place] of frame.chats) {
      if (await this.#syncedChat(step, chat, place, frame, question)) progress = true;
    }
    this.#chaseOthers(frame, question, step.now);
    if (question !== undefined && question.chats === undefined) {
      this.#wholeSynced(frame, progress, step.now);
    }
  }

  /** That what was missed is here, once it is. */
  news(now: number): Event[] {
    if (!this.#plan.resumed || this.#plan.hurries(now)) return [];
    return [{ type: "caught_up", complete: this.#plan.idle }];
  }

  /** An `error` was the response to the sync. The chat in which this user is no longer. */
  failed({ now }: Step, retryable: boolean): string | undefined {
    const question = this.#plan.responded();
    if (question?.chats === undefined) {
      this.#plan.wantLater(undefined, now);
      return undefined;
    }
    const [first, ...others] = question.chats.keys();
    if (!retryable && first !== undefined && others.length === 0) {
      this.#left(first);
      return first;
    }
    for (const chat of question.chats.keys()) {
      if (retryable) this.#plan.wantLater(chat, now);
      else this.#plan.wantAlone(chat, now);
    }
    return undefined;
  }

  #wholeSynced(frame: Synced, progress: boolean, now: number): void {
    if (!frame.more) {
      this.#plan.resumed = true;
    } else if (progress) {
      // The next response starts from our receipts: let them go first.
      this.#plan.progressed(undefined);
      this.#receipts.hurry();
      this.#plan.wantAll(now + this.#settings.receiptInterval);
    } else {
      this.#plan.wantLater(undefined, now);
    }
  }

  /** True if the watermark moved since the question. */
  async #syncedChat(
    step: Step,
    chat: string,
    place: SyncedChat,
    frame: Synced,
    question: Question | undefined,
  ): Promise<boolean> {
    const log = this.#chats.log(chat);
    const known = log.highest;
    const named = question?.chats?.has(chat) ?? false;
    log.heardOf(place.seq);
    // At 0 the server may count from further on than this store has: a device that lost its
    // store, say. It asks by name what that response cannot have said.
    const trusted = named || log.watermark > 0;
    if (trusted) await this.#chats.complete(step, chat, place);
    await this.#chats.syncedMembers(step, chat, place);
    const moved = question !== undefined && log.watermark > (question.before.get(chat) ?? 0);
    const atOnce = (!trusted && place.completeTo > 0) || (frame.more && (moved || !named));
    if (moved) this.#plan.progressed(chat);
    if (!log.behind) this.#plan.settled(chat);
    else if (atOnce) this.#plan.want(chat, step.now);
    else if (frame.retryAfter === undefined && known > place.seq) {
      this.#plan.want(chat, step.now + this.#settings.gapGrace); // newer than the response
    } else this.#plan.wantLater(chat, step.now, frame.retryAfter);
    return moved;
  }

  /** Chats that the response does not mention, that are behind by what came meanwhile. */
  #chaseOthers(frame: Synced, question: Question | undefined, now: number): void {
    for (const [chat, log] of this.#chats.logs) {
      if (frame.chats.has(chat) || !log.behind || this.#plan.wants(chat)) continue;
      if (question?.chats?.has(chat)) this.#plan.wantLater(chat, now);
      else this.#plan.want(chat, now + this.#settings.gapGrace);
    }
  }

  #left(chat: string): void {
    const log = this.#chats.log(chat);
    log.highest = log.watermark;
    this.#plan.settled(chat);
    this.#receipts.forget(chat);
  }
}

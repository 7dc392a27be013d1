/**
 * Catching up, from a gap to a complete chat: the requests, and the frames that complete them
 * (client rule 1).
 */

import type { Conversations } from "./conversations.ts";
import type { Event } from "./events.ts";
import type { Nudge, Synced } from "./frames.ts";
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
  askForGap({ now }: Step, chat: string): void {
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
    const spread = { ...frame, retryAfter: this.#plan.spread(frame.retryAfter) };
    for (const chat of frame.chats.keys()) await this.#syncedChat(step, chat, spread, question);
    this.#askForOtherGaps(frame, question, step.now);
    if (question !== undefined && question.chats === undefined) {
      this.#plan.progressed(undefined);
      if (frame.cursor === undefined) this.#plan.resumed = true;
      else this.#plan.wantPage(frame.cursor, step.now);
    }
  }

  /** The event that all that was missed is here, as soon as it is. */
  news(now: number): Event[] {
    if (!this.#plan.resumed || this.#plan.isDue(now)) return [];
    return [{ type: "caught_up", complete: this.#plan.idle }];
  }

  /**
   * The response to the sync was an `error`. Returns the chat of which the user is no member any
   * more, if it was that.
   */
  failed({ now }: Step, retryable: boolean, retryAfter?: number): string | undefined {
    const question = this.#plan.responded();
    const wait = this.#plan.spread(retryAfter);
    if (question?.chats === undefined) {
      const cursor = retryable ? question?.cursor : undefined;
      this.#plan.wantLater(undefined, now, wait, cursor);
      return undefined;
    }
    const [first, ...others] = question.chats.keys();
    if (!retryable && first !== undefined && others.length === 0) {
      this.#plan.settled(first);
      return first;
    }
    for (const chat of question.chats.keys()) {
      if (retryable) this.#plan.wantLater(chat, now, wait);
      else this.#plan.wantAlone(chat, now);
    }
    return undefined;
  }

  async #syncedChat(
    step: Step,
    chat: string,
    frame: Synced,
    question: Question | undefined,
  ): Promise<void> {
    const place = frame.chats.get(chat);
    if (place === undefined) return;
    await this.#chats.isIn(step, chat);
    const log = this.#chats.log(chat);
    const known = log.highest;
    const whole = question !== undefined && question.chats === undefined;
    log.heardOf(place.seq);
    // A response that begins above this store's watermark has nothing of the messages between: the
    // store is new, was restored, or lost its connection while catching up.
    const trusted = place.after <= log.watermark;
    if (trusted) await this.#chats.complete(step, chat, place);
    else await this.#chats.isOutdated(step, chat);
    await this.#chats.syncedMembers(step, chat, place);
    const moved = question !== undefined && log.watermark > (question.before.get(chat) ?? 0);
    if (moved) this.#plan.progressed(chat);
    if (!log.behind) this.#plan.settled(chat);
    else if ((frame.more && moved) || (whole && (frame.more || !trusted))) {
      this.#plan.want(chat, step.now); // by name, from this device's own watermark
    } else if (frame.retryAfter === undefined && known > place.seq) {
      this.#plan.want(chat, step.now + this.#settings.gapGrace); // newer than the response
    } else this.#plan.wantLater(chat, step.now, frame.retryAfter);
  }

  /** Chats that the response does not mention, that are behind by what came meanwhile. */
  #askForOtherGaps(frame: Synced, question: Question | undefined, now: number): void {
    for (const [chat, log] of this.#chats.logs) {
      if (frame.chats.has(chat) || !log.behind || this.#plan.wants(chat)) continue;
      if (question?.chats?.has(chat)) this.#plan.wantLater(chat, now);
      else this.#plan.want(chat, now + this.#settings.gapGrace);
    }
  }
}

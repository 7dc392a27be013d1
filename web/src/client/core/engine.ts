/**
 * The engine: what each frame, command and moment in time asks of the client, without I/O.
 *
 * Each input is called inside a step, which is one transaction; when that is on disk, the caller
 * carries out what `outputs` returns. A caller whose transaction fails drops the engine: the store
 * is the truth, the engine a view of it.
 */

import type { ChatRow, OutboxRow, Purpose } from "../store/tables.ts";
import { Arrivals } from "./arrivals.ts";
import { CatchUp } from "./catch-up.ts";
import { Conversations } from "./conversations.ts";
import type { Event } from "./events.ts";
import {
  type Accepted,
  type ClientFrame,
  type ErrorFrame,
  type Message,
  NOWHERE,
  type ServerFrame,
} from "./frames.ts";
import { Liveness } from "./liveness.ts";
import { isPair, Membership } from "./membership.ts";
import { Outbox } from "./outbox.ts";
import type { Output } from "./outputs.ts";
import { OwnMessages } from "./own-messages.ts";
import { PresencePlan } from "./presence.ts";
import type { Random } from "./random.ts";
import { ReceiptPlan } from "./receipts.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";
import { SyncPlan } from "./syncing.ts";
import { ToDevice } from "./to-device.ts";

// Everything else that an error says of a message will be the same next time.
const RETRYABLE = new Set(["rate_limited", "internal"]);

export class Engine {
  readonly #user: string;
  readonly #settings: Settings;
  #outputs: Output[] = [];
  #online = false;
  #openedAt = 0;
  #now = 0;
  readonly #sync: SyncPlan;
  readonly #outbox: Outbox;
  readonly #receipts: ReceiptPlan;
  readonly #presence: PresencePlan;
  readonly #liveness: Liveness;
  readonly #own: OwnMessages;
  readonly #membership: Membership;
  readonly #toDevice: ToDevice;
  readonly #arrivals: Arrivals;
  readonly #chats: Conversations;
  readonly #catchUp: CatchUp;

  /** `madeAt`: when this device was made, epoch ms. */
  constructor(user: string, device: string, madeAt: number, random: Random, settings: Settings) {
    this.#user = user;
    this.#settings = settings;
    this.#sync = new SyncPlan(settings);
    this.#outbox = new Outbox(settings, random);
    this.#receipts = new ReceiptPlan(settings);
    this.#presence = new PresencePlan(settings);
    this.#liveness = new Liveness(settings, random);
    const emit = (event: Event) => this.#emit(event);
    const want = (output: Output) => this.#outputs.push(output);
    this.#own = new OwnMessages(user, device, this.#outbox, want, emit);
    this.#membership = new Membership(user, this.#sync, this.#own, emit);
    this.#toDevice = new ToDevice(this.#membership, want);
    this.#arrivals = new Arrivals(user, device, madeAt, settings, this.#own, {
      emit,
      control: (step, message, content) => this.#toDevice.control(step, message, content),
      asks: () => want({ type: "asks" }),
    });
    this.#chats = new Conversations(user, this.#own, this.#arrivals, emit, (chat, marks, senders) =>
      this.#receipts.moved(chat, this.#now, marks, senders),
    );
    this.#catchUp = new CatchUp(
      this.#sync,
      this.#chats,
      this.#membership,
      this.#outbox,
      this.#receipts,
      settings,
    );
  }

  /** What the store has: to be called once, before anything else. */
  async restore(step: Step): Promise<void> {
    for (const { chat, watermark } of await step.ledger.chats()) this.#chats.log(chat, watermark);
    await this.#own.restore(step);
  }

  // -- what the caller asks

  /** Online, and on this connection the server has responded for every chat. */
  get resumed(): boolean {
    return this.#online && this.#sync.resumed;
  }

  knows(chat: string): boolean {
    return this.#chats.logs.has(chat);
  }

  /** Whether the members of `chat` are known as they are now; if not, they have been asked for. */
  sureOfMembers(chat: string): boolean {
    return this.#membership.sure(chat);
  }

  /** What of `purpose` is under way in `chat`. */
  waiting(chat: string, purpose: Purpose): OutboxRow[] {
    return this.#outbox.rows(chat).filter((row) => row.purpose === purpose);
  }

  /** What is to be done now that the transaction is on disk, in order. */
  outputs(): Output[] {
    const done = this.#outputs;
    this.#outputs = [];
    return done;
  }

  /** When to call `due` at the latest, on the clock of the steps. */
  nextDue(): number | undefined {
    if (!this.#online) return undefined;
    const times = [
      this.#liveness.nextDue(),
      this.#sync.nextDue(),
      this.#outbox.nextDue(this.#mayResend(this.#now)),
      this.resumed ? undefined : this.#openedAt + this.#settings.resendAfter,
      this.#receipts.nextDue(),
      this.#presence.nextDue(),
    ].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // -- the connection

  async opened(step: Step): Promise<void> {
    this.#now = this.#openedAt = step.now;
    this.#online = true;
    this.#membership.opened();
    this.#liveness.opened(step.now);
    this.#sync.opened(step.now);
    this.#outbox.opened();
    const chats = await step.ledger.chats();
    this.#receipts.opened(new Map(chats.map(({ chat, reported }) => [chat, reported])));
    for (const chat of chats) await this.#receipts.reportAgain(step, chat);
    this.#presence.opened(step.now);
    this.#emit({ type: "connected" });
    this.due(step.now);
  }

  closed(now: number): void {
    this.#now = now;
    this.#online = false;
    this.#liveness.closed();
    this.#sync.closed();
    this.#outbox.closed();
    this.#receipts.closed();
    this.#presence.closed();
  }

  /** The user leaves: sends at once the receipts that were to be batched. */
  closing(now: number): void {
    this.#transmit(this.#receipts.due(now, true));
  }

  due(now: number): void {
    this.#now = now;
    if (!this.#online) return;
    const dead = this.#liveness.dead(now);
    if (dead || this.#sync.expired(now)) {
      const reason = `no answer to ${dead ? "ping" : "sync"}`;
      this.#outputs.push({ type: "drop", reason, planned: false });
      return;
    }
    if (this.#liveness.reconnectDue(now)) {
      this.#transmit(this.#receipts.due(now, true));
      this.#outputs.push({ type: "drop", reason: "time to reconnect", planned: true });
      return;
    }
    const asked = this.#sync.due(now, () => this.#chats.watermarks());
    if (asked !== undefined) this.#transmit([asked]);
    for (const { row, again } of this.#outbox.due(now, this.#mayResend(now))) {
      this.#outputs.push({ type: "transmit", text: row.frame });
      if (again) this.#liveness.probe(now);
    }
    this.#transmit(this.#receipts.due(now));
    this.#transmit(this.#presence.due(now));
    if (this.#liveness.pingDue(now)) {
      this.#receipts.pinged();
      this.#transmit([{ action: "ping" }]);
    }
  }

  async received(step: Step, frame: ServerFrame): Promise<void> {
    this.#now = step.now;
    this.#liveness.heard();
    switch (frame.type) {
      case "message":
        await this.#message(step, frame);
        break;
      case "accepted":
        await this.#accepted(step, frame);
        break;
      case "receipt":
        await this.#membership.receipt(step, frame);
        break;
      case "synced":
        await this.#catchUp.synced(step, frame);
        for (const event of this.#catchUp.news(step.now)) this.#emit(event);
        for (const [chat, { members }] of frame.chats) {
          if (members.size > 0) this.#membersListed(chat);
        }
        break;
      case "nudge":
        this.#catchUp.nudged(frame.chat, frame.seq, step.now);
        break;
      case "error":
        await this.#error(step, frame);
        break;
      case "pong":
        await this.#receipts.confirmed(step);
        break;
      case "displaced":
        this.#emit({ type: "displaced" });
        this.#outputs.push({ type: "stop" });
        break;
      case "devices_changed":
        this.#devicesChanged(frame.user, frame.chat);
        break;
      default:
        this.#emit(frame); // asks nothing of this engine: presence, typing, keys_low
    }
    this.due(step.now);
  }

  // -- commands

  /** Stores a text; it is sealed and sent as soon as there is a connection and its readers are known. */
  write(step: Step, chat: string, messageId: string, text: string): void {
    this.#chats.log(chat);
    this.#own.write(step, chat, messageId, text);
  }

  /** Puts a sealed frame into the outbox, unless it is too long: its message fails then. */
  async queue(
    step: Step,
    chat: string,
    messageId: string,
    purpose: Purpose,
    frame: string,
  ): Promise<void> {
    await this.#own.queue(step, chat, messageId, purpose, frame);
    this.due(step.now);
  }

  /** An own message will never be sent. */
  async fail(step: Step, messageId: string, reason: string): Promise<void> {
    await this.#own.failed(step, messageId, reason);
  }

  async markRead(step: Step, chat: string, seq: number): Promise<void> {
    this.#now = step.now;
    await this.#chats.read(step, chat, seq);
    this.due(step.now);
  }

  /** As a REST response says. */
  async chatIs(
    step: Step,
    chat: string,
    members: readonly string[],
    changes: Pick<ChatRow, "kind"> & Partial<Pick<ChatRow, "name" | "gone">>,
  ): Promise<void> {
    const before = await step.ledger.chat(chat);
    const kind = isPair(before, this.#user) ? before.kind : changes.kind;
    const marks = new Map(members.map((user) => [user, NOWHERE]));
    await this.#membership.listed(step, chat, marks, this.#chats.log(chat).highest);
    await step.ledger.changeChat(chat, { ...changes, kind });
    if (members.length > 0) this.#membersListed(chat);
  }

  /** The user adds these to the chat. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    await this.#membership.adding(step, chat, users, this.#chats.log(chat).highest);
  }

  async reopen(step: Step, user: string, device: string): Promise<void> {
    await this.#arrivals.reopen(step, user, device);
  }

  typing(now: number, chat: string): void {
    this.#transmit(this.#presence.typing(now, chat));
  }

  watch(now: number, users: readonly string[]): void {
    this.#transmit(this.#presence.watch(now, users));
  }

  sync(now: number): void {
    this.#sync.wantAll(now);
    this.due(now);
  }

  // -- frames

  async #message(step: Step, message: Message): Promise<void> {
    const { question } = this.#sync;
    const late = message.seq <= this.#chats.log(message.chat).watermark;
    if (late && question !== undefined && question.chats === undefined) {
      this.#receipts.repeat(message.chat, step.now); // the server has us further back
    }
    await this.#chats.message(step, message);
    this.#catchUp.chase(message.chat, step.now);
    await this.#membership.met(step, message.chat, message.sender);
  }

  async #accepted(step: Step, frame: Accepted): Promise<void> {
    const sent = this.#outbox.row(frame.messageId);
    const own = await this.#chats.accepted(step, frame);
    this.#catchUp.chase(frame.chat, step.now);
    if (sent === undefined || own === undefined) return;
    await this.#toDevice.accepted(step, own, sent.purpose, frame);
  }

  #devicesChanged(user: string, chat: string | undefined): void {
    if (chat !== undefined) this.#membership.ask(chat);
    this.#outputs.push({ type: "refresh", user });
    this.#emit({ type: "devices_changed", user });
  }

  async #error(step: Step, error: ErrorFrame): Promise<void> {
    const retryable = RETRYABLE.has(error.code);
    const sent = error.messageId === undefined ? undefined : this.#outbox.row(error.messageId);
    if (sent !== undefined) {
      if (retryable) {
        this.#outbox.retry(sent.messageId, step.now);
      } else {
        await this.#toDevice.refused(step, sent);
        await this.fail(step, sent.messageId, `${error.code}: ${error.message}`);
      }
      return;
    }
    if (error.action === "sync") {
      const chat = this.#catchUp.refused(retryable, step.now);
      if (chat !== undefined) this.#emit({ type: "chat_left", chat });
    } else if (retryable && (error.action === "receipt" || error.action === undefined)) {
      await this.#receipts.refused(step);
    }
    if (error.messageId === undefined) {
      const { code, message, action } = error;
      this.#emit({ type: "server_error", code, message, action });
    }
  }

  // -- small

  #mayResend(now: number): boolean {
    return this.resumed || now >= this.#openedAt + this.#settings.resendAfter;
  }

  /** Texts may have waited to know who reads them. */
  #membersListed(chat: string): void {
    if (this.#membership.answered(chat)) this.#outputs.push({ type: "seal", chat });
  }

  #transmit(frames: readonly ClientFrame[]): void {
    for (const frame of frames) {
      this.#outputs.push({ type: "transmit", text: JSON.stringify(frame) });
    }
  }

  #emit(event: Event): void {
    this.#outputs.push({ type: "event", event });
  }
}

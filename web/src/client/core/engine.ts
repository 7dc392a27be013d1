/**
 * The engine: what each frame, command and moment in time asks of the client, without I/O.
 *
 * Each input is called inside a step, which is one transaction; when that is on disk, the caller
 * carries out what `outputs` returns. A caller whose transaction fails drops the engine and takes a
 * new one: the store is the truth, the engine a view of it.
 *
 * Long because every input of the client meets every part of it here; what they do is elsewhere.
 */

import type { Listed, Seen } from "../crypto/identities.ts";
import type { ChatRow } from "../store/tables.ts";
import { Arrivals, type Control } from "./arrivals.ts";
import { CatchUp } from "./catch-up.ts";
import { Changes, named } from "./changes.ts";
import type { FetchResult, Lists, Request } from "./cipher.ts";
import type { MessageContent, Reference } from "./content.ts";
import { Conversations } from "./conversations.ts";
import type { Event } from "./events.ts";
import type { Accepted, ClientFrame, ErrorFrame, Message, ServerFrame } from "./frames.ts";
import { nameOf, partsOf } from "./ids.ts";
import { KeyRequests } from "./key-requests.ts";
import { Liveness } from "./liveness.ts";
import { isPair, Membership } from "./membership.ts";
import { Outbox } from "./outbox.ts";
import type { Output, ToDeviceContent } from "./outputs.ts";
import { OwnMessages } from "./own-messages.ts";
import { PresencePlan } from "./presence.ts";
import type { Random } from "./random.ts";
import { ReceiptPlan } from "./receipts.ts";
import { Sending } from "./sending.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";
import { SyncPlan } from "./syncing.ts";
import { State } from "./ticks.ts";

// Everything else that an error says of a message will be the same next time.
const RETRYABLE = new Set(["rate_limited", "internal"]);

export class Engine {
  readonly #user: string;
  readonly #device: string;
  readonly #random: Random;
  readonly #settings: Settings;
  #outputs: Output[] = [];
  #online = false;
  #openedAt = 0;
  #limitedUntil = 0;
  #step: Step | undefined; // the last one
  readonly #sync: SyncPlan;
  readonly #outbox: Outbox;
  readonly #changes: Changes;
  readonly #receipts: ReceiptPlan;
  #presence: PresencePlan;
  readonly #liveness: Liveness;
  readonly #own: OwnMessages;
  readonly #membership: Membership;
  readonly #keys: KeyRequests;
  readonly #arrivals: Arrivals;
  readonly #chats: Conversations;
  readonly #sending: Sending;
  readonly #catchUp: CatchUp;

  constructor(user: string, device: string, random: Random, settings: Settings) {
    this.#user = user;
    this.#device = device;
    this.#random = random;
    this.#settings = settings;
    this.#sync = new SyncPlan(settings, random);
    this.#outbox = new Outbox(settings, random);
    this.#receipts = new ReceiptPlan(settings, random);
    this.#presence = new PresencePlan(settings);
    this.#liveness = new Liveness(settings, random);
    const emit = (event: Event) => this.#emit(event);
    this.#keys = new KeyRequests(settings, (request) => {
      this.#outputs.push({ type: "fetch", request });
    });
    this.#changes = new Changes(user, emit);
    this.#own = new OwnMessages(user, device, this.#outbox, this.#changes, emit);
    this.#membership = new Membership(user, this.#sync, this.#own, this.#changes, emit);
    this.#sending = new Sending(user, this.#keys, this.#membership, this.#own, settings, emit);
    this.#arrivals = new Arrivals(user, settings, this.#own, this.#changes, {
      emit,
      control: (step, message, content) => this.#control(step, message, content),
      askAt: (at) => this.#sending.askAt(at),
    });
    this.#chats = new Conversations(
      user,
      this.#own,
      this.#membership,
      this.#arrivals,
      this.#receipts,
      emit,
    );
    this.#catchUp = new CatchUp(this.#sync, this.#chats, this.#outbox, this.#receipts, settings);
  }

  /**
   * An engine to be restored in place of this one, after a transaction that failed.
   *
   * Whom the user watches is on no disk, and goes with it.
   */
  anew(): Engine {
    const fresh = new Engine(this.#user, this.#device, this.#random, this.#settings);
    fresh.#presence = this.#presence;
    fresh.#presence.closed();
    return fresh;
  }

  /** What the store has: to be called once, before anything else. */
  async restore(step: Step): Promise<void> {
    this.#step = step;
    await this.#chats.restore(step);
    await this.#own.restore(step);
    await this.#sending.restore(step);
  }

  // -- what the caller asks

  /** Online, and on this connection the server has responded for every chat. */
  get resumed(): boolean {
    return this.#online && this.#sync.resumed;
  }

  knows(chat: string): boolean {
    return this.#chats.logs.has(chat);
  }

  /** The user was in that chat, and is no longer. */
  left(chat: string): boolean {
    return this.#chats.left.has(chat);
  }

  /** What is to be done now that the transaction is on disk, in order. */
  outputs(): Output[] {
    const done = this.#outputs;
    this.#outputs = [];
    return done;
  }

  /** When to call `due` at the latest, on the clock of the steps. */
  nextDue(): number | undefined {
    if (this.#step === undefined) return undefined;
    const disappears = this.#changes.nextDue(this.#step);
    if (!this.#online) return disappears;
    const { now, time } = this.#step;
    const times = [
      disappears,
      this.#liveness.nextDue(),
      this.#sync.nextDue(),
      this.#outbox.nextDue(this.#mayResend(now)),
      this.resumed ? undefined : this.#openedAt + this.#settings.resendAfter,
      this.#receipts.nextDue(),
      this.resumed ? this.#sending.nextDue(now, time) : undefined,
      this.#presence.nextDue(),
    ].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // -- the connection

  async opened(step: Step): Promise<void> {
    this.#step = step;
    this.#online = true;
    this.#openedAt = step.now;
    this.#liveness.opened(step.now);
    this.#sync.opened(step.now);
    this.#membership.opened();
    this.#chats.opened();
    this.#outbox.opened();
    this.#sending.opened();
    const chats = await step.ledger.chats();
    this.#receipts.opened(new Map(chats.map(({ chat, reported }) => [chat, reported])));
    for (const chat of chats) {
      if (!chat.gone) await this.#receipts.reportAgain(step, chat);
    }
    this.#presence.opened(step.now);
    this.#emit({ type: "connected" });
    await this.due(step);
  }

  closed(step: Step): void {
    this.#step = step;
    this.#online = false;
    this.#liveness.closed();
    this.#sync.closed();
    this.#outbox.closed();
    this.#sending.closed();
    this.#receipts.closed();
    this.#presence.closed();
  }

  /** The user leaves: sends at once the receipts that were to be batched. */
  closing(step: Step): void {
    this.#transmit(this.#receipts.due(step.now, true));
  }

  async due(step: Step): Promise<void> {
    const { now } = step;
    this.#step = step;
    await this.#changes.due(step);
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
    if (this.resumed) await this.#sending.due(step);
    const asked = this.#sync.due(now, () => this.#chats.watermarks());
    if (asked !== undefined) this.#transmit([asked]);
    for (const { row, again } of this.#outbox.due(now, this.#mayResend(now))) {
      this.#outputs.push({ type: "transmit", text: row.frame });
      if (again) this.#liveness.probe(now);
    }
    await this.#chats.reportReadable(step);
    this.#transmit(this.#receipts.due(now));
    this.#transmit(this.#presence.due(now));
    if (this.#liveness.pingDue(now)) {
      this.#receipts.pinged();
      this.#transmit([{ action: "ping" }]);
    }
  }

  async received(step: Step, frame: ServerFrame): Promise<void> {
    this.#step = step;
    this.#liveness.heard();
    switch (frame.type) {
      case "message":
        await this.#message(step, frame);
        this.#transmit(this.#presence.wrote(step.now, frame.sender));
        break;
      case "messages":
        for (const message of frame.messages) await this.#message(step, message);
        break;
      case "accepted":
        await this.#accepted(step, frame);
        break;
      case "receipt":
        await this.#chats.receipt(step, frame);
        break;
      case "synced":
        await this.#catchUp.synced(step, frame);
        for (const event of this.#catchUp.news(step.now)) this.#emit(event);
        break;
      case "nudge":
        this.#catchUp.nudged(step, frame);
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
        this.#devicesChanged(step, frame.user, frame.chat);
        break;
      case "chat_changed":
        await this.#membership.chatChanged(step, frame.chat);
        this.#emit(frame);
        break;
      case "presence":
        this.#presence.seen(frame.user, frame.online);
        this.#emit(frame);
        break;
      default:
        this.#emit(frame); // asks nothing of this engine: typing, keys_low
    }
    await this.due(step);
  }

  // -- commands

  /**
   * Stores a text, and seals and sends it when it can be.
   *
   * Raises MessageTooLarge, and then nothing has changed.
   */
  async send(step: Step, messageId: string, chat: string, content: MessageContent): Promise<void> {
    step.cipher.check(content);
    this.#chats.log(chat);
    if (content.kind === "deletion" && (await this.#withdrawn(step, chat, content.of))) return;
    this.#sending.add(step, chat, messageId, content);
    const me = { by: nameOf(this.#user, this.#device), id: messageId };
    await this.#changes.came(step, chat, me, content);
    await this.due(step);
  }

  /** A text that nobody has got is deleted here, and nothing is sent. */
  async #withdrawn(step: Step, chat: string, target: Reference): Promise<boolean> {
    if (target.by !== nameOf(this.#user, this.#device)) return false;
    const own = await step.ledger.own(target.id);
    const unsent = await this.#sending.withdraw(step, chat, target.id);
    if (!unsent && own?.state !== State.FAILED) return false;
    await step.ledger.erase(chat, target, "deleted");
    const of = { chat, ...named(target), by: this.#user };
    this.#emit({ type: "message_changed", ...of, what: "deletion" });
    return true;
  }

  /** A hidden message to one `user/device`, as soon as it can be sealed; not after `until`. */
  async sendToDevice(
    step: Step,
    chat: string,
    device: string,
    content: ToDeviceContent,
    until?: number,
  ): Promise<void> {
    await step.cipher.queueToDevice(chat, device, content, until);
    this.#sending.look(chat);
    await this.due(step);
  }

  /**
   * The user accepts the changed identities of `user`; what waited for that goes on. `keys` are what
   * the user was shown; others are not accepted.
   */
  async accept(step: Step, user: string, keys: Listed): Promise<void> {
    for (const device of await step.cipher.accept(user, keys)) {
      await this.#arrivals.reopen(step, user, device);
    }
    await this.due(step);
  }

  /** People have compared the keys of all devices of `user`; false if they are others now. */
  async compared(step: Step, user: string, seen: Seen): Promise<boolean> {
    const accepted = await step.cipher.compared(user, seen);
    for (const device of accepted ?? []) await this.#arrivals.reopen(step, user, device);
    await this.due(step);
    return accepted !== undefined;
  }

  /** The devices of `user`, if that list is up to date. */
  listed(user: string): Listed | undefined {
    return this.#keys.fresh(user);
  }

  /**
   * For a caller who fetches a device list itself, without a `fetch`, and then calls
   * `fetchSucceeded`.
   */
  lookAt(_: Step, user: string): Lists {
    return this.#keys.lookAt(user);
  }

  /** The response to a `fetch`. False for a device list older than what is known. */
  async fetchSucceeded(step: Step, result: FetchResult): Promise<boolean> {
    const learned = await this.#sending.fetchSucceeded(step, result);
    for (const name of learned ?? []) await this.#arrivals.reopen(step, ...partsOf(name));
    await this.due(step);
    return learned !== undefined;
  }

  /** There was no response to a `fetch`. */
  async fetchFailed(step: Step, request: Request): Promise<void> {
    this.#sending.fetchFailed(step, request);
    await this.due(step);
  }

  async markRead(step: Step, chat: string, seq: number): Promise<void> {
    await this.#chats.read(step, chat, seq);
    await this.due(step);
  }

  /** The user is in this chat, as a REST response has said. */
  async chatIs(
    step: Step,
    chat: string,
    members: readonly string[],
    {
      request = false,
      ...changes
    }: Pick<ChatRow, "kind"> & Partial<Pick<ChatRow, "name" | "request">>,
  ): Promise<void> {
    await this.#chats.isIn(step, chat);
    await this.#membership.requestIs(step, chat, request);
    const before = await step.ledger.chat(chat);
    const kind = isPair(before, this.#user) ? before.kind : changes.kind;
    await this.#chats.membersAre(step, chat, members);
    await step.ledger.changeChat(chat, { ...changes, kind });
    await this.due(step);
  }

  /** The user is no longer in this chat, as a REST response has said. */
  async leave(step: Step, chat: string): Promise<void> {
    await this.#chats.leave(step, chat);
  }

  /** The backend has lost its data: the chats of this store can be read, and are no more. */
  async beginAnew(step: Step): Promise<void> {
    const over = [...this.#chats.logs.keys()].filter((chat) => !this.left(chat));
    for (const chat of over) await this.#chats.leave(step, chat);
    if (over.length > 0) this.#emit({ type: "began_anew" });
  }

  /** The user adds these to the chat. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    await this.#chats.adding(step, chat, users);
  }

  async typing(step: Step, chat: string): Promise<void> {
    if (this.left(chat) || !(await this.#membership.maySendUnasked(step, chat))) return;
    const { members } = await step.ledger.chat(chat);
    this.#transmit(this.#presence.typing(step.now, chat, members.length));
  }

  watch(step: Step, users: readonly string[]): void {
    this.#transmit(this.#presence.watch(step.now, users));
  }

  async sync(step: Step): Promise<void> {
    this.#sync.wantAll(step.now);
    await this.due(step);
  }

  // -- frames

  async #message(step: Step, message: Message): Promise<void> {
    const { question } = this.#sync;
    const late = message.seq <= this.#receipts.delivered(message.chat);
    if (late && question !== undefined && question.chats === undefined) {
      this.#receipts.repeat(message.chat, step.now); // the server has us further back
    }
    await this.#chats.message(step, message);
    this.#catchUp.askForGap(step, message.chat);
    await this.#membership.met(step, message.chat, message.sender);
    if (this.left(message.chat)) this.#membership.ask(message.chat); // put back, perhaps
  }

  async #accepted(step: Step, frame: Accepted): Promise<void> {
    const sent = this.#outbox.row(frame.messageId);
    const own = await this.#chats.accepted(step, frame);
    if (sent !== undefined && own !== undefined) {
      await this.#sending.accepted(step, frame, sent, own);
    }
    this.#catchUp.askForGap(step, frame.chat);
  }

  #devicesChanged(step: Step, user: string, chat: string | undefined): void {
    this.#keys.changed(user);
    // Not only before the next text: a changed identity is reported when it is seen.
    this.#keys.wantLists([user], step.now);
    if (chat !== undefined) this.#membership.ask(chat);
    this.#emit({ type: "devices_changed", user });
  }

  async #error(step: Step, error: ErrorFrame): Promise<void> {
    const retryable = RETRYABLE.has(error.code);
    const sent = error.messageId === undefined ? undefined : this.#outbox.row(error.messageId);
    if (sent !== undefined) {
      if (retryable) {
        this.#outbox.retry(sent.messageId, step.now, error.retryAfter);
        this.#showLimit(step, error);
      } else {
        await step.cipher.failed(sent);
        await this.#own.failed(step, sent.messageId, `${error.code}: ${error.message}`);
      }
      return;
    }
    if (error.action === "sync") {
      const chat = this.#catchUp.failed(step, retryable, error.retryAfter);
      if (chat !== undefined) {
        const known = this.left(chat);
        await this.#chats.leave(step, chat);
        if (!known) this.#emit({ type: "chat_left", chat });
      }
    } else if (retryable && (error.action === "receipt" || error.action === undefined)) {
      await this.#receipts.failed(step, error.retryAfter);
    } else if (error.code === "not_found" && error.chat !== undefined && this.knows(error.chat)) {
      // Nobody typed it, and it would be refused again: is the user still in the chat?
      this.#receipts.forget(error.chat);
      this.#membership.ask(error.chat);
    }
    if (error.code === "rate_limited") this.#showLimit(step, error);
    else if (error.messageId === undefined) {
      const { code, message, action } = error;
      this.#emit({ type: "server_error", code, message, action });
    }
  }

  /** Tells of a limit once, until the time that the backend asked to wait is over. */
  #showLimit(step: Step, { code, message, retryAfter, action = "send" }: ErrorFrame): void {
    if (code !== "rate_limited" || step.now < this.#limitedUntil) return;
    this.#limitedUntil = step.now + (retryAfter ?? this.#settings.retryAfterError);
    this.#emit({ type: "server_error", code, message, action });
  }

  /** What another device says to this one, and nobody is shown. */
  async #control(step: Step, message: Message, content: Control): Promise<void> {
    if (content.kind === "sas") {
      this.#outputs.push({ type: "sas", message, content });
      return;
    }
    await step.cipher.requested(message, content.of, content.repeats);
    this.#sending.look(message.chat);
  }

  // -- small

  #mayResend(now: number): boolean {
    return this.resumed || now >= this.#openedAt + this.#settings.resendAfter;
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

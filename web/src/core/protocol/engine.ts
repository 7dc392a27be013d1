/**
 * The client between connections: what each frame, command and moment in time asks for.
 *
 * Each input is called inside a step, which is one transaction; when that is on disk, the caller
 * carries out what `outputs` returns. A caller whose transaction fails drops the engine: the store
 * is the truth, the engine a view of it.
 */

import type { Content } from "../crypto/envelope.ts";
import { nameOf } from "../device.ts";
import type { ChatRow, MessageRow, OutboxRow, Purpose } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import { CatchUp } from "./catch-up.ts";
import { Conversations, type Step } from "./conversations.ts";
import type { Event } from "./events.ts";
import type { Accepted, ClientFrame, Message, Refused, ServerFrame, Watermarks } from "./frames.ts";
import { Liveness } from "./liveness.ts";
import { Outbox } from "./outbox.ts";
import type { Random } from "./random.ts";
import { ReceiptPlan } from "./receipts.ts";
import type { Settings } from "./settings.ts";
import { SyncPlan } from "./syncing.ts";
import { State } from "./ticks.ts";

export type Output =
  | { readonly type: "event"; readonly event: Event }
  /** Send this text on the open connection. */
  | { readonly type: "transmit"; readonly text: string }
  /** Leave the open connection. `planned`: connect again at once; it was only its time. */
  | { readonly type: "drop"; readonly reason: string; readonly planned: boolean }
  /** Leave the open connection and do not connect again. */
  | { readonly type: "stop" }
  /** Something is to be sealed in this chat. */
  | { readonly type: "seal"; readonly chat: string }
  /** The directory has other devices of this user than it had. */
  | { readonly type: "refresh"; readonly user: string }
  /** A step of an emoji comparison has come. */
  | { readonly type: "sas"; readonly message: Message; readonly content: SasContent };

type SasContent = Extract<Content, { kind: "sas" }>;

// Everything else that an error says of a message will be the same next time.
const RETRYABLE = new Set(["rate_limited", "internal"]);
const WATCH_LIMIT = 100; // users in one `watch` frame

export class Engine {
  readonly #user: string;
  readonly #settings: Settings;
  #outputs: Output[] = [];
  #online = false;
  #openedAt = 0;
  #now = 0;
  readonly #watched = new Set<string>();
  #watchAt: number | undefined;
  readonly #typed = new Map<string, number>();
  #toldAtPing = new Map<string, Watermarks>();
  /** Groups whose members may be others than is known here. */
  readonly #unsure = new Set<string>();
  #number = 0;
  #written = 0;
  readonly #sync: SyncPlan;
  readonly #outbox: Outbox;
  readonly #receipts: ReceiptPlan;
  readonly #liveness: Liveness;
  readonly #chats: Conversations;
  readonly #catchUp: CatchUp;

  /** `madeAt`: when this device was made, epoch ms. */
  constructor(user: string, device: string, madeAt: number, random: Random, settings: Settings) {
    this.#user = user;
    this.#settings = settings;
    this.#sync = new SyncPlan(settings);
    this.#outbox = new Outbox(settings, random);
    this.#receipts = new ReceiptPlan(settings);
    this.#liveness = new Liveness(settings, random);
    const emit = (event: Event) => this.#emit(event);
    this.#chats = new Conversations(user, device, madeAt, settings, {
      emit,
      done: (step, messageId) => this.#done(step, messageId),
      moved: (chat, marks, senders) => this.#receipts.moved(chat, this.#now, marks, senders),
      control: (step, message, content) => this.#control(step, message, content),
    });
    this.#catchUp = new CatchUp(
      this.#sync,
      this.#chats,
      this.#outbox,
      this.#receipts,
      settings,
      emit,
    );
  }

  /** What the store has: to be called once, before anything else. */
  async restore(step: Step): Promise<void> {
    for (const { chat, watermark } of await step.ledger.chats()) this.#chats.log(chat, watermark);
    for (const row of await step.ledger.outbox()) {
      this.#outbox.add(row, true);
      this.#number = Math.max(this.#number, row.number);
    }
  }

  // -- what the caller asks

  /** Online, and on this connection the server has answered for every chat. */
  get resumed(): boolean {
    return this.#online && this.#sync.resumed;
  }

  get unaccepted(): number {
    return this.#outbox.size;
  }

  knows(chat: string): boolean {
    return this.#chats.logs.has(chat);
  }

  /** Whether the members of `chat` are known as they are now; if not, they have been asked for. */
  sureOfMembers(chat: string): boolean {
    return !this.#unsure.has(chat);
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
      this.#watchAt,
    ].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // -- the connection

  async opened(step: Step): Promise<void> {
    this.#now = this.#openedAt = step.now;
    this.#online = true;
    this.#toldAtPing.clear();
    this.#unsure.clear(); // the sync that follows tells them all
    this.#liveness.opened(step.now);
    this.#sync.opened(step.now);
    this.#catchUp.opened();
    this.#outbox.opened();
    const chats = await step.ledger.chats();
    this.#receipts.opened(new Map(chats.map(({ chat, reported }) => [chat, reported])));
    for (const chat of chats) await this.#tellAgain(step, chat);
    this.#watchAt = this.#watched.size > 0 ? step.now : undefined;
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
  }

  /** The user leaves: says at once what would have waited for company. */
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
    if (this.#watchAt !== undefined && now >= this.#watchAt) {
      this.#watch([...this.#watched]);
      this.#watchAt = now + this.#settings.watchInterval;
    }
    if (this.#liveness.pingDue(now)) {
      this.#toldAtPing = this.#receipts.told();
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
        await this.#chats.receipt(step, frame);
        await this.#catchUp.met(step, frame.chat, frame.user);
        break;
      case "synced":
        for (const chat of await this.#catchUp.synced(step, frame)) {
          if (this.#unsure.delete(chat)) this.#outputs.push({ type: "seal", chat });
        }
        break;
      case "nudge":
        this.#catchUp.nudged(frame.chat, frame.seq, step.now);
        break;
      case "error":
        await this.#error(step, frame);
        break;
      case "pong":
        await this.#confirmReceipts(step);
        break;
      case "displaced":
        this.#emit({ type: "displaced" });
        this.#outputs.push({ type: "stop" });
        break;
      case "devices_changed":
        this.#devicesChanged(frame.user, frame.chat);
        break;
      default:
        this.#emit(frame); // presence, typing, keys_low
    }
    this.due(step.now);
  }

  // -- commands

  /** Stores a text; it is sealed and sent as soon as there is a connection and its readers are known. */
  write(step: Step, chat: string, messageId: string, device: string, text: string): void {
    this.#chats.log(chat);
    this.#written = Math.max(this.#written + 1, step.time);
    step.ledger.add({
      chat,
      messageId,
      sender: this.#user,
      senderDevice: device,
      alg: "",
      text,
      state: State.WAITING,
      written: this.#written,
    });
    this.#outputs.push({ type: "seal", chat });
  }

  /** Puts a sealed frame into the outbox. */
  queue(step: Step, chat: string, messageId: string, purpose: Purpose, frame: string): void {
    this.#number += 1;
    const row = { number: this.#number, chat, messageId, purpose, frame };
    step.ledger.queue(row);
    this.#outbox.add(row, false);
    this.due(step.now);
  }

  async markRead(step: Step, chat: string, seq: number): Promise<void> {
    this.#now = step.now;
    await this.#chats.read(step, chat, seq);
    this.due(step.now);
  }

  /** As a REST answer says. */
  async chatIs(
    step: Step,
    chat: string,
    members: readonly string[],
    changes: Pick<ChatRow, "kind"> & Partial<ChatRow>,
  ): Promise<void> {
    const log = this.#chats.log(chat);
    const told = Object.fromEntries(members.map((user) => [user, { delivered: 0, read: 0 }]));
    await this.#chats.membersAre(step, chat, told, log.highest);
    await step.ledger.changeChat(chat, changes);
    this.#unsure.delete(chat);
  }

  /** The user adds these to the chat. */
  async adding(step: Step, chat: string, users: readonly string[]): Promise<void> {
    await this.#chats.adding(step, chat, users);
  }

  async reopen(step: Step, user: string, device: string): Promise<void> {
    await this.#chats.reopen(step, user, device);
  }

  typing(now: number, chat: string): void {
    const last = this.#typed.get(chat) ?? Number.NEGATIVE_INFINITY;
    if (!this.#online || now - last < this.#settings.typingInterval) return;
    this.#typed.set(chat, now);
    this.#transmit([{ action: "typing", chat }]);
  }

  /** Until the client ends; subscriptions are renewed before the server forgets them. */
  watch(now: number, users: readonly string[]): void {
    for (const user of users) this.#watched.add(user);
    if (!this.#online || users.length === 0) return;
    this.#watch([...users]);
    this.#watchAt ??= now + this.#settings.watchInterval;
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
    await this.#catchUp.met(step, message.chat, message.sender);
  }

  async #accepted(step: Step, frame: Accepted): Promise<void> {
    const sent = this.#outbox.row(frame.messageId);
    const own = await this.#chats.accepted(step, frame);
    this.#catchUp.chase(frame.chat, step.now);
    if (sent === undefined || own === undefined) return;
    for (const device of frame.stale) await this.#stale(step, frame.chat, device);
    if (sent.purpose === "text") await this.#missed(step, own, frame);
    if (sent.purpose === "room_key") await this.#unshared(step, frame);
  }

  /** Not registered any more: nothing of it is used again. */
  async #stale(step: Step, chat: string, device: string): Promise<void> {
    const range = tables.startingWith(chat, device);
    for (const { id } of await step.ledger.work.all(tables.olmSessions, undefined, range)) {
      step.ledger.work.delete(tables.olmSessions, [chat, device, id]);
    }
    this.#refresh(device);
  }

  /** Devices that were registered, and are in none of the frames of this text. */
  async #missed(step: Step, own: MessageRow, frame: Accepted): Promise<void> {
    if (frame.missing.length === 0) return;
    const missed = frame.missing.filter((device) => !own.sentTo.includes(device));
    for (const device of missed) {
      step.ledger.owe(frame.chat, device, own.messageId);
      this.#refresh(device);
    }
    if (missed.length > 0) this.#outputs.push({ type: "seal", chat: frame.chat });
  }

  /** Devices that were registered, and have not been sent the key of this session. */
  async #unshared(step: Step, frame: Accepted): Promise<void> {
    const group = await step.ledger.work.get(tables.outboundGroups, frame.chat);
    const { members } = await step.ledger.chat(frame.chat);
    for (const device of frame.missing) {
      if (group?.shared[device] !== undefined) continue;
      this.#refresh(device);
      if (!((device.split("/")[0] ?? "") in members)) this.#askMembers(frame.chat);
    }
    this.#outputs.push({ type: "seal", chat: frame.chat });
  }

  async #control(step: Step, message: Message, content: Content): Promise<void> {
    if (content.kind === "sas") this.#outputs.push({ type: "sas", message, content });
    if (content.kind !== "request") return;
    const device = nameOf(message.sender, message.senderDevice);
    for (const of of new Set(content.of)) {
      const own = await step.ledger.own(of);
      const readable = own?.chat === message.chat && own.text !== undefined && !own.hidden;
      if (readable) step.ledger.owe(message.chat, device, of);
    }
    const group = await step.ledger.work.get(tables.outboundGroups, message.chat);
    if (group?.shared[device] !== undefined) {
      // It may lack the key as well: it gets it again with the next text.
      const { [device]: _, ...shared } = group.shared;
      step.ledger.work.put(tables.outboundGroups, { ...group, shared });
    }
    this.#outputs.push({ type: "seal", chat: message.chat });
  }

  #devicesChanged(user: string, chat: string | undefined): void {
    if (chat !== undefined) this.#askMembers(chat);
    this.#outputs.push({ type: "refresh", user });
    this.#emit({ type: "devices_changed", user });
  }

  async #error(step: Step, error: Refused): Promise<void> {
    const retryable = RETRYABLE.has(error.code);
    const sent = error.messageId === undefined ? undefined : this.#outbox.row(error.messageId);
    if (sent !== undefined) {
      if (retryable) {
        this.#outbox.retry(sent.messageId, step.now);
      } else {
        await this.#chats.failed(step, sent.messageId, `${error.code}: ${error.message}`);
      }
      return;
    }
    if (error.action === "sync") this.#catchUp.refused(retryable, step.now);
    else if (retryable && (error.action === "receipt" || error.action === undefined)) {
      await this.#repeatReceipts(step);
    }
    if (error.messageId === undefined) {
      const { code, message, action } = error;
      this.#emit({ type: "server_error", code, message, action });
    }
  }

  // -- receipts

  /** What the server may not know: nothing that was sent after it has been answered. */
  async #tellAgain(step: Step, { chat, watermark, read, reported }: ChatRow): Promise<void> {
    if (watermark <= reported.delivered && read <= reported.read) return;
    const after =
      read <= reported.read ? reported.delivered : Math.min(reported.read, reported.delivered);
    const senders = await step.ledger.senders(chat, after, watermark);
    this.#receipts.moved(chat, step.now, { delivered: watermark, read }, senders);
  }

  /** One of them may be what was refused, and the error does not say which. */
  async #repeatReceipts(step: Step): Promise<void> {
    for (const { chat, watermark, read, reported } of await step.ledger.chats()) {
      if (watermark !== reported.delivered || read !== reported.read) {
        this.#receipts.repeat(chat, step.now);
      }
    }
  }

  /** A pong says that what was sent before the ping has arrived. */
  async #confirmReceipts(step: Step): Promise<void> {
    const told = this.#toldAtPing;
    this.#toldAtPing = new Map();
    for (const [chat, marks] of told) {
      this.#receipts.arrived(chat, marks);
      const { reported } = await step.ledger.chat(chat);
      if (reported.delivered !== marks.delivered || reported.read !== marks.read) {
        await step.ledger.changeChat(chat, { reported: marks });
      }
    }
  }

  // -- small

  #done(step: Step, messageId: string): void {
    const row = this.#outbox.row(messageId);
    if (row === undefined) return;
    step.ledger.unqueue(row);
    this.#outbox.remove(messageId);
    // texts wait until the keys before them have arrived
    if (row.purpose === "room_key") this.#outputs.push({ type: "seal", chat: row.chat });
  }

  #mayResend(now: number): boolean {
    return this.resumed || now >= this.#openedAt + this.#settings.resendAfter;
  }

  #askMembers(chat: string): void {
    this.#unsure.add(chat);
    this.#sync.wantNews(chat);
  }

  #refresh(device: string): void {
    this.#outputs.push({ type: "refresh", user: device.split("/")[0] ?? "" });
  }

  #watch(users: string[]): void {
    const names = users.sort();
    for (let at = 0; at < names.length; at += WATCH_LIMIT) {
      this.#transmit([{ action: "watch", users: names.slice(at, at + WATCH_LIMIT) }]);
    }
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

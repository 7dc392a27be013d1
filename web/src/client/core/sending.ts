/**
 * Sending: from a written text to frames in the outbox, and what has to be fetched first.
 *
 * A text is sealed when it is the next of its chat, and not before: it is then sealed once, for the
 * devices that are there by then, and sent again byte by byte the same until it is accepted.
 */

import type { Recipient } from "../crypto/sessions.ts";
import { nextAsk } from "../crypto/to-device.ts";
import type { ChatRow, MessageRow, OutboxRow } from "../store/tables.ts";
import { named } from "./changes.ts";
import type {
  Audience,
  Chats,
  Claimed,
  Claims,
  FetchResult,
  Listing,
  Lists,
  Request,
  Tried,
  Wants,
} from "./cipher.ts";
import type { MessageContent, Reference } from "./content.ts";
import type { Event } from "./events.ts";
import type { Accepted } from "./frames.ts";
import { nameOf, userOf } from "./ids.ts";
import type { KeyRequests } from "./key-requests.ts";
import { isMember, isPair, type Membership } from "./membership.ts";
import type { OwnMessages } from "./own-messages.ts";
import type { Settings } from "./settings.ts";
import type { Step } from "./step.ts";
import { State } from "./ticks.ts";

/** Ids in one `request`, so that its frame stays small. */
const ASKED_AT_ONCE = 100;

export class Sending {
  readonly #user: string;
  readonly #keyRequests: KeyRequests;
  readonly #membership: Membership;
  readonly #own: OwnMessages;
  readonly #settings: Settings;
  readonly #emit: (event: Event) => void;
  /** Chats in which there may be something to seal. */
  readonly #chats = new Set<string>();
  /** Whose device lists a chat waits for. */
  readonly #missing = new Map<string, readonly string[]>();
  readonly #blocked = new Map<string, string>();
  /** When the next message is to be asked for, and when that was last looked at; epoch ms. */
  #askAt: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    user: string,
    keyRequests: KeyRequests,
    membership: Membership,
    own: OwnMessages,
    settings: Settings,
    emit: (event: Event) => void,
  ) {
    this.#user = user;
    this.#keyRequests = keyRequests;
    this.#membership = membership;
    this.#own = own;
    this.#settings = settings;
    this.#emit = emit;
  }

  async restore({ cipher, ledger }: Step): Promise<void> {
    for (const chat of await cipher.restore()) this.look(chat);
    for (const { chat } of await ledger.unsealed()) this.look(chat);
    this.#askAt = await ledger.nextAsk(Number.NEGATIVE_INFINITY);
  }

  add(step: Step, chat: string, messageId: string, content: MessageContent): void {
    this.#own.write(step, chat, messageId, content);
    this.#keyRequests.tryAgain(chat);
    this.look(chat);
  }

  /** Deletes a text of this device that nobody has got; false if somebody may have it. */
  async withdraw(step: Step, chat: string, target: Reference): Promise<boolean> {
    const own = await step.ledger.own(target.id);
    const unsealed = own?.chat === chat && !own.sealed && own.written !== undefined;
    if (!unsealed && own?.state !== State.FAILED) return false;
    if (unsealed) step.ledger.change(own, { sealed: true });
    await step.ledger.erase(chat, target, "deleted");
    const of = { chat, ...named(target), by: this.#user };
    this.#emit({ type: "message_changed", ...of, what: "deletion" });
    return true;
  }

  /** There may be something to seal in this chat. */
  look(chat: string): void {
    this.#chats.add(chat);
  }

  /** Something is to be asked for at this time, epoch ms. */
  askAt(at: number): void {
    this.#askAt = Math.min(at, this.#askAt ?? at);
  }

  opened(): void {
    this.#keyRequests.opened();
    this.#blocked.clear();
  }

  closed(): void {
    this.#keyRequests.closed();
  }

  nextDue(now: number, time: number): number | undefined {
    const keys = this.#keyRequests.nextDue(now);
    if (this.#askAt === undefined) return keys;
    const asks = now + this.#askAt - time;
    return keys === undefined ? asks : Math.min(keys, asks);
  }

  /** Seals the texts that can be sealed, and requests the keys that others need. */
  async due(step: Step): Promise<void> {
    const { ledger, time } = step;
    const back = time < this.#lookedAt; // the clock was set back
    if (back || (this.#askAt !== undefined && this.#askAt <= time)) {
      for (const { chat } of await ledger.asks(time)) this.look(chat);
      this.#askAt = await ledger.nextAsk(time);
    }
    this.#lookedAt = time;
    for (const chat of [...this.#chats]) await this.#prepare(step, chat);
  }

  async #prepare(step: Step, chat: string): Promise<void> {
    if (this.#keyRequests.underWay(chat, this.#missing.get(chat) ?? [])) return;
    this.#missing.delete(chat);
    const drafts = (await step.ledger.unsealed()).filter((row) => row.chat === chat);
    const devices = await step.cipher.devicesToSendTo(chat);
    const asks = await step.ledger.toAsk(chat, step.time);
    if (drafts.length + devices.size + asks.length === 0) {
      this.#chats.delete(chat);
      return;
    }
    const row = await step.ledger.chat(chat);
    if (row.kind === undefined || row.members.length === 0) {
      this.#keyRequests.wantChats(chat, step.now);
      return;
    }
    if (!this.#membership.sure(chat)) return; // they have been asked for
    if (row.kind === "direct" && !isPair(row, this.#user)) {
      await this.#fail(step, drafts, "this direct chat is not one of two people");
      return;
    }
    const [draft] = drafts;
    if (draft !== undefined && this.#own.queued(chat).length === 0) {
      await this.#draft(step, row, draft);
    }
    if (devices.size + asks.length === 0) return;
    if (!(await this.#membership.maySendUnasked(step, chat))) return;
    if (devices.size > 0) await this.#toDevice(step, row, devices);
    if (asks.length > 0) await this.#ask(step, row, asks);
  }

  // -- texts

  async #draft(step: Step, row: ChatRow, draft: MessageRow): Promise<void> {
    const audience = await this.#audience(step, row, usersOf(row));
    const wants = await step.cipher.wants(audience, this.#tried(step, row.chat));
    this.#notifyBlocked(row.chat, wants.blocked);
    if (this.#fetch(step, row.chat, wants) || wants.blocked.length > 0) return;
    const sealing = await step.cipher.seal(draft, audience);
    await this.#own.queue(step, row.chat, sealing.frames);
  }

  #notifyBlocked(chat: string, users: readonly string[]): void {
    const names = users.join();
    if (users.length > 0 && this.#blocked.get(chat) !== names) {
      this.#emit({ type: "held", chat, users });
    }
    this.#blocked.set(chat, names);
  }

  async #fail(step: Step, drafts: readonly MessageRow[], reason: string): Promise<void> {
    for (const { messageId } of drafts) await this.#own.failed(step, messageId, reason);
  }

  // -- acceptances

  /** `sent` is the frame to which it is the response, `own` the message that it carried. */
  async accepted(step: Step, frame: Accepted, sent: OutboxRow, own: MessageRow): Promise<void> {
    this.look(frame.chat);
    // What is still under way from them is opened anyway: their sessions stay.
    for (const device of frame.stale) this.#keyRequests.changed(userOf(device));
    if (frame.more) {
      // Not all were named: whose they are, the lists say.
      const members = usersOf(await step.ledger.chat(frame.chat));
      for (const user of members) this.#keyRequests.changed(user);
    }
    if (sent.purpose === "text") {
      const missed = frame.missing.filter((device) => !own.sentTo.includes(device));
      await step.cipher.queueCopies(frame.chat, own.messageId, missed);
      for (const device of missed) this.#keyRequests.changed(userOf(device));
    }
    if (sent.purpose === "room_key") await this.#unshared(step, frame);
  }

  /** Devices that were registered, and have not been sent the key of this session. */
  async #unshared(step: Step, frame: Accepted): Promise<void> {
    const { members } = await step.ledger.chat(frame.chat);
    for (const device of await step.cipher.withoutKey(frame.chat, frame.missing)) {
      const user = userOf(device);
      this.#keyRequests.changed(user);
      if (!isMember(members, user)) this.#membership.ask(frame.chat);
    }
  }

  // -- what single devices get

  async #toDevice(step: Step, row: ChatRow, devices: ReadonlySet<string>): Promise<void> {
    const users = new Set([...devices].map(userOf));
    const members = usersOf(row).filter((user) => users.has(user));
    const audience = await this.#audience(step, row, members);
    const tried = this.#tried(step, row.chat);
    const wants = await step.cipher.toDeviceWants(audience, tried);
    this.#fetch(step, row.chat, wants);
    if (wants.lists.length > 0) return;
    await this.#own.queue(step, row.chat, await step.cipher.sealToDevice(audience));
  }

  async #ask(step: Step, row: ChatRow, asks: readonly MessageRow[]): Promise<void> {
    const byDevice = Map.groupBy(asks, sentBy);
    const users = new Set(asks.map(({ sender }) => sender));
    const members = usersOf(row).filter((user) => users.has(user));
    const audience = await this.#audience(step, row, members);
    this.#fetch(step, row.chat, { lists: audience.missing, claims: [], blocked: [] });
    const tried = this.#tried(step, row.chat);
    const claims: string[] = [];
    for (const [device, rows] of byDevice) {
      if (audience.missing.includes(userOf(device))) continue;
      if (audience.devices.has(device) && !tried.has(device)) claims.push(device);
      else this.#asked(step, rows); // nobody is there to respond, or not now
    }
    this.#keyRequests.wantClaims(row.chat, claims, step.now, true);
  }

  /** Counted although it may not go out: a device that never has keys is not asked for ever. */
  #asked(step: Step, rows: readonly MessageRow[]): void {
    for (const row of rows) {
      const asked = row.asked + 1;
      const askAt = nextAsk(asked, step.time, this.#settings.askAfter);
      step.ledger.change(row, { asked, askAt });
      if (askAt !== undefined) this.askAt(askAt);
    }
  }

  // -- the responses

  /**
   * The devices, `user/device`, of which messages may be readable now; undefined for a list that
   * may be older than what is known: it is not taken.
   */
  async fetchSucceeded(step: Step, result: FetchResult): Promise<string[] | undefined> {
    switch (result.type) {
      case "lists":
        return this.#listed(step, result.request, result.found);
      case "claims":
        await this.#claimed(step, result.request, result.found, result.retryAfter);
        return [];
      case "chats":
        await this.#chatsListed(step, result.request);
        return [];
    }
  }

  fetchFailed(step: Step, request: Request, retryAfter: number): void {
    this.#keyRequests.failed(request, step.now, retryAfter);
  }

  async #listed(step: Step, request: Lists, found: Listing): Promise<string[] | undefined> {
    if (!this.#keyRequests.listed(request)) return undefined;
    const { user } = request;
    const { listed, learned, added, changed } = await step.cipher.learn(user, found);
    this.#keyRequests.learned(user, listed);
    for (const device of added) this.#emit({ type: "device_added", user, device });
    for (const device of changed) this.#emit({ type: "identity_changed", user, device });
    return learned.map((device) => nameOf(user, device));
  }

  async #claimed(step: Step, request: Claims, found: Claimed, retryAfter?: number): Promise<void> {
    const begun = await step.cipher.claimed(request, found);
    this.#keyRequests.claimed(request, new Set(begun.keys()), step.now, retryAfter);
    if (!request.asking) return;
    const asks = await step.ledger.toAsk(request.chat, step.time);
    for (const [device, rows] of Map.groupBy(asks, sentBy)) {
      const to = begun.get(device);
      if (to !== undefined) await this.#sendRequest(step, request.chat, to, rows);
    }
  }

  async #sendRequest(
    step: Step,
    chat: string,
    to: Recipient,
    rows: readonly MessageRow[],
  ): Promise<void> {
    this.#asked(step, rows);
    for (let at = 0; at < rows.length; at += ASKED_AT_ONCE) {
      const part = rows.slice(at, at + ASKED_AT_ONCE);
      await this.#own.queue(step, chat, [await step.cipher.ask(chat, to, part)]);
    }
  }

  async #chatsListed(step: Step, request: Chats): Promise<void> {
    const { kind, members } = await step.ledger.chat(request.chat);
    if (kind !== undefined && members.length === 0) {
      this.fetchFailed(step, request, 0); // nobody has said who they are
      return;
    }
    this.#keyRequests.settled(request);
    if (kind === undefined) this.#chats.delete(request.chat); // it is listed no more
  }

  // -- small

  #audience(step: Step, row: ChatRow, users: readonly string[]): Promise<Audience> {
    return step.cipher.audience(row, users, (user) => this.#keyRequests.fresh(user));
  }

  #tried(step: Step, chat: string): Tried {
    return this.#keyRequests.tried(chat, step.now);
  }

  /** Whether anything is to be fetched. */
  #fetch(step: Step, chat: string, { lists, claims }: Wants): boolean {
    this.#missing.set(chat, [...(this.#missing.get(chat) ?? []), ...lists]);
    this.#keyRequests.wantLists(lists, step.now);
    this.#keyRequests.wantClaims(chat, claims, step.now);
    return lists.length + claims.length > 0;
  }
}

function usersOf({ members }: ChatRow): string[] {
  return members.map(([user]) => user);
}

function sentBy({ sender, senderDevice }: MessageRow): string {
  return nameOf(sender, senderDevice);
}

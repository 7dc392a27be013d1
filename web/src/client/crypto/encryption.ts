/**
 * The engine's Cipher: identities, ratchets and to-device messages of one device, in one step.
 *
 * Nothing is kept in memory, so a failed transaction takes back all changes.
 */

import type {
  Audience,
  Cipher,
  Claimed,
  Claims,
  Found,
  Fresh,
  Listing,
  Outgoing,
  Sealing,
  Tried,
  Wants,
} from "../core/cipher.ts";
import type { MessageContent } from "../core/content.ts";
import { type Message, send } from "../core/frames.ts";
import { isText, nameOf, partsOf, userOf } from "../core/ids.ts";
import type { ToDeviceContent } from "../core/outputs.ts";
import { State } from "../core/ticks.ts";
import { MessageTooLarge } from "../errors.ts";
import { contentOf } from "../store/changes.ts";
import type { Ledger } from "../store/ledger.ts";
import type { ChatRow, MessageRow, OutboxRow, Purpose, ToDeviceRow } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import { checkedClaim } from "./entries.ts";
import { type Content, MEGOLM, OLM, parseMegolm, type Self } from "./envelope.ts";
import { blocked, Identities, type Listed, type Seen } from "./identities.ts";
import { type Opened, open } from "./opening.ts";
import { askedAgain, lacking, rejectedFor, sharedWith, wornOut } from "./rotation.ts";
import {
  beginGroup,
  type Copy,
  copyOf,
  envelopeOf,
  groupKey,
  NOTHING,
  pack,
  roomFor,
  sealFor,
  sealForGroup,
} from "./sealing.ts";
import {
  begin,
  type Recipient,
  retireAll,
  retireSessions,
  sessionsWith,
  withoutSession,
} from "./sessions.ts";
import { mayAskFor, mayHaveCopy, type Readers, ToDeviceQueue } from "./to-device.ts";

export class Encryption implements Cipher {
  readonly #self: Self;
  readonly #ledger: Ledger;
  readonly #identities: Identities;
  readonly #toDevice: ToDeviceQueue;
  /** Of this step; `now` on the clock of the steps, `time` in epoch ms. */
  readonly #now: number;
  readonly #time: number;

  constructor(self: Self, ledger: Ledger, now: number, time: number) {
    this.#self = self;
    this.#ledger = ledger;
    this.#identities = new Identities(ledger.work, self, time);
    this.#toDevice = new ToDeviceQueue(ledger.work);
    this.#now = now;
    this.#time = time;
  }

  // -- texts

  check(content: MessageContent): void {
    const copy = copyOf("x".repeat(36), content, this.#time);
    const { size, limit } = roomFor(this.#self, copy);
    if (size > limit) throw new MessageTooLarge(size, limit);
  }

  async audience(chat: ChatRow, users: readonly string[], fresh: Fresh): Promise<Audience> {
    const devices = new Map<string, Recipient>();
    const held: string[] = [];
    const missing = users.filter((user) => fresh(user) === undefined);
    for (const user of users) {
      const listed = fresh(user);
      if (listed === undefined) continue;
      const memory = await this.#identities.devices(user);
      if (blocked(memory, listed.keys())) held.push(user);
      for (const { device, keys, pending } of memory) {
        if (keys === undefined || pending !== undefined || !listed.has(device)) continue;
        const name = nameOf(user, device);
        devices.set(name, { name, keys });
      }
    }
    return { chat, missing, devices, blocked: held };
  }

  async wants(audience: Audience, tried: Tried): Promise<Wants> {
    const { chat, missing, devices } = audience;
    const waits = missing.length > 0 || audience.blocked.length > 0;
    if (waits) return { lists: missing, claims: [], blocked: audience.blocked };
    let needed = [...devices.keys()];
    if (chat.kind === "group") {
      const readers = readersOf(audience);
      const group = await this.#ledger.work.get(tables.outboundGroups, chat.chat);
      const lasting = group !== undefined && !wornOut(group, readers, this.#time);
      needed = lacking(lasting ? group : undefined, readers);
    }
    return { lists: [], claims: await this.#toClaim(chat.chat, needed, tried), blocked: [] };
  }

  async seal(draft: MessageRow, audience: Audience): Promise<Sealing> {
    return audience.chat.kind === "group"
      ? this.#sealForGroup(draft, audience)
      : this.#sealForEach(draft, audience);
  }

  async queueCopies(chat: string, messageId: string, devices: readonly string[]): Promise<void> {
    for (const device of devices) await this.#toDevice.addCopy(chat, device, messageId, false);
  }

  async withoutKey(chat: string, devices: readonly string[]): Promise<string[]> {
    const group = await this.#ledger.work.get(tables.outboundGroups, chat);
    return devices.filter((device) => group?.shared[device] === undefined);
  }

  async failed({ chat, purpose, frame }: OutboxRow): Promise<void> {
    const group = await this.#ledger.work.get(tables.outboundGroups, chat);
    if (purpose !== "room_key" || group === undefined) return;
    const { to } = JSON.parse(frame) as { to: Readonly<Record<string, string>> };
    this.#ledger.work.put(tables.outboundGroups, rejectedFor(group, Object.keys(to)));
  }

  /** One frame for all devices, if they fit; the rest gets copies, beside the first part. */
  async #sealForEach(draft: MessageRow, { chat, devices }: Audience): Promise<Sealing> {
    const { reachable, left } = await this.#reachable(chat.chat, devices, devices.keys());
    const others = reachable.filter(({ name }) => userOf(name) !== this.#self.user);
    if (others.length === 0) return { frames: [], done: false };
    const readers = [...others, ...reachable.filter((each) => !others.includes(each))];
    const parcel = {
      chat: chat.chat,
      hidden: !isText(draft.messageId),
      first: { messageId: draft.messageId, content: envelopeOf(draft) },
      further: () => ({ messageId: crypto.randomUUID(), content: this.#copyOf(draft) }),
    };
    const packed = await pack(this.#ledger.work, this.#self, parcel, readers);
    const sentTo = packed.flatMap((each) => each.devices);
    this.#ledger.change(draft, { alg: OLM, sealed: true, sentTo });
    await this.queueCopies(chat.chat, draft.messageId, left);
    const frames = packed.map(({ messageId, frame }) => {
      const purpose: Purpose = messageId === draft.messageId ? "text" : "copy";
      return { messageId, purpose, frame };
    });
    return { frames, done: true };
  }

  /** The session's key goes ahead of the text, which waits until that is accepted. */
  async #sealForGroup(draft: MessageRow, audience: Audience): Promise<Sealing> {
    const { work } = this.#ledger;
    const { chat } = audience.chat;
    const readers = readersOf(audience);
    let group = await work.get(tables.outboundGroups, chat);
    if (group === undefined || wornOut(group, readers, this.#time)) {
      group = beginGroup(work, this.#self, chat, this.#time);
    }
    const wanted = lacking(group, readers);
    const { reachable, left } = await this.#reachable(chat, audience.devices, wanted);
    if (reachable.length > 0) {
      const content = groupKey(this.#self, group);
      const another = () => ({ messageId: crypto.randomUUID(), content });
      const parcel = { chat, hidden: true, first: another(), further: another };
      const packed = await pack(work, this.#self, parcel, reachable);
      const devices = new Map(reachable.map(({ name, keys }) => [name, keys.ed25519]));
      work.put(tables.outboundGroups, sharedWith(group, devices));
      const frames = packed.map((each) => ({ ...each, purpose: "room_key" as const }));
      return { frames, done: false };
    }
    const place = { chat, messageId: draft.messageId };
    const payload = sealForGroup(work, this.#self, place, group, envelopeOf(draft));
    this.#ledger.change(draft, { alg: MEGOLM, sealed: true });
    await this.queueCopies(chat, draft.messageId, [...left, ...group.refused]);
    const hidden = !isText(draft.messageId);
    const frame = JSON.stringify(send(draft.messageId, chat, MEGOLM, payload, hidden));
    return { frames: [{ messageId: draft.messageId, purpose: "text", frame }], done: true };
  }

  // -- what single devices get

  async restore(): Promise<Set<string>> {
    await this.#toDevice.drop();
    return this.#toDevice.chats();
  }

  async devicesToSendTo(chat: string): Promise<Set<string>> {
    return new Set((await this.#toDevice.of(chat)).map(({ device }) => device));
  }

  async queueToDevice(
    chat: string,
    device: string,
    content: ToDeviceContent,
    until?: number,
  ): Promise<void> {
    await this.#toDevice.add(chat, device, content, until);
  }

  async toDeviceWants(audience: Audience, tried: Tried): Promise<Wants> {
    const { chat } = audience.chat;
    const due = await this.#due(audience);
    const devices = new Set(due.map(({ device }) => device));
    const reachable = [...devices].filter((device) => audience.devices.has(device));
    const claims = await this.#toClaim(chat, reachable, tried);
    return { lists: audience.missing, claims, blocked: [] };
  }

  async sealToDevice(audience: Audience): Promise<Outgoing[]> {
    const { chat, members, joinedAfter } = audience.chat;
    const readers = {
      members: new Set(members.map(([user]) => user)),
      joinedAfter: new Map(joinedAfter),
    };
    const frames: Outgoing[] = [];
    for (const row of await this.#due(audience)) {
      const to = audience.devices.get(row.device);
      const late = row.until !== undefined && this.#now >= row.until;
      if (to === undefined || late) {
        this.#toDevice.done(row); // removed, or its user has left
      } else if (row.content !== undefined) {
        if (!(await this.#hasSession(chat, to.name))) continue;
        this.#toDevice.done(row);
        frames.push(await this.#for(chat, to, row.content));
      } else {
        const hidden = row.asked || audience.chat.kind === "group";
        const copy = await this.#sealCopy(row, to, readers, hidden);
        if (copy !== undefined) frames.push(copy);
      }
    }
    return frames;
  }

  async ask(chat: string, to: Recipient, messages: readonly MessageRow[]): Promise<Outgoing> {
    const of = messages.map(({ messageId }) => messageId);
    const twice = messages.find((row) => row.unreadable === "replayed" && row.alg === MEGOLM);
    const repeats = parseMegolm(twice?.payload ?? "")?.sessionId;
    const content = { kind: "request" as const, of, ...(repeats && { repeats }) };
    return this.#for(chat, to, content, { fresh: true });
  }

  async requested(
    message: Message,
    messageIds: readonly string[],
    repeats?: string,
  ): Promise<void> {
    const { chat, sender, senderDevice } = message;
    const { work } = this.#ledger;
    const device = nameOf(sender, senderDevice);
    const asking = await work.get(tables.knownDevices, [sender, senderDevice]);
    for (const messageId of new Set(messageIds)) {
      const own = await this.#ledger.own(messageId);
      if (own?.chat !== chat || contentOf(own) === undefined) continue;
      if (asking === undefined || !mayAskFor(own.acceptedAt, asking.trustedAt)) continue;
      await this.#toDevice.addCopy(chat, device, messageId, true);
    }
    const group = await work.get(tables.outboundGroups, chat);
    if (group === undefined) return;
    // It repeats where this store was restored from an older copy.
    if (group.id === repeats) work.delete(tables.outboundGroups, chat);
    else work.put(tables.outboundGroups, askedAgain(group, device));
  }

  /** No texts to users whose changed identity is not accepted, whichever device it is. */
  async #due({ chat, blocked: held }: Audience): Promise<ToDeviceRow[]> {
    const rows = await this.#toDevice.of(chat.chat);
    return rows.filter((row) => row.content !== undefined || !held.includes(userOf(row.device)));
  }

  /**
   * Undefined where it can't be sealed yet, or never may be: it is dropped then. A copy is shown to
   * phones only where the text itself had no payload for the device.
   */
  async #sealCopy(
    row: ToDeviceRow,
    to: Recipient,
    readers: Readers,
    hidden: boolean,
  ): Promise<Outgoing | undefined> {
    const own = await this.#ledger.own(row.messageId);
    if (own?.state === State.WAITING) return undefined; // first it has to be accepted
    const gone = own === undefined || contentOf(own) === undefined;
    if (gone || !mayHaveCopy(own, to.name, readers)) {
      this.#toDevice.done(row);
      return undefined;
    }
    if (!(await this.#hasSession(row.chat, to.name))) return undefined;
    this.#toDevice.done(row);
    const count = (own.copies[to.name] ?? 0) + 1;
    this.#ledger.change(own, { copies: { ...own.copies, [to.name]: count } });
    const silent = hidden || !isText(own.messageId);
    return this.#for(row.chat, to, this.#copyOf(own), { hidden: silent });
  }

  /** `fresh`: on the newest session, for the older ones may be lost. */
  async #for(
    chat: string,
    to: Recipient,
    content: Content,
    { fresh = false, hidden = true } = {},
  ): Promise<Outgoing> {
    const messageId = crypto.randomUUID();
    const place = { chat, messageId };
    const payload = await sealFor(this.#ledger.work, this.#self, place, to, content, fresh);
    const frame = JSON.stringify(send(messageId, chat, OLM, { [to.name]: payload }, hidden));
    return { messageId, purpose: content.kind, frame };
  }

  // -- the directory's responses

  learn(user: string, found: Listing): Promise<Found> {
    return this.#identities.learn(user, found);
  }

  async claimed(request: Claims, found: Claimed): Promise<ReadonlyMap<string, Recipient>> {
    const { work } = this.#ledger;
    const begun = new Map<string, Recipient>();
    for (const name of request.devices) {
      const [user, device] = partsOf(name);
      const known = await work.get(tables.knownDevices, [user, device]);
      if (known?.keys === undefined || known.pending !== undefined) continue;
      const to = { name, keys: known.keys };
      const key = checkedClaim(this.#self.ratchets, to, found.get(name));
      if (key === undefined) continue;
      if (await begin(work, this.#self, request.chat, to, key)) begun.set(name, to);
    }
    return begun;
  }

  async accept(user: string, keys: Listed): Promise<string[]> {
    const accepted = await this.#identities.accept(user, keys);
    for (const row of accepted) await retireSessions(this.#ledger.work, row);
    return accepted.map(({ device }) => device);
  }

  async compared(user: string, seen: Seen): Promise<string[] | undefined> {
    const accepted = await this.#identities.compared(user, seen);
    for (const row of accepted ?? []) await retireSessions(this.#ledger.work, row);
    return accepted?.map(({ device }) => device);
  }

  async renew(chat: string): Promise<boolean> {
    const { work } = this.#ledger;
    work.delete(tables.outboundGroups, chat);
    return retireAll(work, chat);
  }

  // -- messages that arrive

  open(message: Message): Promise<Opened> {
    return open(this.#ledger.work, this.#self, message);
  }

  async #toClaim(chat: string, devices: readonly string[], tried: Tried): Promise<string[]> {
    const wanted = devices.filter((name) => !tried.has(name));
    return withoutSession(this.#ledger.work, chat, wanted);
  }

  /** Of these devices those with a session, and the names of those without. */
  async #reachable(
    chat: string,
    devices: ReadonlyMap<string, Recipient>,
    names: Iterable<string>,
  ): Promise<{ reachable: Recipient[]; left: string[] }> {
    const all = [...names];
    const listed = all.flatMap((name) => devices.get(name) ?? []);
    const known = listed.map(({ name }) => name);
    const without = new Set(await withoutSession(this.#ledger.work, chat, known));
    const reachable = listed.filter(({ name }) => !without.has(name));
    const left = all.filter((name) => without.has(name) || !devices.has(name));
    return { reachable, left };
  }

  async #hasSession(chat: string, device: string): Promise<boolean> {
    return (await sessionsWith(this.#ledger.work, chat, device)).length > 0;
  }

  /** The time is the server's where it is known; who has the message's own frame goes by that. */
  #copyOf(row: MessageRow): Copy {
    return copyOf(row.messageId, contentOf(row) ?? NOTHING, row.sentAt ?? this.#time);
  }
}

function readersOf({ devices }: Audience): Map<string, string> {
  return new Map([...devices].map(([name, { keys }]) => [name, keys.ed25519]));
}

/**
 * Encryption of what is sent in one chat within one step: requests, queued copies, texts. The
 * caller has asked who the readers are and has claimed keys; nothing here waits for the network.
 */

import type { Engine } from "../core/engine.ts";
import { send } from "../core/frames.ts";
import { nameOf, partsOf } from "../core/ids.ts";
import type { Step } from "../core/step.ts";
import { State } from "../core/ticks.ts";
import type { Ledger } from "../store/ledger.ts";
import type { MessageRow, Purpose } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import { type Content, MEGOLM, OLM, type Self } from "./envelope.ts";
import { RatchetError } from "./olm.ts";
import { mayHaveCopy, nextAsk } from "./requests.ts";
import { lacking, type OutboundGroup, sharedWith, wornOut } from "./rotation.ts";
import {
  begin,
  beginGroup,
  groupKey,
  pack,
  type Recipient,
  sealFor,
  sealForGroup,
  sessionsWith,
} from "./sealing.ts";

/** Ids in one `request`, so that its frame stays small. */
const ASKED_AT_ONCE = 100;

/** Who is in a chat, by the directory and by what this device trusts. */
export interface Audience {
  /** By `user/device`; those of blocked users are not among them, and this device is not. */
  readonly devices: ReadonlyMap<string, Recipient>;
  /** Users whose changed identities wait for acceptance. */
  readonly blocked: readonly string[];
}

export class Encryption {
  readonly #self: Self;
  readonly #chat: string;
  readonly #audience: Audience;
  readonly #step: Step;
  readonly #engine: Engine;

  constructor(self: Self, chat: string, audience: Audience, step: Step, engine: Engine) {
    this.#self = self;
    this.#chat = chat;
    this.#audience = audience;
    this.#step = step;
    this.#engine = engine;
  }

  /** Begins sessions with claimed keys, by `user/device`; gives the devices for which that succeeded. */
  async begin(keys: ReadonlyMap<string, string>): Promise<Set<string>> {
    const begun = new Set<string>();
    for (const [name, key] of keys) {
      const to = this.#audience.devices.get(name);
      if (to === undefined) continue;
      try {
        await begin(this.#step.ledger.work, this.#self, this.#chat, to, key);
        begun.add(name);
      } catch (error) {
        if (!(error instanceof RatchetError)) throw error; // signed, and no key all the same
      }
    }
    return begun;
  }

  /** Asks for what could not be read, on the sessions that were just begun. */
  async ask(begun: ReadonlySet<string>, askAfter: readonly number[]): Promise<void> {
    const { ledger, time } = this.#step;
    const rows = (await ledger.toAsk(time)).filter((row) => row.chat === this.#chat);
    for (const [name, of] of Map.groupBy(rows, (row) => nameOf(row.sender, row.senderDevice))) {
      for (const row of of) {
        // Counted although it may not go out: a device that never has keys is not asked for ever.
        const asked = row.asked + 1;
        ledger.change(row, { asked, askAt: nextAsk(asked, time, askAfter) });
      }
      const to = this.#audience.devices.get(name);
      if (to === undefined || !begun.has(name)) continue;
      const ids = of.map(({ messageId }) => messageId);
      for (let at = 0; at < ids.length; at += ASKED_AT_ONCE) {
        const some = ids.slice(at, at + ASKED_AT_ONCE);
        await this.sendTo(to, { kind: "request", of: some }, "request", true);
      }
    }
  }

  /** Sends the queued copies that can be sent now, and drops those that nobody may have. */
  async sendCopies(): Promise<void> {
    const { ledger } = this.#step;
    const { members, joinedAfter } = await ledger.chat(this.#chat);
    const membership = {
      members: new Set(members.map(([user]) => user)),
      joinedAfter: new Map(joinedAfter),
    };
    for (const copy of await ledger.queuedCopies(this.#chat)) {
      if (this.#audience.blocked.includes(partsOf(copy.device)[0])) continue;
      const own = await ledger.own(copy.messageId);
      if (own?.state === State.WAITING) continue; // first it has to be accepted
      const to = this.#audience.devices.get(copy.device);
      if (own === undefined || to === undefined || !mayHaveCopy(own, copy.device, membership)) {
        ledger.unqueueCopy(copy);
        continue;
      }
      if (!(await this.sendTo(to, copyOf(own), "copy"))) continue;
      ledger.unqueueCopy(copy);
      const count = (own.copies[copy.device] ?? 0) + 1;
      ledger.change(own, { copies: { ...own.copies, [copy.device]: count } });
    }
  }

  /** The texts of a direct chat. False if there is nobody to seal them for. */
  async direct(): Promise<boolean> {
    const { ledger } = this.#step;
    const texts = await textsOf(ledger, this.#chat);
    if (texts.length === 0) return true;
    const { reachable, left } = await this.#reachable(this.#audience.devices.keys());
    const others = reachable.filter(({ name }) => partsOf(name)[0] !== this.#self.user);
    if (others.length === 0) return false;
    const readers = [...others, ...reachable.filter((each) => !others.includes(each))];
    for (const text of texts) {
      const parcel = {
        chat: this.#chat,
        urgent: true,
        first: { messageId: text.messageId, content: textOf(text) },
        further: () => ({ messageId: crypto.randomUUID(), content: copyOf(text) }),
      };
      const packed = await pack(ledger.work, this.#self, parcel, readers);
      const sentTo = packed.flatMap(({ devices }) => devices);
      ledger.change(text, { alg: OLM, sealed: true, sentTo });
      for (const { messageId, frame } of packed) {
        if (messageId === text.messageId) await this.#queue(messageId, "text", frame);
        else await this.#queueHidden(messageId, "copy", frame);
      }
      for (const name of left) ledger.queueCopy(this.#chat, name, text.messageId);
    }
    return true;
  }

  /** The texts of a group. The session's key goes ahead of them, and they wait until it has arrived. */
  async group(): Promise<void> {
    const { ledger, time } = this.#step;
    const { devices } = this.#audience;
    const readers = new Map([...devices].map(([name, { keys }]) => [name, keys.ed25519]));
    for (const text of await textsOf(ledger, this.#chat)) {
      if (this.#engine.waiting(this.#chat, "room_key").length > 0) return;
      let group = await ledger.work.get(tables.outboundGroups, this.#chat);
      if (group === undefined || wornOut(group, readers, time)) {
        group = beginGroup(ledger.work, this.#self, this.#chat, time);
      }
      const { reachable, left } = await this.#reachable(lacking(group, readers));
      if (reachable.length > 0) {
        await this.#share(group, reachable);
        return;
      }
      const place = { chat: this.#chat, messageId: text.messageId };
      const payload = sealForGroup(ledger.work, this.#self, place, group, textOf(text));
      ledger.change(text, { alg: MEGOLM, sealed: true });
      const frame = send(text.messageId, this.#chat, MEGOLM, payload, true);
      await this.#queue(text.messageId, "text", JSON.stringify(frame));
      for (const name of [...left, ...group.refused]) {
        ledger.queueCopy(this.#chat, name, text.messageId);
      }
    }
  }

  /**
   * Something that is for one device and shown to nobody; false if there is no session with it.
   * `fresh`: on the newest session, for the older ones may be lost.
   */
  async sendTo(to: Recipient, content: Content, purpose: Purpose, fresh = false): Promise<boolean> {
    if (!(await this.#hasSession(to.name))) return false;
    const messageId = crypto.randomUUID();
    const place = { chat: this.#chat, messageId };
    const { work } = this.#step.ledger;
    const payload = await sealFor(work, this.#self, place, to, content, fresh);
    const frame = send(messageId, this.#chat, OLM, { [to.name]: payload }, false);
    await this.#queueHidden(messageId, purpose, JSON.stringify(frame));
    return true;
  }

  async #share(group: OutboundGroup, recipients: readonly Recipient[]): Promise<void> {
    const { work } = this.#step.ledger;
    const another = () => ({
      messageId: crypto.randomUUID(),
      content: groupKey(this.#self, group),
    });
    const parcel = { chat: this.#chat, urgent: false, first: another(), further: another };
    for (const { messageId, frame } of await pack(work, this.#self, parcel, recipients)) {
      await this.#queueHidden(messageId, "room_key", frame);
    }
    const devices = new Map(recipients.map(({ name, keys }) => [name, keys.ed25519]));
    work.put(tables.outboundGroups, sharedWith(group, devices));
  }

  /** Of these devices those with a session, and the names of those without. */
  async #reachable(names: Iterable<string>): Promise<{ reachable: Recipient[]; left: string[] }> {
    const reachable: Recipient[] = [];
    const left: string[] = [];
    for (const name of names) {
      const device = this.#audience.devices.get(name);
      if (device !== undefined && (await this.#hasSession(name))) reachable.push(device);
      else left.push(name);
    }
    return { reachable, left };
  }

  async #hasSession(device: string): Promise<boolean> {
    return (await sessionsWith(this.#step.ledger.work, this.#chat, device)).length > 0;
  }

  async #queue(messageId: string, purpose: Purpose, frame: string): Promise<void> {
    await this.#engine.queue(this.#step, this.#chat, messageId, purpose, frame);
  }

  /** With a row, so that it is known as this device's own when it is met again. */
  async #queueHidden(messageId: string, purpose: Purpose, frame: string): Promise<void> {
    const { user: sender, device: senderDevice } = this.#self;
    const row = { chat: this.#chat, messageId, sender, senderDevice, alg: OLM };
    this.#step.ledger.add({ ...row, state: State.WAITING, hidden: true });
    await this.#queue(messageId, purpose, frame);
  }
}

/** What waits to be sealed in a chat, in the order of writing. */
export async function textsOf(ledger: Ledger, chat: string): Promise<MessageRow[]> {
  return (await ledger.unsealed()).filter((row) => row.chat === chat);
}

function textOf({ text = "" }: MessageRow): Content {
  return { kind: "text", text };
}

/** The time is the server's where it is known; who has the message's own frame goes by that. */
function copyOf({ messageId, text = "", sentAt }: MessageRow): Content {
  return { kind: "copy", of: messageId, text, sent_at: sentAt ?? Date.now() };
}

/** To-device messages that other devices need: they were missing, are removed, or ask for it. */

import type { Content } from "../crypto/envelope.ts";
import { mayAskFor } from "../crypto/requests.ts";
import { askedAgain, refusedFor } from "../crypto/rotation.ts";
import type { MessageRow, OutboxRow, Purpose } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import type { Accepted, Message } from "./frames.ts";
import { nameOf, partsOf } from "./ids.ts";
import { isMember, type Membership } from "./membership.ts";
import type { Output } from "./outputs.ts";
import type { Step } from "./step.ts";

export class ToDevice {
  readonly #membership: Membership;
  readonly #want: (output: Output) => void;

  constructor(membership: Membership, want: (output: Output) => void) {
    this.#membership = membership;
    this.#want = want;
  }

  /** A frame of this device was accepted; the response names devices that have come or gone. */
  async accepted(step: Step, own: MessageRow, purpose: Purpose, frame: Accepted): Promise<void> {
    // What is still under way from them is opened all the same: their sessions stay.
    for (const device of frame.stale) this.#refresh(device);
    if (purpose === "text") this.#missed(step, own, frame);
    if (purpose === "room_key") await this.#unshared(step, frame);
  }

  /** The backend will never take a frame of this device. */
  async refused(step: Step, { chat, purpose, frame }: OutboxRow): Promise<void> {
    const group = await step.ledger.work.get(tables.outboundGroups, chat);
    if (purpose !== "room_key" || group === undefined) return;
    const { to } = JSON.parse(frame) as { to: Readonly<Record<string, string>> };
    step.ledger.work.put(tables.outboundGroups, refusedFor(group, Object.keys(to)));
  }

  async control(step: Step, message: Message, content: Content): Promise<void> {
    if (content.kind === "sas") this.#want({ type: "sas", message, content });
    if (content.kind === "request") await this.#requested(step, message, content.of);
  }

  /** Devices that were registered, and are in none of the frames of this text. */
  #missed(step: Step, own: MessageRow, frame: Accepted): void {
    const missed = frame.missing.filter((device) => !own.sentTo.includes(device));
    for (const device of missed) {
      step.ledger.queueCopy(frame.chat, device, own.messageId);
      this.#refresh(device);
    }
    if (missed.length > 0) this.#want({ type: "seal", chat: frame.chat });
  }

  /** Devices that were registered, and have not been sent the key of this session. */
  async #unshared(step: Step, frame: Accepted): Promise<void> {
    const group = await step.ledger.work.get(tables.outboundGroups, frame.chat);
    const { members } = await step.ledger.chat(frame.chat);
    for (const device of frame.missing) {
      if (group?.shared[device] !== undefined) continue;
      this.#refresh(device);
      if (!isMember(members, partsOf(device)[0])) this.#membership.ask(frame.chat);
    }
    this.#want({ type: "seal", chat: frame.chat });
  }

  async #requested(step: Step, message: Message, of: readonly string[]): Promise<void> {
    const { chat, sender, senderDevice } = message;
    const device = nameOf(sender, senderDevice);
    const asking = await step.ledger.work.get(tables.knownDevices, [sender, senderDevice]);
    for (const messageId of new Set(of)) {
      const own = await step.ledger.own(messageId);
      if (own?.chat !== chat || own.text === undefined || own.hidden) continue;
      if (asking === undefined || !mayAskFor(own.acceptedAt, asking.trustedAt)) continue;
      step.ledger.queueCopy(chat, device, messageId);
    }
    const group = await step.ledger.work.get(tables.outboundGroups, chat);
    if (group !== undefined) step.ledger.work.put(tables.outboundGroups, askedAgain(group, device));
    this.#want({ type: "seal", chat });
  }

  #refresh(device: string): void {
    this.#want({ type: "refresh", user: partsOf(device)[0] });
  }
}

/** The parts of an engine: each is made with those that it uses. */

import { Arrivals } from "./arrivals.ts";
import { CatchUp } from "./catch-up.ts";
import { Changes } from "./changes.ts";
import { Conversations } from "./conversations.ts";
import type { Event } from "./events.ts";
import type { ClientFrame } from "./frames.ts";
import { KeyRequests } from "./key-requests.ts";
import { Liveness } from "./liveness.ts";
import { Membership } from "./membership.ts";
import { Outbox } from "./outbox.ts";
import type { Output } from "./outputs.ts";
import { OwnMessages } from "./own-messages.ts";
import { PresencePlan } from "./presence.ts";
import type { Random } from "./random.ts";
import { ReceiptPlan } from "./receipts.ts";
import { Sending } from "./sending.ts";
import type { Settings } from "./settings.ts";
import { SyncPlan } from "./syncing.ts";

export class Parts {
  readonly settings: Settings;
  /** Adds an output, which is carried out once the step is on disk. */
  readonly outputs: Output[] = [];
  readonly sync: SyncPlan;
  readonly outbox: Outbox;
  readonly receipts: ReceiptPlan;
  presence: PresencePlan;
  readonly liveness: Liveness;
  readonly keys: KeyRequests;
  readonly changes: Changes;
  readonly own: OwnMessages;
  readonly membership: Membership;
  readonly sending: Sending;
  readonly arrivals: Arrivals;
  readonly chats: Conversations;
  readonly catchUp: CatchUp;

  constructor(user: string, device: string, random: Random, settings: Settings) {
    this.settings = settings;
    const emit = (event: Event) => this.emit(event);
    this.sync = new SyncPlan(settings, random);
    this.outbox = new Outbox(settings, random);
    this.receipts = new ReceiptPlan(settings, random);
    this.presence = new PresencePlan(settings, random);
    this.liveness = new Liveness(settings, random);
    this.keys = new KeyRequests(settings, (request) => {
      this.outputs.push({ type: "fetch", request });
    });
    this.changes = new Changes(user, emit);
    this.own = new OwnMessages(user, device, this.outbox, this.changes, emit);
    this.membership = new Membership(user, this.sync, this.own, this.changes, emit);
    this.sending = new Sending(user, this.keys, this.membership, this.own, settings, emit);
    this.arrivals = new Arrivals(user, settings, this.own, this.changes, {
      emit,
      sas: (message, content) => this.outputs.push({ type: "sas", message, content }),
      look: (chat) => this.sending.look(chat),
      askAt: (at) => this.sending.askAt(at),
    });
    this.chats = new Conversations(
      user,
      this.own,
      this.membership,
      this.arrivals,
      this.receipts,
      emit,
    );
    this.catchUp = new CatchUp(this.sync, this.chats, this.outbox, this.receipts, settings);
  }

  emit(event: Event): void {
    this.outputs.push({ type: "event", event });
  }

  transmit(frames: readonly ClientFrame[]): void {
    for (const frame of frames) {
      this.outputs.push({ type: "transmit", text: JSON.stringify(frame) });
    }
  }
}

/** Members of chats: their names, their watermarks, and when to request them from the backend. */

import { raised } from "../store/ledger.ts";
import type { ChatRow } from "../store/tables.ts";
import type { Changes } from "./changes.ts";
import type { Event } from "./events.ts";
import { NOWHERE, type Ranges, type Receipt, type Watermarks } from "./frames.ts";
import type { OwnMessages } from "./own-messages.ts";
import type { Step } from "./step.ts";
import type { SyncPlan } from "./syncing.ts";

type Marks = ReadonlyMap<string, Watermarks>;

/** `devices_changed` reports who is new in a chat. */
const HEARD_WITHIN_MS = 60_000;

/** Whether this is certainly the direct chat of two users, `me` among them; that never changes. */
export function isPair({ kind, members }: ChatRow, me: string): boolean {
  return kind === "direct" && members.length === 2 && isMember(members, me);
}

export function isMember(members: ChatRow["members"], user: string): boolean {
  return members.some(([each]) => each === user);
}

export class Membership {
  readonly #user: string;
  readonly #sync: SyncPlan;
  readonly #own: OwnMessages;
  readonly #changes: Changes;
  readonly #emit: (event: Event) => void;
  /** Chats whose members may be others than is known here. */
  readonly #unsure = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(
    user: string,
    sync: SyncPlan,
    own: OwnMessages,
    changes: Changes,
    emit: (event: Event) => void,
  ) {
    this.#user = user;
    this.#sync = sync;
    this.#own = own;
    this.#changes = changes;
    this.#emit = emit;
  }

  /** The sync that follows lists them all. */
  opened(): void {
    this.#unsure.clear();
    this.#asked.clear();
  }

  /** Whether the members of `chat` are known as they are now; if not, they have been asked for. */
  sure(chat: string): boolean {
    return !this.#unsure.has(chat);
  }

  /** The members may have changed: requests them. */
  ask(chat: string): void {
    this.#unsure.add(chat);
    this.#sync.wantMembersOf(chat);
  }

  /**
   * Whether this client may send there by itself. In a request it may not: each seq, and each
   * claimed key, shows a stranger that a device of the user is in use. If it is not known whether
   * the chat is a request, a `sync` asks for it.
   */
  async maySendUnasked(step: Step, chat: string): Promise<boolean> {
    const { kind, request, gone } = await step.ledger.chat(chat);
    if (request !== undefined || kind === "group") return request !== true;
    const asked = gone || this.#sync.covers(chat) || this.#sync.wants(chat);
    if (!asked) this.#sync.wantMembersOf(chat);
    return false;
  }

  /**
   * Stores whether the chat is a request. A chat that was answered once never becomes one again: a
   * response may be from before.
   */
  async requestIs(step: Step, chat: string, request: boolean): Promise<void> {
    const known = (await step.ledger.chat(chat)).request;
    if (known !== false && known !== request) await step.ledger.changeChat(chat, { request });
  }

  /** Perhaps the user has accepted a request on another device. */
  async chatChanged(step: Step, chat: string): Promise<void> {
    const { kind, request, gone } = await step.ledger.chat(chat);
    if (gone || request === false || kind === "group") return;
    this.#sync.wantMembersOf(chat); // a response that is under way may be from before
  }

  /** Requests the members, once, if a frame names a user who is not known in the chat. */
  async met(step: Step, chat: string, user: string): Promise<void> {
    const row = await step.ledger.chat(chat);
    if (isMember(row.members, user) || isPair(row, this.#user)) return;
    const key = `${chat} ${user}`;
    if (this.#sync.covers(chat) || this.#asked.has(key)) return;
    this.#asked.add(key);
    this.#sync.wantMembersOf(chat);
  }

  /**
   * Takes a member's marks. A receipt never makes a user a member: it may be older than a removal.
   */
  async receipt(step: Step, frame: Receipt): Promise<void> {
    const { members } = await step.ledger.chat(frame.chat);
    const before = new Map(members);
    const known = before.get(frame.user);
    if (known === undefined) {
      await this.met(step, frame.chat, frame.user);
      return;
    }
    const after = new Map(before).set(frame.user, raised(known, frame));
    await this.#moved(step, frame.chat, before, after);
  }

  /**
   * Stores the positions that were hidden by blocks that have ended; called before the marks are
   * taken.
   */
  async undelivered(step: Step, chat: string, ranges: Ranges): Promise<void> {
    if (ranges.length > 0) await step.ledger.changeChat(chat, { undelivered: ranges });
  }

  /**
   * As a `synced` or a REST response says; the latter has no watermarks. `asOf`: the chat's seq then.
   * An empty list says nothing, and of a direct chat the two are known.
   */
  async listed(step: Step, chat: string, marks: Marks, asOf: number): Promise<void> {
    if (marks.size === 0) return;
    this.#unsure.delete(chat);
    const row = await step.ledger.chat(chat);
    const before = new Map(row.members);
    const users = [...(isPair(row, this.#user) ? before : marks).keys()];
    const after = new Map(
      users.map((user) => [user, raised(before.get(user), marks.get(user) ?? NOWHERE)]),
    );
    if (row.membersAsOf !== undefined) {
      const joined = users.filter((user) => !before.has(user)).sort();
      const left = [...before.keys()].filter((user) => !after.has(user)).sort();
      if (joined.length > 0) {
        await this.#mark(step, chat, joined, await this.#before(step, chat, row.membersAsOf));
      }
      if (joined.length + left.length > 0) this.#emit({ type: "members", chat, joined, left });
    }
    await step.ledger.changeChat(chat, { membersAsOf: Math.max(asOf, row.membersAsOf ?? 0) });
    await this.#moved(step, chat, before, after);
  }

  /** This device adds them now: nothing at or below `highest`, or sealed by now, was for them. */
  async adding(step: Step, chat: string, users: readonly string[], highest: number): Promise<void> {
    const { members } = await step.ledger.chat(chat);
    const fresh = users.filter((user) => !isMember(members, user));
    await this.#mark(step, chat, fresh, highest);
    const { added = [] } = await step.ledger.chat(chat);
    await step.ledger.changeChat(chat, { added: [...new Set([...added, ...users])] });
    // What waits to be sealed is not among it: it will be sealed for them too.
    for (const own of await step.ledger.underWay(chat)) {
      step.ledger.change(own, { notFor: [...new Set([...own.notFor, ...fresh])] });
    }
  }

  /** The higher mark counts, so that a mark without effect does no harm later. */
  async #mark(step: Step, chat: string, users: readonly string[], seq: number): Promise<void> {
    const marks = new Map((await step.ledger.chat(chat)).joinedAfter);
    for (const user of users) marks.set(user, Math.max(seq, marks.get(user) ?? 0));
    await step.ledger.changeChat(chat, { joinedAfter: [...marks] });
  }

  /**
   * Messages at or below this seq were certainly not for a new member: the user was not in the last
   * list of members, and clients are notified of a new member within a minute.
   */
  async #before(step: Step, chat: string, membersAsOf: number): Promise<number> {
    const own = await step.ledger.ownAbove(chat, membersAsOf);
    const old = own.filter(({ acceptedAt = 0 }) => {
      const age = step.time - acceptedAt;
      return age < 0 || age > HEARD_WITHIN_MS; // below 0: a clock that was set back says nothing
    });
    return Math.max(membersAsOf, old.at(-1)?.seq ?? 0);
  }

  async #moved(step: Step, chat: string, before: Marks, after: Marks): Promise<void> {
    const moved = [...after].filter(([user, marks]) => !same(marks, before.get(user)));
    if (moved.length === 0 && after.size === before.size) return;
    await step.ledger.changeChat(chat, { members: [...after] });
    for (const [user, marks] of moved) {
      if (user === this.#user) await this.#readElsewhere(step, chat, marks.read);
      else if (!same(marks, before.get(user) ?? NOWHERE)) {
        this.#emit({ type: "watermarks", chat, user, ...marks });
      }
    }
    await this.#own.ticked(step, chat, after);
  }

  /** Another device of this user has shown it. */
  async #readElsewhere(step: Step, chat: string, read: number): Promise<void> {
    const known = await step.ledger.chat(chat);
    if (read <= known.read) return;
    await step.ledger.changeChat(chat, { read });
    await this.#changes.readElsewhere(step, chat, read);
    const { delivered } = new Map(known.members).get(this.#user) ?? NOWHERE;
    this.#emit({ type: "watermarks", chat, user: this.#user, delivered, read });
  }
}

function same(a: Watermarks, b: Watermarks | undefined): boolean {
  return a.delivered === b?.delivered && a.read === b.read;
}

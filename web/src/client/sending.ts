/**
 * Sending: from texts to sealed frames. Asks who is to read, gets sessions with them, has it sealed
 * in one step, and leaves the rest to the outbox. A copy is queued for each device for which a text
 * could not be sealed.
 */

import type { Event } from "./core/events.ts";
import { nameOf, partsOf } from "./core/ids.ts";
import { isPair } from "./core/membership.ts";
import type { Settings } from "./core/settings.ts";
import { type Audience, Encryption, textsOf } from "./crypto/encryption.ts";
import type { Content, Self } from "./crypto/envelope.ts";
import { same } from "./crypto/identities.ts";
import { lacking, wornOut } from "./crypto/rotation.ts";
import { type Recipient, sessionsWith } from "./crypto/sealing.ts";
import type { Directory } from "./directory.ts";
import type { Driver } from "./driver.ts";
import { Closed, StoreError } from "./errors.ts";
import type { ChatRow, MessageRow } from "./store/tables.ts";
import * as tables from "./store/tables.ts";

const LONGEST_PAUSE_MS = 3_600_000;
const TIMER_SLACK_MS = 20;

/** What there is to do in a chat. */
interface Job {
  readonly chat: ChatRow;
  readonly texts: readonly MessageRow[];
  readonly copies: readonly tables.QueuedCopyRow[];
  readonly unreadable: readonly MessageRow[];
}

/** How a pass has ended: "again" at once, "later" because somebody could not be reached. */
type Ended = "done" | "again" | "later";

export class Sending {
  readonly #self: Self;
  readonly #driver: Driver;
  readonly #directory: Directory;
  readonly #settings: Settings;
  readonly #learn: () => Promise<void>;
  readonly #notify: (event: Event) => void;
  readonly #running = new Map<string, { again: boolean }>();
  readonly #retries = new Map<string, number>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #asking: ReturnType<typeof setTimeout> | undefined;
  /** What was due by then has had its turn, epoch ms. */
  #askedUpTo = 0;

  /** `learn`: asks the backend for the list of chats, which says what kind each is. */
  constructor(
    self: Self,
    driver: Driver,
    directory: Directory,
    settings: Settings,
    learn: () => Promise<void>,
    notify: (event: Event) => void,
  ) {
    this.#self = self;
    this.#driver = driver;
    this.#directory = directory;
    this.#settings = settings;
    this.#learn = learn;
    this.#notify = notify;
  }

  /** Seals what waits in `chat`, now or as soon as what runs there is through. */
  poke(chat: string): void {
    const running = this.#running.get(chat);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const turn = { again: false };
    this.#running.set(chat, turn);
    void this.#work(chat, turn);
  }

  /** All chats that have something to seal, or something to ask for. */
  async pokeAll(): Promise<void> {
    const chats = await this.#driver.step(async ({ ledger, time }) => {
      this.#askedUpTo = time;
      const rows = [...(await ledger.unsealed()), ...(await ledger.toAsk(time))];
      const copies = await ledger.work.all(tables.queuedCopies);
      return new Set([...rows, ...copies].map(({ chat }) => chat));
    });
    for (const chat of chats) this.poke(chat);
    await this.watchAsks();
  }

  /** Asks for what could not be read when its time has come. */
  async watchAsks(): Promise<void> {
    // Time may have gone over one that had no turn yet; or back, if the clock was set back.
    const at = await this.#driver.step(({ ledger, time }) =>
      ledger.nextAsk(Math.min(time, this.#askedUpTo)),
    );
    clearTimeout(this.#asking);
    if (at === undefined) return;
    // Timers may go off a little early, and what is not due then would be passed over.
    const pause = Math.min(at - Date.now() + TIMER_SLACK_MS, LONGEST_PAUSE_MS);
    this.#asking = setTimeout(() => void this.pokeAll().catch(ignored), pause);
  }

  /** What is known of the chat; the backend is asked where that is not even its kind. */
  async about(chat: string): Promise<ChatRow> {
    const known = await this.#driver.step(({ ledger }) => ledger.chat(chat));
    if (known.kind !== undefined) return known;
    await this.#learn();
    return this.#driver.step(({ ledger }) => ledger.chat(chat));
  }

  /** Sends a step of an emoji comparison to one device. False if that has no key left now. */
  async sendStep(chat: string, to: Recipient, content: Content): Promise<boolean> {
    const known = await this.#driver.step(({ ledger }) => sessionsWith(ledger.work, chat, to.name));
    const keys = known.length > 0 ? new Map() : await this.#directory.claim([to]);
    const audience = { devices: new Map([[to.name, to]]), blocked: [] };
    return this.#driver.step(async (step, engine) => {
      const row = await step.ledger.work.get(tables.knownDevices, partsOf(to.name));
      if (row?.keys === undefined || !same(row.keys, to.keys)) return true; // it was for another
      const sealing = new Encryption(this.#self, chat, audience, step, engine);
      await sealing.begin(keys);
      return sealing.sendTo(to, content, "sas");
    });
  }

  end(): void {
    clearTimeout(this.#asking);
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #work(chat: string, turn: { again: boolean }): Promise<void> {
    try {
      do {
        turn.again = false;
        const ended = await this.#pass(chat);
        if (ended === "again") turn.again = true;
        if (ended === "later") this.#retryLater(chat);
        else this.#retries.delete(chat);
        await this.watchAsks();
      } while (turn.again); // no pause from here to the end, or a poke would be lost
    } catch (error) {
      // These two have stopped the driver, which has reported it; anything else may pass.
      if (!(error instanceof Closed || error instanceof StoreError)) this.#retryLater(chat);
    } finally {
      this.#running.delete(chat);
    }
  }

  async #pass(chat: string): Promise<Ended> {
    if (!this.#ready(chat)) return "done"; // it will be poked
    let job = await this.#job(chat);
    if (job.texts.length + job.copies.length + job.unreadable.length === 0) return "done";
    if (job.chat.kind === undefined || job.chat.members.length === 0) {
      await this.#learn();
      job = await this.#job(chat);
      if (job.chat.kind === undefined) return "done"; // it is listed no more
      if (job.chat.members.length === 0) return "later"; // nobody has said who they are
    }
    if (job.chat.kind === "direct" && !isPair(job.chat, this.#self.user)) return this.#refuse(job);
    const { version } = this.#directory;
    const audience = await this.#audience(job.chat);
    if (audience.blocked.length > 0 && job.texts.length > 0) {
      this.#notify({ type: "held", chat, users: audience.blocked });
    }
    const keys = await this.#directory.claim(await this.#lackingSessions(job, audience));
    return this.#driver.step(async (step, engine) => {
      const sealing = new Encryption(this.#self, chat, audience, step, engine);
      const begun = await sealing.begin(keys);
      // Who was here when it began may be gone: whoever is asked for now is asked for anew.
      if (this.#directory.version !== version || !this.#ready(chat)) return "again";
      if (!sameUsers(await step.ledger.chat(chat), job.chat)) return "again";
      await sealing.ask(begun, this.#settings.askAfter);
      await sealing.sendCopies();
      if (audience.blocked.length > 0) return "done"; // until the change is accepted
      if (job.chat.kind === "direct") return (await sealing.direct()) ? "done" : "later";
      await sealing.group();
      return "done";
    });
  }

  /** A direct chat with others in it than its two people: nothing is for them. */
  async #refuse({ texts }: Job): Promise<Ended> {
    await this.#driver.step(async (step, engine) => {
      for (const { messageId } of texts) {
        await engine.fail(step, messageId, "this direct chat is not one of two people");
      }
    });
    return "done";
  }

  #ready(chat: string): boolean {
    const { engine } = this.#driver;
    return engine.resumed && engine.sureOfMembers(chat);
  }

  async #job(chat: string): Promise<Job> {
    return this.#driver.step(async ({ ledger, time }) => ({
      chat: await ledger.chat(chat),
      texts: await textsOf(ledger, chat),
      copies: await ledger.queuedCopies(chat),
      unreadable: (await ledger.toAsk(time)).filter((row) => row.chat === chat),
    }));
  }

  async #audience({ members }: ChatRow): Promise<Audience> {
    const users = members.map(([user]) => user);
    const rolls = await Promise.all(users.map((user) => this.#directory.roll(user)));
    const devices = rolls.flatMap((roll) => (roll.blocked ? [] : roll.devices));
    const others = devices.filter(({ name }) => name !== this.#self.name);
    return {
      devices: new Map(others.map((device) => [device.name, device])),
      blocked: users.filter((_, at) => rolls[at]?.blocked),
    };
  }

  /** Who a session has to be begun with: for asking always, for all else where there is none. */
  async #lackingSessions(job: Job, { devices, blocked }: Audience): Promise<Recipient[]> {
    const wanted = new Set(job.copies.map(({ device }) => device));
    const asked = job.unreadable.map((row) => nameOf(row.sender, row.senderDevice));
    return this.#driver.step(async ({ ledger, time }) => {
      if (job.texts.length > 0 && blocked.length === 0) {
        const readers = new Map([...devices].map(([name, { keys }]) => [name, keys.ed25519]));
        const group = await ledger.work.get(tables.outboundGroups, job.chat.chat);
        const lasting = group !== undefined && !wornOut(group, readers, time) ? group : undefined;
        const all = job.chat.kind === "group" ? lacking(lasting, readers) : devices.keys();
        for (const name of all) wanted.add(name);
      }
      const names = new Set(asked);
      for (const name of wanted) {
        const sessions = await sessionsWith(ledger.work, job.chat.chat, name);
        if (sessions.length === 0) names.add(name);
      }
      return [...names].flatMap((name) => devices.get(name) ?? []);
    });
  }

  #retryLater(chat: string): void {
    const tries = this.#retries.get(chat) ?? 0;
    this.#retries.set(chat, tries + 1);
    const pause = Math.min(this.#settings.sealRetry * 2 ** tries, this.#settings.sealRetryCap);
    clearTimeout(this.#timers.get(chat));
    this.#timers.set(
      chat,
      setTimeout(() => this.poke(chat), pause),
    );
  }
}

function sameUsers(a: ChatRow, b: ChatRow): boolean {
  const names = new Set(a.members.map(([user]) => user));
  return names.size === b.members.length && b.members.every(([user]) => names.has(user));
}

/** The driver has reported the error. */
function ignored(): void {}

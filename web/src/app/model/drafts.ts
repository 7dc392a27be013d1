/**
 * Drafts: what was typed and not sent, by chat. They are stored encrypted as everything else, in a
 * database of the page's own: only the client writes its own tables.
 */

import type { Table } from "../../client/store/database.ts";
import { Store } from "../../client/store/store.ts";

const VERSION = 1;
/** At most so long after a key it is stored. */
const STORED_WITHIN_MS = 400;

/** Of two drafts the one with more changes is the newer; an empty text is no draft. */
export interface Draft {
  readonly text: string;
  readonly changes: number;
}

interface Row {
  readonly chat: string;
  readonly text: string;
}

const TABLE: Table<Row> = {
  name: "drafts",
  key: ({ chat }) => chat,
  indexes: {},
  cached: false,
};

export class Drafts {
  /** Of the tab that has the device; others send that one what is typed. */
  #store: Store | undefined;
  readonly #drafts: Map<string, Draft>;
  /** Called with each change that is typed here. */
  typedHere: ((chat: string, draft: Draft) => void) | undefined;
  readonly #unstored = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  static async open(name: string): Promise<Drafts> {
    const drafts = new Drafts(new Map());
    await drafts.#read(name);
    return drafts;
  }

  /** Those of another tab, which stores them. */
  constructor(drafts: ReadonlyMap<string, Draft>) {
    this.#drafts = new Map(drafts);
    globalThis.document?.addEventListener("visibilitychange", this.#hidden);
  }

  /** What follows may be the end of the page. */
  readonly #hidden = (): void => void this.flush();

  /** This tab stores them from now on. Stored drafts that it does not know stay. */
  async moveTo(name: string): Promise<void> {
    await this.#read(name);
    for (const chat of this.#drafts.keys()) this.#unstored.add(chat);
    await this.flush();
  }

  async #read(name: string): Promise<void> {
    const store = await opened(name);
    for (const { chat, text } of await store.all(TABLE)) {
      if (!this.#drafts.has(chat)) this.#drafts.set(chat, { text, changes: 0 });
    }
    this.#store = store;
  }

  get all(): ReadonlyMap<string, Draft> {
    return this.#drafts;
  }

  of(chat: string): string {
    return this.#drafts.get(chat)?.text ?? "";
  }

  #changesOf(chat: string): number {
    return this.#drafts.get(chat)?.changes ?? 0;
  }

  /** May be called at every key. */
  typed(chat: string, text: string): void {
    if (text === this.of(chat)) return;
    const draft = { text, changes: this.#changesOf(chat) + 1 };
    this.#set(chat, draft);
    this.typedHere?.(chat, draft);
  }

  /** On another tab. */
  typedElsewhere(chat: string, draft: Draft): void {
    if (draft.changes > this.#changesOf(chat)) this.#set(chat, draft);
  }

  /**
   * Another tab, which has `theirs`, stores them from now on; it is sent those that are newer here.
   */
  handedOn(theirs: ReadonlyMap<string, Draft>): void {
    for (const [chat, draft] of theirs) {
      if (draft.changes >= this.#changesOf(chat)) this.#drafts.set(chat, draft);
    }
    for (const [chat, draft] of this.#drafts) {
      if (draft.changes > (theirs.get(chat)?.changes ?? 0)) this.typedHere?.(chat, draft);
    }
  }

  #set(chat: string, draft: Draft): void {
    this.#drafts.set(chat, draft);
    this.#unstored.add(chat);
    this.#timer ??= setTimeout(() => void this.flush(), STORED_WITHIN_MS);
  }

  /** Stores what is not stored yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#store === undefined) return;
    const chats = [...this.#unstored];
    this.#unstored.clear();
    if (chats.length === 0) return this.#writing;
    this.#writing = this.#writing
      .then(() => this.#write(chats))
      .catch(() => {
        for (const chat of chats) this.#unstored.add(chat); // with the next key again
      });
    return this.#writing;
  }

  async close(): Promise<void> {
    globalThis.document?.removeEventListener("visibilitychange", this.#hidden);
    await this.flush();
    await this.#store?.close();
  }

  async #write(chats: readonly string[]): Promise<void> {
    await this.#store?.transaction(async (work) => {
      for (const chat of chats) {
        const text = this.of(chat);
        if (text === "") work.delete(TABLE, chat);
        else work.put(TABLE, { chat, text });
      }
    });
  }
}

/** The tab before this one may not have let go of it yet. */
async function opened(name: string): Promise<Store> {
  return Store.open(name, VERSION, [TABLE as Table<never>], AbortSignal.timeout(5_000));
}

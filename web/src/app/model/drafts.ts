/**
 * What was typed and not sent, by chat. It is kept like everything else here: sealed, in a database
 * of the page's own, since the tables of the client's are the client's.
 */

import type { Table } from "../../client/store/database.ts";
import { Store } from "../../client/store/store.ts";

const VERSION = 1;
/** At most so long after a key it is stored. */
const STORED_WITHIN_MS = 400;

interface Draft {
  readonly chat: string;
  readonly text: string;
}

const TABLE: Table<Draft> = {
  name: "drafts",
  key: ({ chat }) => chat,
  indexes: {},
  cached: false,
};

export class Drafts {
  /** Of the tab that has the device; others tell that one what is typed. */
  #store: Store | undefined;
  readonly #texts: Map<string, string>;
  /** Called with each change that is typed here. */
  typedHere: ((chat: string, text: string) => void) | undefined;
  readonly #unstored = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  static async open(name: string): Promise<Drafts> {
    const drafts = new Drafts(new Map());
    drafts.#store = await opened(name);
    for (const { chat, text } of await drafts.#store.all(TABLE)) drafts.#texts.set(chat, text);
    return drafts;
  }

  /** Those of another tab, which stores them. */
  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = new Map(texts);
  }

  /** This tab stores them from now on. */
  async moveTo(name: string): Promise<void> {
    this.#store = await opened(name);
    const stored = (await this.#store.all(TABLE)).map(({ chat }) => chat);
    for (const chat of [...stored, ...this.#texts.keys()]) this.#unstored.add(chat);
    await this.flush();
  }

  get all(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  of(chat: string): string {
    return this.#texts.get(chat) ?? "";
  }

  /** May be called at every key. */
  typed(chat: string, text: string): void {
    if (text === this.of(chat)) return;
    this.typedElsewhere(chat, text);
    this.typedHere?.(chat, text);
  }

  /** On another tab. */
  typedElsewhere(chat: string, text: string): void {
    if (text === "") this.#texts.delete(chat);
    else this.#texts.set(chat, text);
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

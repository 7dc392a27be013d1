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

const drafts: Table<Draft> = {
  name: "drafts",
  key: ({ chat }) => chat,
  indexes: {},
  cached: false,
};

export class Drafts {
  readonly #store: Store;
  readonly #texts: Map<string, string>;
  readonly #unstored = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  static async open(name: string): Promise<Drafts> {
    // The tab before this one may not have let go of it yet.
    const store = await Store.open(
      name,
      VERSION,
      [drafts as Table<never>],
      AbortSignal.timeout(5_000),
    );
    const rows = await store.all(drafts);
    return new Drafts(store, new Map(rows.map(({ chat, text }) => [chat, text])));
  }

  private constructor(store: Store, texts: Map<string, string>) {
    this.#store = store;
    this.#texts = texts;
  }

  of(chat: string): string {
    return this.#texts.get(chat) ?? "";
  }

  /** May be called at every key. */
  typed(chat: string, text: string): void {
    if (text === this.of(chat)) return;
    if (text === "") this.#texts.delete(chat);
    else this.#texts.set(chat, text);
    this.#unstored.add(chat);
    this.#timer ??= setTimeout(() => void this.flush(), STORED_WITHIN_MS);
  }

  /** Stores what is not stored yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
    await this.#store.close();
  }

  async #write(chats: readonly string[]): Promise<void> {
    await this.#store.transaction(async (work) => {
      for (const chat of chats) {
        const text = this.of(chat);
        if (text === "") work.delete(drafts, chat);
        else work.put(drafts, { chat, text });
      }
    });
  }
}

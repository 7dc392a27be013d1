/** The chats of a device with the last message of each, the newest first. */

import type { ChatClient, ChatSummary, StoredMessage } from "../../client/index.ts";

/** Changes within this time are shown together. */
const TOGETHER_MS = 30;

export interface ChatEntry extends ChatSummary {
  readonly last: StoredMessage | undefined;
}

export class ChatEntries {
  entries: readonly ChatEntry[] = [];
  readonly #client: ChatClient;
  /** Called with the new entries, before `refresh` returns. */
  readonly #refreshed: () => Promise<void>;
  readonly #dirty = new Set<string>();
  readonly #last = new Map<string, StoredMessage | undefined>();
  readonly #watched = new Set<string>();
  readonly #askedAbout = new Set<string>();
  #reading: Promise<void> = Promise.resolve();
  #refreshing: ReturnType<typeof setTimeout> | undefined;

  constructor(client: ChatClient, refreshed: () => Promise<void>) {
    this.#client = client;
    this.#refreshed = refreshed;
  }

  entry(chat: string): ChatEntry | undefined {
    return this.entries.find((each) => each.chat === chat);
  }

  /** The other user of a direct chat. */
  peer(chat: string): string | undefined {
    const entry = this.entry(chat);
    if (entry?.kind !== "direct") return undefined;
    return entry.members.find((user) => user !== this.#client.user);
  }

  /** Something in the chat has changed: its entry is read again soon. */
  refreshLater(chat: string): void {
    this.#dirty.add(chat);
    this.#refreshSoon();
  }

  /** Every entry is read again soon: this tab missed the events of the changes. */
  refreshAllLater(): void {
    for (const { chat } of this.entries) this.#dirty.add(chat);
    this.#refreshSoon();
  }

  #refreshSoon(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      void this.refresh().catch(() => {}); // the store reports it by itself
    }, TOGETHER_MS);
  }

  /** `chat`: one that has just been made or joined. One after another, each reads more than once. */
  async refresh(chat?: string): Promise<void> {
    if (chat !== undefined) this.#dirty.add(chat);
    const turn = this.#reading.then(() => this.#read());
    this.#reading = turn.catch(() => {});
    await turn;
    await this.#refreshed();
  }

  async #read(): Promise<void> {
    const dirty = new Set(this.#dirty);
    this.#dirty.clear();
    const summaries = await this.#client.chats.all();
    for (const { chat } of summaries) {
      if (this.#last.has(chat) && !dirty.has(chat)) continue;
      const [last] = await this.#client.messages.history(chat, 1);
      this.#last.set(chat, last);
    }
    this.entries = summaries
      .map((summary) => ({ ...summary, last: this.#last.get(summary.chat) }))
      .sort((a, b) => newestOf(b) - newestOf(a));
  }

  /**
   * Whether the backend is to be asked for its list, once for each chat: one is missing in `listed`,
   * or has no kind yet. Of a chat that somebody has begun only the backend knows whether it is a request.
   */
  hasUnknown(listed: ReadonlyMap<string, unknown>): boolean {
    const fresh = this.entries.filter(
      ({ chat, kind, left }) =>
        !left && (kind === undefined || !listed.has(chat)) && !this.#askedAbout.has(chat),
    );
    for (const { chat } of fresh) this.#askedAbout.add(chat);
    return fresh.length > 0;
  }

  /** Watches the others of direct chats, each once. */
  async watchPeers(): Promise<void> {
    const peers = this.entries.flatMap(({ kind, left, members }) =>
      kind === "direct" && !left ? members.filter((user) => user !== this.#client.user) : [],
    );
    const fresh = peers.filter((user) => !this.#watched.has(user));
    if (fresh.length === 0) return;
    for (const user of fresh) this.#watched.add(user);
    await this.#client.people.watch(fresh);
  }

  /** Another client watches from now on, and knows of nobody yet. */
  watchAnew(): void {
    this.#watched.clear();
  }

  close(): void {
    clearTimeout(this.#refreshing);
  }
}

/** A text that waits has no time of the backend's yet: it is the newest. */
function newestOf({ last }: ChatEntry): number {
  if (last === undefined) return 0;
  return last.sentAt ?? Number.MAX_SAFE_INTEGER;
}

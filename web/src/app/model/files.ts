/** Files of messages: those on their way from here, and those that were fetched to be shown. */

import type {
  Attachment,
  ChatClient,
  Event,
  FileDescription,
  StoredMessage,
} from "../../client/index.ts";
import { Model } from "./model.ts";

export interface Sending {
  readonly chat: string;
  readonly messageId: string;
  readonly name: string;
  readonly done: number;
  readonly size: number;
  /** Why it has not gone out; `final`: it will not. */
  readonly reason: string | undefined;
  readonly final: boolean;
}

export type Fetched =
  | { readonly at: "loading"; readonly done: number; readonly size: number }
  | { readonly at: "here"; readonly url: string }
  | { readonly at: "failed"; readonly reason: string };

export class Files extends Model {
  readonly #client: ChatClient;
  readonly #sending = new Map<string, Sending>();
  /** By the file's id. The URLs live as long as the page. */
  readonly #fetched = new Map<string, Fetched>();

  constructor(client: ChatClient) {
    super();
    this.#client = client;
  }

  /** What was to be sent before the page was loaded. */
  async restore(): Promise<void> {
    for (const { chat, messageId, content, size } of await this.#client.uploads()) {
      const { name = "" } = (content.file ?? {}) as Partial<Attachment>;
      const nothing = { done: 0, reason: undefined, final: false };
      this.#sending.set(messageId, { chat, messageId, name, size, ...nothing });
    }
    this.changed();
  }

  sendingIn(chat: string): Sending[] {
    return [...this.#sending.values()].filter((each) => each.chat === chat);
  }

  async send(
    chat: string,
    file: File,
    looks: Omit<FileDescription, "name" | "type"> | undefined,
    reply?: StoredMessage["reference"],
  ): Promise<void> {
    const content = new Uint8Array(await file.arrayBuffer());
    const description = { name: file.name, type: file.type, ...looks };
    await this.#client.sendFile(chat, content, description, reply);
    await this.restore();
  }

  async cancel(messageId: string): Promise<void> {
    await this.#client.cancelUpload(messageId);
    this.#sending.delete(messageId);
    this.changed();
  }

  heard(event: Event): void {
    const sending = "messageId" in event ? this.#sending.get(event.messageId ?? "") : undefined;
    if (sending === undefined) return;
    const { messageId } = sending;
    if (event.type === "file_progress") {
      const { done, size } = event;
      this.#sending.set(messageId, { ...sending, done, size, reason: undefined });
    } else if (event.type === "file_failed") {
      const { reason, final } = event;
      this.#sending.set(messageId, { ...sending, reason, final });
    } else {
      this.#sending.delete(messageId); // its message is written
    }
    this.changed();
  }

  of({ id }: Attachment): Fetched | undefined {
    return this.#fetched.get(id);
  }

  /** Fetches it, unless it is here; a failure is shown, and tried again by the next call. */
  async fetch(chat: string, file: Attachment): Promise<void> {
    const { id, size } = file;
    const known = this.#fetched.get(id);
    if (known !== undefined && known.at !== "failed") return;
    const now = (state: Fetched) => {
      this.#fetched.set(id, state);
      this.changed();
    };
    now({ at: "loading", done: 0, size });
    try {
      const content = await this.#client.fetchFile(chat, file, (done, size) =>
        now({ at: "loading", done, size }),
      );
      now({ at: "here", url: URL.createObjectURL(new Blob([content], { type: file.type })) });
    } catch (error) {
      now({ at: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

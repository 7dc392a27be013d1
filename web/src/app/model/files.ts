/** Files of messages: uploads under way, and files that were fetched to be shown. */

import {
  type Attachment,
  type ChatClient,
  type Event,
  type FileDescription,
  mayBeDrawn,
  type StoredMessage,
} from "../../client/index.ts";
import { Model } from "./model.ts";

export interface Sending {
  readonly chat: string;
  readonly messageId: string;
  readonly name: string;
  readonly done: number;
  readonly size: number;
  /** Why it has not gone out, with the code of the protocol first; `final`: it will not. */
  readonly reason: string | undefined;
  readonly final: boolean;
}

export type Fetched =
  | { readonly at: "loading"; readonly done: number; readonly size: number }
  /** `drawn`: a browser may decode it, to show it. */
  | { readonly at: "here"; readonly url: string; readonly drawn: boolean }
  | { readonly at: "failed"; readonly error: unknown };

type Message = Pick<StoredMessage, "chat" | "reference" | "content">;

export class Files extends Model {
  readonly #client: ChatClient;
  readonly #sending = new Map<string, Sending>();
  /** By the file's id. A URL keeps what is behind it in memory until it is revoked. */
  readonly #fetched = new Map<string, Fetched>();
  /** The ids of fetched files by their messages. */
  readonly #ids = new Map<string, string>();

  constructor(client: ChatClient) {
    super();
    this.#client = client;
  }

  /**
   * Restores the list of uploads that were begun before the page was loaded, or by the tab that had
   * the device before.
   */
  async restore(): Promise<void> {
    const uploads = await this.#client.messages.uploads();
    const waiting = new Set(uploads.map(({ messageId }) => messageId));
    for (const { messageId, final } of [...this.#sending.values()]) {
      if (!final && !waiting.has(messageId)) this.#sending.delete(messageId); // its message is written
    }
    for (const { chat, messageId, content, size } of uploads) {
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
    await this.#client.messages.sendFile(chat, content, description, reply);
    await this.restore();
  }

  async cancel(messageId: string): Promise<void> {
    await this.#client.messages.cancelUpload(messageId);
    this.#sending.delete(messageId);
    this.changed();
  }

  heard(event: Event): void {
    if (event.type === "message_changed" && ["deletion", "expired"].includes(event.what)) {
      this.#forget(this.#ids.get(keyOf(event.chat, event.sender, event.messageId)));
    }
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

  /** Removes all decrypted files from memory. */
  close(): void {
    for (const id of [...this.#fetched.keys()]) this.#forget(id);
  }

  #forget(id: string | undefined): void {
    if (id === undefined) return;
    const fetched = this.#fetched.get(id);
    if (fetched?.at === "here") URL.revokeObjectURL(fetched.url);
    this.#fetched.delete(id);
    this.changed();
  }

  /**
   * Fetches the message's file, unless it is here; a failure is shown, and tried again by the next
   * call.
   */
  async fetch({ chat, reference, content }: Message): Promise<void> {
    if (content?.kind !== "file") return;
    const { file } = content;
    const { id, size } = file;
    const known = this.#fetched.get(id);
    if (known !== undefined && known.at !== "failed") return;
    let last: Fetched = { at: "loading", done: 0, size };
    const show = (state: Fetched) => {
      last = state;
      this.#fetched.set(id, state);
      this.changed();
    };
    // No longer once its message is deleted or has disappeared, or the device is closed.
    const isWanted = () => this.#fetched.get(id) === last;
    this.#ids.set(keyOf(chat, reference.by, reference.id), id);
    show(last);
    try {
      const bytes = await this.#client.messages.fetchFile(chat, file, (done, size) => {
        if (isWanted()) show({ at: "loading", done, size });
      });
      if (!isWanted()) return;
      // Opened in a tab of its own, a sender's page would be one of this origin.
      const type = file.kind === "file" ? "application/octet-stream" : file.type;
      const url = URL.createObjectURL(new Blob([bytes], { type }));
      show({ at: "here", url, drawn: file.kind !== "picture" || mayBeDrawn(bytes) });
    } catch (error) {
      if (isWanted()) show({ at: "failed", error });
    }
  }
}

function keyOf(chat: string, by: string, id: string): string {
  return JSON.stringify([chat, by, id]);
}

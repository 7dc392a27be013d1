/** Messages of a client: texts, files, the history, read marks and typing. */

import type { Chats } from "./chats.ts";
import type { Attachment, FileDescription } from "./core/attachment.ts";
import type { Reference } from "./core/content.ts";
import { ulid } from "./core/ids.ts";
import { NotAMember } from "./errors.ts";
import { historyOf, type StoredMessage } from "./store/history.ts";
import * as tables from "./store/tables.ts";
import type { Upload } from "./store/uploads.ts";
import type { ThisDevice } from "./this-device.ts";
import type { Progress } from "./transfer.ts";
import type { Writing } from "./writing.ts";

export class Messages {
  readonly #device: ThisDevice;
  readonly #chats: Chats;
  readonly #writing: Writing;

  constructor(device: ThisDevice, chats: Chats, writing: Writing) {
    this.#device = device;
    this.#chats = chats;
    this.#writing = writing;
  }

  /** As `ChatClient.send`. */
  async send(chatOrUser: string, text: string, reply?: Reference): Promise<string> {
    if (text === "") throw new RangeError("an empty text is no message");
    if (!text.isWellFormed()) throw new RangeError("half a character can't be sent");
    return this.#writing.text(await this.#chats.idOf(chatOrUser), text, reply);
  }

  /**
   * Sends a file to a chat id or to a user; gives the message id. It returns when the encrypted file
   * is on disk. It is uploaded as soon as there is a network, and again until it has arrived; its
   * message is sent after that. The events `file_progress` and `file_failed` say how far it is.
   * Raises NotAMember and StoreUnavailable, as `send`.
   */
  async sendFile(
    chatOrUser: string,
    content: Uint8Array,
    description: FileDescription,
    reply?: Reference,
  ): Promise<string> {
    if (content.length === 0) throw new RangeError("an empty file is none");
    const chat = await this.#chats.idOf(chatOrUser);
    if (this.#device.driver.engine.left(chat)) throw new NotAMember();
    const messageId = ulid(Date.now());
    const more = {
      ...(reply && { reply: { by: reply.by, id: reply.id } }),
      ...(await this.#writing.describeFile(chat)),
    };
    await this.#device.files.add({ messageId, chat, content, description, more });
    return messageId;
  }

  /** Own files whose message is not written yet, in the order of sending. */
  async uploads(): Promise<Upload[]> {
    return this.#device.files.waiting();
  }

  /** False if it is too late: the message is written. */
  async cancelUpload(messageId: string): Promise<boolean> {
    const { driver, files, store, user, device } = this.#device;
    const own = IDBKeyRange.only([messageId, user, device]);
    // In turn with the step that writes the message, so that each sees what the other has done.
    return driver.read(async () => {
      const [written] = await store.all(tables.messages, "id", own);
      return written === undefined && files.cancel(messageId);
    });
  }

  /** The file of a message, checked. Raises FileGone, FileDamaged, Unreachable. */
  async fetchFile(
    chat: string,
    attachment: Attachment,
    progress: Progress = () => {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#device.files.fetch(chat, attachment, progress);
  }

  /** The newest messages in order, below seq `before` if that is given. Raises RangeError. */
  async history(chat: string, limit = 50, before?: number): Promise<StoredMessage[]> {
    checkCount(limit, 1);
    checkCount(before ?? 1, 1);
    const { driver, store } = this.#device;
    return driver.read(() => historyOf(store, chat, limit, before));
  }

  /** The user has seen the chat up to `seq`. The senders will be notified. Raises RangeError. */
  async markRead(chat: string, seq: number): Promise<void> {
    checkCount(seq, 0);
    await this.#device.driver.step((step, engine) => engine.markRead(step, chat, seq));
  }

  /** May be called on every key: it is sent once in a while. */
  async typing(chat: string): Promise<void> {
    await this.#device.driver.step((step, engine) => engine.typing(step, chat));
  }
}

function checkCount(value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`a whole number from ${least} on is wanted, not ${value}`);
}

/** Messages of a client: texts, files, read marks, typing and whose presence is watched. */

import { checkCount } from "./base.ts";
import { ChatMethods } from "./chats.ts";
import type { Attachment, FileDescription } from "./core/attachment.ts";
import type { MessageContent, Reference } from "./core/content.ts";
import { ulid } from "./core/ids.ts";
import { NotAMember } from "./errors.ts";
import * as tables from "./store/tables.ts";
import type { Upload, UploadContent } from "./store/uploads.ts";
import type { Progress } from "./transfer.ts";

/** The part of ChatClient for messages. */
export abstract class MessageMethods extends ChatMethods {
  /**
   * Writes to a chat id or to a user, perhaps in reply; gives the message id. It returns when the text is on disk: it
   * is sealed and sent now or as soon as there is a connection, and again until it is accepted.
   * Raises MessageTooLarge, NotAMember, and StoreUnavailable: then the text is nowhere but with the
   * caller, who tries it again when `writable` returns.
   */
  async send(chatOrUser: string, text: string, reply?: Reference): Promise<string> {
    if (text === "") throw new RangeError("an empty text is no message");
    if (!text.isWellFormed()) throw new RangeError("half a character can't be sent");
    return this.writing.text(await this.chatId(chatOrUser), text, reply);
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
    const chat = await this.chatId(chatOrUser);
    if (this.driver.engine.left(chat)) throw new NotAMember();
    const messageId = ulid(Date.now());
    const more = {
      ...(reply && { reply: { by: reply.by, id: reply.id } }),
      ...(await this.writing.describeFile(chat)),
    };
    await this.files.add({ messageId, chat, content, description, more });
    return messageId;
  }

  /** Own files whose message is not written yet, in the order of sending. */
  async uploads(): Promise<Upload[]> {
    return this.files.waiting();
  }

  /** False if it is too late: the message is written. */
  async cancelUpload(messageId: string): Promise<boolean> {
    const own = IDBKeyRange.only([messageId, this.user, this.device]);
    // In turn with the step that writes the message, so that each sees what the other has done.
    return this.driver.read(async () => {
      const [written] = await this.store.all(tables.messages, "id", own);
      return written === undefined && this.files.cancel(messageId);
    });
  }

  /** The file of a message, checked. Raises FileGone, FileDamaged, Unreachable. */
  async fetchFile(
    chat: string,
    attachment: Attachment,
    progress: Progress = () => {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.files.fetch(chat, attachment, progress);
  }

  /** The user has seen the chat up to `seq`. The senders will be notified. Raises RangeError. */
  async markRead(chat: string, seq: number): Promise<void> {
    checkCount(seq, 0);
    await this.driver.step((step, engine) => engine.markRead(step, chat, seq));
  }

  /** May be called on every key: it is sent once in a while. */
  async typing(chat: string): Promise<void> {
    await this.driver.step((step, engine) => engine.typing(step, chat));
  }

  /** Presence events for these users from now on. */
  async watch(users: readonly string[]): Promise<void> {
    await this.driver.step((step, engine) => engine.watch(step, users));
  }

  // -- inside

  /**
   * Not where it was cancelled meanwhile; and not twice, where the client ended between this and the
   * removal of the upload.
   */
  protected async uploaded({ messageId, chat }: Upload, content: UploadContent): Promise<void> {
    if (this.driver.engine.left(chat)) throw new NotAMember();
    const message = { ...content, kind: "file" } as MessageContent;
    await this.driver.step(async (step, engine) => {
      const waits = (await this.files.waiting()).some((each) => each.messageId === messageId);
      if (!waits || (await step.ledger.own(messageId)) !== undefined) return;
      await engine.send(step, messageId, chat, message);
    });
  }
}

/**
 * Files of a device: the uploads that wait, and the download of a message's file.
 *
 * A file is encrypted once and stored before the network is asked, so that it survives a reload.
 * Its message is written when the upload is done, and then it is removed from here.
 */

import type { Api } from "./api.ts";
import {
  type Attachment,
  described,
  type FileDescription,
  type FileKind,
  guessFileType,
  kindOf,
} from "./core/attachment.ts";
import type { FileResponse } from "./core/bodies.generated.ts";
import type { Event } from "./core/events.ts";
import type { Backoff } from "./core/liveness.ts";
import { mayBeDrawn } from "./core/picture.ts";
import { openFile, sealedSize, sealFile } from "./crypto/files.ts";
import { fromBase64, toBase64 } from "./crypto/signing.ts";
import { ApiError, ClientError, MessageTooLarge, NotAMember, Unreachable } from "./errors.ts";
import { sleep } from "./requests.ts";
import type { StoredUploads, Upload, UploadContent } from "./store/uploads.ts";
import { get, type Progress, put, Received, Rejected } from "./transfer.ts";

const DOWNLOADS = 5; // tries of one file, each going on where the one before ended
const SIGNATURES = 3; // forms that are asked for, for one file, before it is given up
const FORM_MARGIN_MS = 60_000; // a form that ends sooner is not used again
// What the backend says of a file alone, which will be the same next time. All else passes: the
// account may be disabled for a while, and a firewall or load balancer rejects what is sound.
const FINAL_CODES = new Set(["too_large", "not_found"]);

/** A file to be sent; `more` are further fields of its message. */
export interface FileDraft {
  readonly messageId: string;
  readonly chat: string;
  readonly content: Uint8Array;
  readonly description: FileDescription;
  readonly more: UploadContent;
}

/** The form of an upload, and when it was asked for. */
interface Form {
  readonly messageId: string;
  readonly response: FileResponse;
  readonly at: number;
}

export interface FilesOptions {
  readonly api: Api;
  readonly uploads: StoredUploads;
  readonly backoff: () => Backoff;
  /** Writes the message of an upload, unless it was written before. False: it was cancelled. */
  readonly send: (upload: Upload, content: UploadContent) => Promise<boolean>;
  readonly publish: (event: Event) => void;
}

export class Files {
  readonly #api: Api;
  readonly #uploads: StoredUploads;
  readonly #newBackoff: () => Backoff;
  readonly #backoff: Backoff;
  readonly #send: FilesOptions["send"];
  readonly #publish: FilesOptions["publish"];
  readonly #rejected = new Map<string, number>();
  #sent: (chat: string) => Promise<void> = async () => {};
  #form: Form | undefined; // of the upload that was tried last
  readonly #ended = new AbortController();
  readonly #closed = new Promise<unknown>((close) =>
    this.#ended.signal.addEventListener("abort", close),
  );
  #sending: { readonly messageId: string; readonly stop: AbortController } | undefined;
  #waker = Promise.withResolvers<void>();
  /** The upload for which the backend allows no form for a while: only its end shortens that. */
  #limited: { readonly messageId: string; readonly freed: PromiseWithResolvers<void> } | undefined;
  #running: Promise<void> | undefined;

  constructor({ api, uploads, backoff, send, publish }: FilesOptions) {
    this.#api = api;
    this.#uploads = uploads;
    this.#newBackoff = backoff;
    this.#backoff = backoff();
    this.#send = send;
    this.#publish = publish;
  }

  /** Uploads what waits, one after another, until `close`. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** There is something to upload, or a network again. */
  wake(): void {
    this.#waker.resolve();
  }

  /** `act` is called with the chat of each message that was written. */
  whenSent(act: (chat: string) => Promise<void>): void {
    this.#sent = act;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.wake();
    await this.#running;
    await this.#uploads.close();
  }

  /** Encrypts a file and stores it for the upload. */
  async add({ messageId, chat, content, description, more }: FileDraft): Promise<void> {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const { body, digest } = await sealFile(content, key);
    const kind = description.kind ?? kindOfFile(description, content);
    const said = { ...description, kind };
    const file = described(said, content.length, toBase64(key), toBase64(digest));
    const { caption = "" } = description;
    const message = { ...more, file, ...(caption === "" ? {} : { text: caption }) };
    await this.#uploads.add({ messageId, chat, content: message, size: body.length }, body);
    this.wake();
  }

  /** Own files whose message is not written yet, in the order of sending. */
  async waiting(): Promise<Upload[]> {
    return this.#uploads.all();
  }

  /** False if it is too late: the message is written. */
  async cancel(messageId: string): Promise<boolean> {
    const removed = await this.#uploads.remove(messageId);
    if (removed && this.#sending?.messageId === messageId) this.#sending.stop.abort();
    if (removed && this.#limited?.messageId === messageId) this.#limited.freed.resolve();
    return removed;
  }

  /**
   * The content, checked. After a lost connection only the missing bytes are fetched. Raises
   * FileGone, FileDamaged, Unreachable, and other errors of the backend.
   */
  async fetch(
    chat: string,
    attachment: Attachment,
    progress: Progress,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const received = new Received(sealedSize(attachment.size));
    const backoff = this.#newBackoff();
    for (let attempt = 1; ; attempt++) {
      try {
        const { url } = await this.#api.fileUrl(chat, attachment.id);
        await get(url, received, progress, this.#ended.signal);
        break;
      } catch (error) {
        if (received.length === received.bytes.length) break; // lost after the last byte
        const passes = error instanceof Unreachable || (error instanceof ApiError && error.fault);
        if (!passes || attempt === DOWNLOADS || this.#ended.signal.aborted) throw error;
        await sleep(backoff.pause());
      }
    }
    const body = received.bytes.slice(0, received.length);
    return openFile(
      body,
      fromBase64(attachment.key),
      fromBase64(attachment.digest),
      attachment.size,
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      this.#waker = Promise.withResolvers<void>();
      const [next] = await this.#uploads.all().catch(() => []);
      const pause = next === undefined ? Number.POSITIVE_INFINITY : await this.#upload(next);
      if (pause === undefined) this.#backoff.connected();
      else if (!signal.aborted) await this.#wait(pause);
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    if (milliseconds === Number.POSITIVE_INFINITY) return this.#waker.promise;
    const limit = this.#limited?.freed.promise;
    const ends = limit === undefined ? [this.#waker.promise] : [limit, this.#closed];
    await Promise.race([...ends, sleep(milliseconds)]);
    this.#limited = undefined;
  }

  /** Milliseconds to wait before the next try; undefined if it is done, or given up. */
  async #upload(upload: Upload): Promise<number | undefined> {
    const { messageId, chat, content } = upload;
    const progress: Progress = (done, size) =>
      this.#publish({ type: "file_progress", chat, messageId, done, size });
    const stop = new AbortController();
    this.#sending = { messageId, stop };
    try {
      const body = await this.#uploads.body(messageId);
      if (body === undefined) return undefined;
      const { file: id, url, fields } = await this.#formOf(upload, body.length);
      if (stop.signal.aborted) return undefined;
      await put(url, fields, body, progress, AbortSignal.any([this.#ended.signal, stop.signal]));
      const file = { ...(content.file as object), id };
      const written = await this.#send(upload, { ...content, file });
      await this.#uploads.remove(messageId);
      if (written) await this.#sent(chat).catch(() => {}); // it goes with the next one
      return undefined;
    } catch (error) {
      return stop.signal.aborted ? undefined : this.#failed(upload, error);
    } finally {
      this.#sending = undefined;
    }
  }

  /** That of the last try, where it is still good: each form counts against the limits. */
  async #formOf({ messageId, chat }: Upload, size: number): Promise<FileResponse> {
    const now = Date.now();
    if (this.#form?.messageId !== messageId || !isGood(this.#form, now)) {
      this.#form = { messageId, response: await this.#api.fileForm(chat, size), at: now };
    }
    return this.#form.response;
  }

  async #failed(upload: Upload, error: unknown): Promise<number | undefined> {
    const { messageId } = upload;
    if (error instanceof ApiError && error.code === "rate_limited") {
      this.#report(upload, error, false);
      if (error.retryAfter === undefined) return this.#backoff.pause();
      this.#limited = { messageId, freed: Promise.withResolvers<void>() };
      return 1_000 * error.retryAfter;
    }
    if (error instanceof Rejected) {
      this.#form = undefined;
      const tries = (this.#rejected.get(messageId) ?? 0) + 1;
      this.#rejected.set(messageId, tries);
      if (tries < SIGNATURES) return this.#backoff.pause();
    } else if (!isFinal(error)) return this.#backoff.pause();
    this.#rejected.delete(messageId);
    await this.#uploads.remove(messageId);
    this.#report(upload, error, true);
    return undefined;
  }

  #report({ chat, messageId }: Upload, error: unknown, final: boolean): void {
    this.#publish({ type: "file_failed", chat, messageId, reason: reasonOf(error), final });
  }
}

/** The kind to send it as: a picture that nobody should decode is sent as a file. */
function kindOfFile({ name, type }: FileDescription, content: Uint8Array): FileKind {
  const kind = kindOf(type || guessFileType(name));
  return kind === "picture" && !mayBeDrawn(content) ? "file" : kind;
}

/** False as well if the clock was set back, since the form's end is not known then. */
function isGood({ response, at }: Form, now: number): boolean {
  return at <= now && now - at < response.expiresIn - FORM_MARGIN_MS;
}

/** As that of a message: the code of the protocol, and what was said. */
function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.code}: ${error.detail}`;
  if (error instanceof MessageTooLarge) return `too_large: ${error.message}`;
  if (error instanceof NotAMember) return `not_found: ${error.message}`;
  return `internal: ${error instanceof ClientError ? error.message : String(error)}`;
}

function isFinal(error: unknown): boolean {
  if (error instanceof ApiError) return FINAL_CODES.has(error.code);
  return error instanceof NotAMember || error instanceof MessageTooLarge;
}

/**
 * The files that wait to be uploaded, encrypted: a database beside the device's, since its rows are
 * large and soon deleted.
 */

import type { Table } from "./database.ts";
import { Store } from "./store.ts";

const VERSION = 1;

export type UploadContent = Readonly<Record<string, unknown>>;

/** `content` lacks the file's id, `size` is that of the encrypted file, in bytes. */
export interface Upload {
  readonly messageId: string;
  readonly chat: string;
  readonly content: UploadContent;
  readonly size: number;
}

// ids are ULIDs of this device: their order is that of sending
const rows: Table<Upload> = {
  name: "uploads",
  key: (row) => row.messageId,
  indexes: {},
  cached: false,
};
const bodies: Table<never> = { name: "bodies", key: () => "", indexes: {}, cached: false };

export class StoredUploads {
  readonly #store: Store;

  private constructor(store: Store) {
    this.#store = store;
  }

  static async open(name: string): Promise<StoredUploads> {
    return new StoredUploads(await Store.open(`${name}/uploads`, VERSION, [rows as never, bodies]));
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async add(upload: Upload, body: Uint8Array): Promise<void> {
    await this.#store.transaction(async (work) => {
      work.put(rows, upload);
      work.putRaw(bodies, upload.messageId, body);
    });
  }

  /** False if there is none (any more). */
  async remove(messageId: string): Promise<boolean> {
    return this.#store.transaction(async (work) => {
      const found = await work.get(rows, messageId);
      work.delete(rows, messageId);
      work.putRaw(bodies, messageId, undefined);
      return found !== undefined;
    });
  }

  /** In the order of sending. */
  async all(): Promise<Upload[]> {
    return this.#store.all(rows);
  }

  async body(messageId: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return (await this.#store.raw(bodies, messageId)) as Uint8Array<ArrayBuffer> | undefined;
  }
}

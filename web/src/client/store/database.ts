/** IndexedDB as promises, whose errors are the client's: what may pass by itself, and what may not. */

import { StoreError, StoreUnavailable } from "../errors.ts";

// No space is left, or reading or writing failed: tried again. Everything else is a fault of the
// database or of this client. https://www.w3.org/TR/IndexedDB/#exceptions
const PASSING = new Set(["QuotaExceededError", "UnknownError", "TimeoutError"]);

export type Key = string | number | readonly (string | number)[];

/** A table's row: `key` finds it; `indexes` are kept readable, for the database has to sort by them. */
export interface Table<Row> {
  readonly name: string;
  readonly key: (row: Row) => Key;
  readonly indexes: Readonly<Record<string, (row: Row) => Key | undefined>>;
  /** Kept in memory once read. Not for what grows without end. */
  readonly cached: boolean;
  /** Values of newer indexes, from those that stand readable in rows which have the index `from`. */
  readonly filled?: {
    readonly from: string;
    readonly values: (stored: Stored, key: IDBValidKey) => Stored;
  };
}

/** How a row lies in the database: its index values beside the sealed rest. */
export type Stored = Readonly<Record<string, unknown>>;

export interface Change {
  readonly table: string;
  readonly key: Key;
  /** Undefined deletes. */
  readonly value: unknown;
}

export class Database {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /**
   * Opens it; `make` makes the `tables` in it, and what an older version of them lacks. Raises StoreError where it is newer than this client, or
   * where another script of this origin made it: that one is left as it is.
   */
  static async open(
    name: string,
    version: number,
    tables: readonly string[],
    make: (database: IDBDatabase, upgrade: IDBTransaction) => void,
  ): Promise<Database> {
    const opening = indexedDB.open(name, version);
    let foreign = false;
    opening.onupgradeneeded = ({ oldVersion }) => {
      // The version and the rows change in one transaction: aborted, neither has changed.
      foreign = oldVersion > 0 && !same(opening.result, tables);
      const { transaction } = opening;
      if (foreign) transaction?.abort();
      else if (transaction !== null) make(opening.result, transaction);
    };
    try {
      const database = await done(opening);
      if (same(database, tables)) return new Database(database);
      foreign = true;
      database.close();
    } catch (error) {
      if (error instanceof DOMException && error.name === "VersionError") {
        throw new StoreError("this device's state was written by a newer client; reload the page");
      }
      if (!foreign) throw translated(error);
    }
    throw new StoreError(`the database ${name} is another program's, and was not changed`);
  }

  close(): void {
    this.#database.close();
  }

  async get(table: string, key: Key): Promise<unknown> {
    return translating(() => done(this.#store(table).get(key as IDBValidKey)));
  }

  /** Primary keys and rows, in the order of the index (or of the keys). */
  async all(
    table: string,
    index?: string,
    range?: IDBKeyRange,
    limit?: number,
    direction: IDBCursorDirection = "next",
  ): Promise<{ key: Key; value: unknown }[]> {
    return translating(() => {
      const store = this.#store(table);
      const source = index === undefined ? store : store.index(index);
      if (direction === "next" && limit === undefined) return both(source, range);
      const found: { key: Key; value: unknown }[] = [];
      const cursor = source.openCursor(range ?? null, direction);
      return new Promise((resolve, reject) => {
        cursor.onerror = () => reject(cursor.error);
        cursor.onsuccess = () => {
          const at = cursor.result;
          if (at === null || found.length === limit) return resolve(found);
          found.push({ key: at.primaryKey as Key, value: at.value });
          at.continue();
        };
      });
    });
  }

  /** All of it is on disk when this returns, or nothing if it raises. */
  async write(changes: readonly Change[]): Promise<void> {
    return translating(() => this.#write(changes));
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const tables = [...new Set(changes.map((change) => change.table))];
    // strict: a receipt must not name a message that a power cut can undo
    const transaction = this.#database.transaction(tables, "readwrite", { durability: "strict" });
    try {
      for (const { table, key, value } of changes) {
        const store = transaction.objectStore(table);
        if (value === undefined) store.delete(key as IDBValidKey);
        else store.put(value, key as IDBValidKey);
      }
    } catch (error) {
      transaction.abort(); // what was put before would be written otherwise
      throw error;
    }
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }

  #store(table: string): IDBObjectStore {
    return this.#database.transaction(table, "readonly").objectStore(table);
  }
}

function same(database: IDBDatabase, tables: readonly string[]): boolean {
  return [...database.objectStoreNames].join() === tables.toSorted().join();
}

async function translating<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw translated(error);
  }
}

function translated(error: unknown): StoreError {
  const passes = error instanceof DOMException && PASSING.has(error.name);
  const kind = passes ? StoreUnavailable : StoreError;
  return new kind(`the state can't be read or written: ${String(error)}`);
}

/** Two requests for all rows; a cursor waits for an event of its own for each row. */
async function both(
  source: IDBObjectStore | IDBIndex,
  range?: IDBKeyRange,
): Promise<{ key: Key; value: unknown }[]> {
  // requests of one transaction, so both see the same rows, and in the same order
  const reading = [source.getAllKeys(range), source.getAll(range)] as const;
  const [keys, values] = await Promise.all([done(reading[0]), done(reading[1])]);
  return keys.map((key, at) => ({ key: key as Key, value: values[at] as unknown }));
}

async function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * A device's state: read row by row, changed in a `Work`, written in one transaction.
 *
 * An IndexedDB transaction ends as soon as one waits for anything else, and both WebCrypto and the
 * decisions wait. So a Work collects its changes, seals them, and only then opens a transaction
 * that takes all of them or none. Nobody else writes meanwhile: the device is locked.
 */

import { type Change, Database, type Key, type Stored, type Table } from "./database.ts";
import { lockDevice, type Release } from "./lock.ts";
import { newKey, type Sealed, Vault } from "./vault.ts";

const KEYS = "keys";
const WRAPPING = "wrapping";
const PROBE = "probe";

type Tables = readonly Table<never>[];

export class Store {
  readonly #database: Database;
  readonly #vault: Vault;
  readonly #unlock: Release;
  readonly #cache = new Map<string, unknown>();

  private constructor(database: Database, vault: Vault, unlock: Release) {
    this.#database = database;
    this.#vault = vault;
    this.#unlock = unlock;
  }

  /**
   * Opens or makes it. Raises StoreError where another tab has it open, or it is no store; with
   * `wait` it waits for that tab, until the signal aborts.
   */
  static async open(
    name: string,
    version: number,
    tables: Tables,
    wait?: AbortSignal,
  ): Promise<Store> {
    const unlock = await lockDevice(name, wait);
    try {
      const names = [KEYS, ...tables.map((table) => table.name)];
      const database = await Database.open(name, version, names, (found, upgrade) =>
        make(found, upgrade, tables),
      );
      return new Store(database, new Vault(await wrappingKey(database)), unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#database.close();
    await this.#unlock();
  }

  async get<Row>(table: Table<Row>, key: Key): Promise<Row | undefined> {
    const place = placeOf(table.name, key);
    if (table.cached && this.#cache.has(place)) return this.#cache.get(place) as Row | undefined;
    const stored = await this.#database.get(table.name, key);
    const row = stored === undefined ? undefined : await this.#opened<Row>(place, stored);
    if (table.cached) this.#cache.set(place, row);
    return row;
  }

  async all<Row>(
    table: Table<Row>,
    index?: string,
    range?: IDBKeyRange,
    options: { limit?: number; direction?: IDBCursorDirection } = {},
  ): Promise<Row[]> {
    const { limit, direction } = options;
    const found = await this.#database.all(table.name, index, range, limit, direction);
    return Promise.all(
      found.map(({ key, value }) => this.#opened<Row>(placeOf(table.name, key), value)),
    );
  }

  /** What `putRaw` put there. */
  async raw(table: Table<never>, key: Key): Promise<unknown> {
    return this.#database.get(table.name, key);
  }

  /**
   * Runs `act` on a Work and writes what it changed; nothing is written if it raises. Raises
   * StoreUnavailable where there is no space.
   */
  async transaction<T>(act: (work: Work) => Promise<T>): Promise<T> {
    const work = new Work(this);
    const result = await act(work);
    await this.#write(work.changes());
    return result;
  }

  /** Raises StoreUnavailable where nothing can be written. */
  async probe(): Promise<void> {
    await this.#database.write([{ table: KEYS, key: PROBE, value: 0 }]);
  }

  async #write(changes: readonly RowChange[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#database.write(await Promise.all(changes.map((change) => this.#sealed(change))));
    for (const { table, key, row } of changes) {
      if (table.cached) this.#cache.set(placeOf(table.name, key), row);
    }
  }

  async #sealed({ table, key, row, raw }: RowChange): Promise<Change> {
    if (row === undefined || raw) return { table: table.name, key, value: row };
    const value: Record<string, unknown> = {
      ...(await this.#vault.seal(placeOf(table.name, key), row)),
    };
    for (const [index, of] of Object.entries(table.indexes)) {
      const place = of(row as never);
      if (place !== undefined) value[index] = place;
    }
    return { table: table.name, key, value };
  }

  async #opened<Row>(place: string, stored: unknown): Promise<Row> {
    return (await this.#vault.open(place, stored as Sealed)) as Row;
  }
}

interface RowChange {
  readonly table: Table<never>;
  readonly key: Key;
  readonly row: unknown;
  readonly raw: boolean;
}

/** Reads through to the store, with its own changes on top. */
export class Work {
  readonly #store: Store;
  readonly #changes = new Map<string, RowChange>();

  constructor(store: Store) {
    this.#store = store;
  }

  async get<Row>(table: Table<Row>, key: Key): Promise<Row | undefined> {
    const changed = this.#changes.get(placeOf(table.name, key));
    return changed === undefined ? this.#store.get(table, key) : (changed.row as Row | undefined);
  }

  /** In the order of the index, or of the keys; the first `limit` of them. */
  async all<Row>(
    table: Table<Row>,
    index?: string,
    range?: IDBKeyRange,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Row[]> {
    const place = index === undefined ? table.key : table.indexes[index];
    if (place === undefined) throw new RangeError(`${table.name} has no index ${index}`);
    const mine = [...this.#changes.values()].filter((change) => change.table.name === table.name);
    // Of as many as are changed here, others may stand in the store.
    const options = limit === Number.POSITIVE_INFINITY ? {} : { limit: limit + mine.length };
    const stored = await this.#store.all(table, index, range, options);
    if (mine.length === 0) return stored;
    const touched = new Set(mine.map((change) => placeOf(table.name, change.key)));
    const rows = stored.filter((row) => !touched.has(placeOf(table.name, table.key(row))));
    for (const { row } of mine) {
      const at = row === undefined ? undefined : place(row as Row);
      if (at !== undefined && (range === undefined || range.includes(at))) rows.push(row as Row);
    }
    return rows.sort((a, b) => indexedDB.cmp(place(a), place(b))).slice(0, limit);
  }

  put<Row>(table: Table<Row>, row: Row): void {
    this.#change(table, table.key(row), row);
  }

  /** Something large that is encrypted already, as it is; undefined deletes it. */
  putRaw(table: Table<never>, key: Key, value: unknown): void {
    this.#change(table, key, value, true);
  }

  delete<Row>(table: Table<Row>, key: Key): void {
    this.#change(table, key, undefined);
  }

  changes(): RowChange[] {
    return [...this.#changes.values()];
  }

  #change<Row>(table: Table<Row>, key: Key, row: unknown, raw = false): void {
    this.#changes.set(placeOf(table.name, key), { table: table as Table<never>, key, row, raw });
  }
}

function placeOf(table: string, key: Key): string {
  return `${table} ${JSON.stringify(key)}`;
}

/** Rows of before lack the values of new indexes: they have nothing of what these find, or are `filled`. */
function make(database: IDBDatabase, upgrade: IDBTransaction, tables: Tables): void {
  const known = database.objectStoreNames;
  if (!known.contains(KEYS)) database.createObjectStore(KEYS);
  for (const { name, indexes, filled } of tables) {
    const lacking = known.contains(name) && filled !== undefined;
    const store = known.contains(name)
      ? upgrade.objectStore(name)
      : database.createObjectStore(name);
    for (const index of Object.keys(indexes)) {
      if (!store.indexNames.contains(index)) store.createIndex(index, index);
    }
    if (lacking) fill(store.index(filled.from), filled.values);
  }
}

function fill(index: IDBIndex, values: (stored: Stored, key: IDBValidKey) => Stored): void {
  const request = index.openCursor();
  request.onsuccess = () => {
    const row = request.result;
    if (row === null) return;
    row.update({ ...row.value, ...values(row.value, row.primaryKey) });
    row.continue();
  };
}

/** Made on first use. It can be used by scripts of this origin, and exported by none. */
async function wrappingKey(database: Database): Promise<CryptoKey> {
  const known = await database.get(KEYS, WRAPPING);
  if (known instanceof CryptoKey) return known;
  const fresh = await newKey();
  await database.write([{ table: KEYS, key: WRAPPING, value: fresh }]);
  return fresh;
}

/**
 * The base of ChatClient: the device's store, account, files, engine and events.
 *
 * `ChatClient` has one file for each subject: `ChatMethods` (chats.ts) extends this class,
 * `MessageMethods` (messages.ts) extends that, `DeviceMethods` (devices.ts) that, and `ChatClient`
 * (chat-client.ts) is the last. Python has the same files.
 */

import { Account } from "./account.ts";
import { Api, sleep } from "./api.ts";
import type { FetchResult, Request } from "./core/cipher.ts";
import { Engine } from "./core/engine.ts";
import type { Event } from "./core/events.ts";
import { Backoff } from "./core/liveness.ts";
import type { Random } from "./core/random.ts";
import { DEFAULTS, type Settings } from "./core/settings.ts";
import type { Self } from "./crypto/envelope.ts";
import { Directory, fetch } from "./directory.ts";
import { Driver, type Handled, STORE_RETRY_MS } from "./driver.ts";
import { StoreUnavailable, Unreachable } from "./errors.ts";
import { Feed } from "./feed.ts";
import { Files } from "./files.ts";
import type { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";
import type { StoredUploads, Upload, UploadContent } from "./store/uploads.ts";
import { Verification } from "./verification.ts";
import { Writing } from "./writing.ts";

export const CONNECT_TIMEOUT_MS = 30_000;

export interface Options {
  /** Where the load balancer is; "" (the default) for the page's own origin. */
  readonly api?: string;
  readonly user: string;
  readonly device: string;
  /** Used once the kept tokens are no longer good. */
  readonly password?: string;
  /** Where a browser finds olm.wasm. */
  readonly wasm?: string;
  /** What the device calls itself, for its user alone: printable ASCII, 64 characters at most. */
  readonly label?: string;
  readonly settings?: Partial<Settings>;
  readonly random?: Random;
  /** Waits for another tab that has this device open, until the signal aborts. */
  readonly wait?: AbortSignal;
}

/** The database, and the lock, of a device. */
export function databaseOf(user: string, device: string): string {
  return `switchboard/${user}/${device}`;
}

/** What all methods of a client need. */
export abstract class ClientBase {
  readonly user: string;
  readonly device: string;
  readonly verification: Verification;
  protected readonly store: Store;
  protected readonly api: Api;
  protected readonly driver: Driver;
  protected readonly account: Account;
  protected readonly files: Files;
  protected readonly directory: Directory;
  protected readonly feed = new Feed();
  protected readonly settings: Settings;
  protected readonly random: Random;
  protected readonly self: Self;
  protected readonly madeAt: number;

  protected constructor(
    options: Options,
    { store, uploads }: { store: Store; uploads: StoredUploads },
    self: Self,
    madeAt: number,
    session: tables.SessionRow | undefined,
  ) {
    this.user = self.user;
    this.device = self.device;
    this.self = self;
    this.madeAt = madeAt;
    this.store = store;
    this.settings = { ...DEFAULTS, ...options.settings };
    this.random = options.random ?? Math.random;
    const engine = new Engine(self.user, self.device, this.random, this.settings);
    this.driver = new Driver(
      engine,
      store,
      self,
      (output) => this.#handle(output),
      (request) => this.#fetch(request),
    );
    this.api = new Api(
      options.api ?? "",
      { access: session?.accessToken, refresh: session?.refreshToken },
      this.random,
      ({ access, refresh }) => this.#saveTokens(access, refresh),
      options.password === undefined ? undefined : () => this.signInOrUp(),
    );
    this.account = new Account(
      self,
      this.api,
      (act) => this.driver.step(({ ledger }) => act(ledger.work)),
      this.settings,
      options.label,
    );
    this.files = new Files({
      api: this.api,
      uploads,
      backoff: () => new Backoff(this.settings, this.random),
      send: (upload, content) => this.uploaded(upload, content),
      publish: (event) => this.feed.publish(event),
    });
    this.directory = new Directory(self, this.api, this.driver);
    this.verification = new Verification(
      self,
      this.driver,
      this.directory,
      () => this.refreshChats(),
      (event) => this.happened(event),
    );
  }

  /** Gets each event: starts the work that follows from it, and publishes it. */
  protected abstract happened(event: Event): void;

  /** Writes the message of a file that has been uploaded. */
  protected abstract uploaded(upload: Upload, content: UploadContent): Promise<void>;

  /** Signs in again, where the kept tokens are no longer good. */
  protected abstract signInOrUp(): Promise<boolean>;

  /** Asks the backend for the list of chats: kinds and members, and which are no more. */
  abstract refreshChats(): Promise<void>;

  /** Returns once this device's state can be written. Raises Closed. */
  async writable(): Promise<void> {
    while (!(await this.driver.writable())) await sleep(STORE_RETRY_MS);
  }

  // -- what a user writes

  /** Reactions, edits, deletions, timers, names, pictures and profiles. */
  get writing(): Writing {
    const mayName = (chat: string) => this.#mayName(chat);
    return new Writing(this.user, this.store, this.driver, mayName);
  }

  /** As far as the backend can be asked now; there is nobody else who knows. */
  async #mayName(chat: string): Promise<boolean> {
    try {
      const found = (await this.api.chats()).find((each) => each.chat === chat);
      const { admins = [], rules } = found ?? {};
      return rules?.rename !== "admins" || admins.includes(this.user);
    } catch (error) {
      if (error instanceof Unreachable) return true;
      throw error;
    }
  }

  // -- listening

  /** Everything that happens from now on, until the returned function is called. */
  listen(listener: (event: Event) => void): () => void {
    return this.feed.listen(listener);
  }

  get online(): boolean {
    return this.driver.online;
  }

  // -- inside

  #handle(output: Handled): void {
    if (output.type === "event") this.happened(output.event);
    else void this.verification.received(output.message, output.content).catch(ignored);
  }

  async #fetch(request: Request): Promise<FetchResult> {
    if (request.type !== "chats") return fetch(this.api, request);
    await this.refreshChats();
    return { type: "chats", request };
  }

  /** Runs `act`, which may be repeated, and again where nothing could be written. */
  protected async whenWritable<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await sleep(STORE_RETRY_MS);
        await this.writable();
      }
    }
  }

  async #saveTokens(access: string | undefined, refresh: string | undefined): Promise<void> {
    const { user, device } = this;
    await this.driver.step(async ({ ledger }) => {
      const known = await ledger.work.get(tables.session, tables.ONLY);
      const tokens = { accessToken: access, refreshToken: refresh };
      ledger.work.put(tables.session, { ...known, user, device, ...tokens });
    });
  }
}

export function checkCount(value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`a whole number from ${least} on is wanted, not ${value}`);
}

/** Of work in the background: it is done again when there is a new reason. */
export function ignored(): void {}

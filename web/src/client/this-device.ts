/** This device of a user, shared by all parts of a client: store, account, files, engine, events. */

import { Account, type SignIn } from "./account.ts";
import { Api } from "./api.ts";
import type { FetchResult, Request } from "./core/cipher.ts";
import type { MessageContent } from "./core/content.ts";
import { Engine } from "./core/engine.ts";
import { Backoff } from "./core/liveness.ts";
import type { Random } from "./core/random.ts";
import { DEFAULTS, type Settings } from "./core/settings.ts";
import type { Self } from "./crypto/envelope.ts";
import { Directory } from "./directory.ts";
import { Driver, type Handled, STORE_RETRY_MS } from "./driver.ts";
import { NotAMember, StoreUnavailable, Unreachable } from "./errors.ts";
import { Feed } from "./feed.ts";
import { Files } from "./files.ts";
import { sleep } from "./requests.ts";
import type { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";
import type { StoredUploads, Upload, UploadContent } from "./store/uploads.ts";

export interface Options extends SignIn {
  /** Where the load balancer is; "" (the default) for the page's own origin. */
  readonly api?: string;
  readonly user: string;
  readonly device: string;
  /** Where a browser finds olm.wasm. */
  readonly wasm?: string;
  readonly settings?: Partial<Settings>;
  readonly random?: Random;
  /** Waits for another tab that has this device open, until the signal aborts. */
  readonly wait?: AbortSignal;
}

/** What was read of the device when it was opened. */
export interface Opened {
  readonly store: Store;
  readonly uploads: StoredUploads;
  readonly self: Self;
  /** Epoch ms. */
  readonly madeAt: number;
  readonly session: tables.SessionRow | undefined;
}

/** The database, and the lock, of a device. */
export function databaseOf(user: string, device: string): string {
  return `switchboard/${user}/${device}`;
}

export class ThisDevice {
  readonly self: Self;
  readonly madeAt: number;
  readonly settings: Settings;
  readonly random: Random;
  readonly feed = new Feed();
  readonly store: Store;
  readonly driver: Driver;
  readonly api: Api;
  readonly account: Account;
  readonly files: Files;
  readonly directory: Directory;

  /** `handle` gets the events of the engine, and passes them on to the feed; `fetch` asks the backend. */
  constructor(
    options: Options,
    { store, uploads, self, madeAt, session }: Opened,
    handle: (output: Handled) => void,
    fetch: (request: Request) => Promise<FetchResult>,
  ) {
    this.self = self;
    this.madeAt = madeAt;
    this.settings = { ...DEFAULTS, ...options.settings };
    this.random = options.random ?? Math.random;
    this.store = store;
    const engine = new Engine(self.user, self.device, this.random, this.settings);
    this.driver = new Driver(engine, store, self, handle, fetch);
    this.api = new Api(
      options.api ?? "",
      { access: session?.accessToken, refresh: session?.refreshToken },
      this.random,
      ({ access, refresh }) => this.#saveTokens(access, refresh),
      options.password === undefined ? undefined : () => this.account.signInOrUp(),
    );
    this.account = new Account(
      self,
      this.api,
      (act) => this.driver.step(({ ledger }) => act(ledger.work)),
      this.settings,
      options,
      () => this.driver.step((step, engine) => engine.beginAnew(step)),
    );
    this.files = new Files({
      api: this.api,
      uploads,
      backoff: () => new Backoff(this.settings, this.random),
      send: (upload, content) => this.#sendUpload(upload, content),
      publish: (event) => this.feed.publish(event),
    });
    this.directory = new Directory(self, this.api, this.driver);
  }

  get user(): string {
    return this.self.user;
  }

  get device(): string {
    return this.self.device;
  }

  get online(): boolean {
    return this.driver.online;
  }

  async close(): Promise<void> {
    await this.files.close();
    await this.driver.end();
    this.feed.close();
    await this.store.close();
  }

  /** Returns once the state can be written. Raises Closed. */
  async writable(): Promise<void> {
    while (!(await this.driver.writable())) await sleep(STORE_RETRY_MS);
  }

  /** Runs `act`, which may be repeated, and again where nothing could be written. */
  async whenWritable<T>(act: () => Promise<T>): Promise<T> {
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

  /** Whether this user may name the chat; true if the backend, which knows, can't be asked. */
  async mayName(chat: string): Promise<boolean> {
    try {
      const found = (await this.api.chats()).find((each) => each.chat === chat);
      const { admins = [], rules } = found ?? {};
      return rules?.rename !== "admins" || admins.includes(this.user);
    } catch (error) {
      if (error instanceof Unreachable) return true;
      throw error;
    }
  }

  /**
   * False where it was cancelled meanwhile. It is not written twice, where the client ended between
   * this and the removal of the upload.
   */
  async #sendUpload({ messageId, chat }: Upload, content: UploadContent): Promise<boolean> {
    if (this.driver.engine.left(chat)) throw new NotAMember();
    const message = { ...content, kind: "file" } as MessageContent;
    return this.driver.step(async (step, engine) => {
      if (!(await this.files.waiting()).some((each) => each.messageId === messageId)) return false;
      const written = await step.ledger.own(messageId);
      if (written === undefined) await engine.send(step, messageId, chat, message);
      return true;
    });
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

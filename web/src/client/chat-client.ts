/**
 * The client as a page uses it: signing in, the connection, the account.
 *
 * Its other methods are in the classes that it extends, see base.ts.
 */

import { loadDevice } from "./account.ts";
import { CONNECT_TIMEOUT_MS, databaseOf, ignored, type Options } from "./base.ts";
import { Connection } from "./connection.ts";
import type { StoredItem } from "./core/bodies.generated.ts";
import type { Event } from "./core/events.ts";
import type { ServerFrame } from "./core/frames.ts";
import { nameOf } from "./core/ids.ts";
import { Backoff } from "./core/liveness.ts";
import type { Self } from "./crypto/envelope.ts";
import { DeviceMethods } from "./devices.ts";
import { ApiError, Closed } from "./errors.ts";
import { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";
import { StoredUploads } from "./store/uploads.ts";

const DELETING_REQUESTS = 1000; // each leaves some 100 chats

/** One device of one user. Methods raise ClientError and what is below it (errors.ts). */
export class ChatClient extends DeviceMethods {
  readonly #password: string | undefined;
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;

  /** Opens the device's state, or makes it. Raises StoreError where another tab has it open. */
  static async open(options: Options): Promise<ChatClient> {
    const { user, device, wait } = options;
    const name = databaseOf(user, device);
    const store = await Store.open(name, tables.VERSION, tables.TABLES, wait);
    let uploads: StoredUploads | undefined;
    try {
      uploads = await StoredUploads.open(name);
      const { self, madeAt } = await loadDevice(store, user, device, options.wasm);
      const session = await store.get(tables.session, tables.ONLY);
      const stores = { store, uploads };
      const client = new ChatClient(options, stores, self, madeAt, session);
      await client.driver.step((step, engine) => engine.restore(step));
      await client.driver.step((step, engine) => engine.due(step)); // what has disappeared since
      return client;
    } catch (error) {
      await uploads?.close();
      await store.close();
      throw error;
    }
  }

  private constructor(
    options: Options,
    stores: { store: Store; uploads: StoredUploads },
    self: Self,
    madeAt: number,
    session: tables.SessionRow | undefined,
  ) {
    super(options, stores, self, madeAt, session);
    this.#password = options.password;
  }

  // -- coming and going

  /**
   * Signs in, with kept tokens if they are still good; a new user is signed up first. True for that.
   * Where nothing can be written, it waits.
   */
  async signUpOrIn(): Promise<boolean> {
    return this.whenWritable(() => this.#signUpOrIn());
  }

  /** Makes the account and signs in. Raises ApiError 409 where the name is taken. */
  async signUp(): Promise<void> {
    await this.api.signUp(this.user, this.#secret());
    await this.signIn();
  }

  /** Signs in with the password, and signs nobody up. Raises ApiError 401 where it is wrong. */
  async signIn(): Promise<void> {
    await this.whenWritable(() => this.#signIn());
  }

  async #signUpOrIn(): Promise<boolean> {
    if (this.api.tokens.refresh !== undefined) {
      try {
        await this.api.refresh();
        return false;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
    return this.signInOrUp();
  }

  /**
   * True for a new user: also one whom the backend knew before it lost its data, since a name that
   * somebody has, or had, is not given again.
   */
  protected async signInOrUp(): Promise<boolean> {
    try {
      await this.#signIn();
      return false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
    let isNew = true;
    try {
      await this.api.signUp(this.user, this.#secret());
    } catch (error) {
      // A wrong password, unless another device has signed the user up meanwhile.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      isNew = false;
    }
    await this.#signIn();
    if (isNew) await this.driver.step((step, engine) => engine.beginAnew(step));
    return isNew;
  }

  /**
   * Registers the device, connects, and returns when what was missed has been fetched. From then on
   * the connection is kept, and made again when it is lost, until `close`. Where nothing can be
   * written, it waits, before `timeout` begins.
   */
  async connect(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    await this.whenWritable(() => this.account.register());
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    const connection = new Connection(this.driver, new Backoff(this.settings, this.random), {
      ticket: () => this.api.ticket(this.device),
      comeBack: () => this.account.comeBack(),
      meet: (frames) => this.#meet(frames),
      publish: (event) => this.happened(event),
    });
    this.#connection = connection;
    await this.#untilCaughtUp(() => {
      this.#running = connection.run();
      this.files.start();
    }, timeout);
  }

  /** Sends the receipts that are left, closes the connection and the store. */
  async close(): Promise<void> {
    try {
      await this.#connection?.close();
    } finally {
      await this.#end();
    }
  }

  /** Ends like a crash: nothing more is sent, nothing more is written. */
  async abort(): Promise<void> {
    this.#connection?.abort();
    await this.#end();
  }

  /** `connect` has begun: the connection is made again when it is lost. */
  get connecting(): boolean {
    return this.#connection !== undefined;
  }

  /** Ends the pause before the next attempt to connect. */
  connectNow(): void {
    this.#connection?.wake();
  }

  /** Loses the connection, as a bad network would; the client connects again. */
  cut(): void {
    this.#connection?.cut();
  }

  /** Fetches whatever is not here yet; returns when every chat is complete. */
  async sync(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    await this.#untilCaughtUp(
      () => this.driver.step((step, engine) => engine.sync(step)),
      timeout,
      true,
    );
  }

  // -- the account

  /** This device stays signed in; all others have to sign in again. */
  async changePassword(password: string, newPassword: string): Promise<void> {
    await this.api.changePassword(this.user, password, newPassword);
  }

  /** Has a code mailed to the address, with which `confirmEmail` confirms it. */
  async setEmail(email: string, password: string): Promise<void> {
    await this.api.setEmail(email, password);
  }

  /** From then on a forgotten password can be reset by mail to that address. */
  async confirmEmail(code: string): Promise<void> {
    await this.api.confirmEmail(code);
  }

  /** Has a code mailed to the user's confirmed address. Nobody learns whether there is one. */
  async forgotPassword(): Promise<void> {
    await this.api.forgotPassword(this.user);
  }

  /** Signs in with another password, by the code; all other devices have to sign in again. */
  async resetPassword(code: string, newPassword: string): Promise<void> {
    await this.api.resetPassword(this.user, code, newPassword);
  }

  /** Ends this sign-in and removes this device, or all of the user's; closes the client. */
  async signOut(everywhere = false): Promise<void> {
    await this.api.signOut(this.device, everywhere);
    await this.close();
  }

  /** Deletes the account with all that the backend has of it, for good; closes the client. */
  async deleteAccount(password: string): Promise<void> {
    for (let request = 0; request < DELETING_REQUESTS; request++) {
      if (!(await this.api.deleteAccount(this.user, password))) continue; // it has done a part
      await this.close();
      return;
    }
    throw new ApiError("internal", "the account is not deleted yet; do it again", 500);
  }

  /** Everything that the backend has stored of this user's account. */
  async storedItems(): Promise<StoredItem[]> {
    return this.api.account();
  }

  // -- inside

  protected happened(event: Event): void {
    switch (event.type) {
      case "connected":
        this.files.wake();
        break;
      case "caught_up":
        void this.account.replenish().catch(ignored); // `keys_low` comes again
        break;
      case "keys_low":
        void this.account.replenish(event.fallbackUsed).catch(ignored);
        break;
      case "chat_described":
        void this.whenKnown(event).catch(ignored);
        return;
      case "device_added":
        if (event.user === this.user) {
          void this.writing.repeatForDevice(nameOf(event.user, event.device)).catch(ignored);
        } else void this.writing.introduceTo(event.user, event.device).catch(ignored);
        break;
      case "members":
        void this.#newcomers(event.chat, event.joined).catch(ignored);
        break;
      case "identity_changed":
        void this.verification.changed(event.user, event.device).catch(ignored);
        break;
    }
    this.feed.publish(event);
  }

  /** Those whom this device has added get the chat's name, picture and timer. */
  async #newcomers(chat: string, joined: readonly string[]): Promise<void> {
    const { added = [] } = (await this.store.get(tables.chats, chat)) ?? {};
    if (joined.some((user) => added.includes(user))) await this.writing.repeatForNewcomers(chat);
  }

  /** Asks for whoever is not known yet: what they wrote is not taken before. Raises Unreachable. */
  async #meet(frames: readonly ServerFrame[]): Promise<void> {
    const messages = frames.flatMap((frame) => {
      if (frame.type === "messages") return frame.messages;
      return frame.type === "message" ? [frame] : [];
    });
    for (const { sender, senderDevice, payload } of messages) {
      if (payload === undefined) continue;
      try {
        await this.directory.meet(sender, senderDevice);
      } catch (error) {
        if (!(error instanceof ApiError) || error.fault) throw error;
      }
    }
  }

  async #untilCaughtUp(start: () => unknown, timeout: number, complete = false): Promise<void> {
    const ended = (event: Event) =>
      event.type === "displaced" ||
      event.type === "signed_out" ||
      (event.type === "disconnected" && event.retryIn === undefined);
    const fits = (event: Event) =>
      ended(event) || (event.type === "caught_up" && (event.complete || !complete));
    const waiting = this.feed.waitFor(fits, timeout);
    start();
    const event = await waiting;
    if (event.type === "signed_out") throw new ApiError("unauthorized", event.reason, 401);
    if (ended(event)) throw new Closed("the client was displaced or stopped");
  }

  async #signIn(): Promise<void> {
    await this.api.signIn(this.user, this.#secret());
  }

  #secret(): string {
    if (this.#password !== undefined) return this.#password;
    throw new ApiError("unauthorized", `${this.user} needs a password to sign in`, 401);
  }

  async #end(): Promise<void> {
    this.verification.end();
    await this.#running;
    await this.files.close();
    await this.driver.end();
    this.feed.close();
    await this.store.close();
  }
}

/**
 * The client as a page uses it: signing in, the connection, sending, events, and its parts.
 *
 * Each subject is a part, made and connected here: `chats`, `messages`, `writing`, `people`,
 * `devices`, `verification`, `linking`, `account`. A page calls `client.messages.history(chat)` on
 * the part, and what every program needs on the client: `send`, `listen`. Each part is in the file of
 * its name, in Python too. What they share is the device (this-device.ts).
 */

import { type Account, loadDevice } from "./account.ts";
import { Chats } from "./chats.ts";
import { Connection } from "./connection.ts";
import type { FetchResult, Request } from "./core/cipher.ts";
import type { Reference } from "./core/content.ts";
import type { Event } from "./core/events.ts";
import type { ServerFrame } from "./core/frames.ts";
import { nameOf } from "./core/ids.ts";
import { Backoff } from "./core/liveness.ts";
import { Devices } from "./devices.ts";
import { fetch } from "./directory.ts";
import type { Handled } from "./driver.ts";
import { ApiError, Closed } from "./errors.ts";
import { Linking } from "./linking.ts";
import { Messages } from "./messages.ts";
import { People } from "./people.ts";
import { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";
import { StoredUploads } from "./store/uploads.ts";
import { databaseOf, type Opened, type Options, ThisDevice } from "./this-device.ts";
import { Verification } from "./verification.ts";
import { Writing } from "./writing.ts";

const CONNECT_TIMEOUT_MS = 30_000;

/** One device of one user. Methods raise ClientError and what is below it (errors.ts). */
export class ChatClient {
  readonly user: string;
  readonly device: string;
  readonly account: Account;
  readonly writing: Writing;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly people: People;
  readonly devices: Devices;
  readonly verification: Verification;
  readonly linking: Linking;
  readonly #this: ThisDevice;
  /** Chats whose kind is being fetched. */
  readonly #asked = new Set<string>();
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
      const client = new ChatClient(options, { store, uploads, self, madeAt, session });
      await client.#this.driver.step((step, engine) => engine.restore(step));
      await client.#this.driver.step((step, engine) => engine.due(step)); // what has disappeared since
      return client;
    } catch (error) {
      await uploads?.close();
      await store.close();
      throw error;
    }
  }

  private constructor(options: Options, opened: Opened) {
    const device = new ThisDevice(
      options,
      opened,
      (output) => this.#handle(output),
      (request) => this.#fetch(request),
    );
    const { self, store, api, driver, directory } = device;
    this.#this = device;
    this.user = self.user;
    this.device = self.device;
    this.account = device.account;
    this.writing = new Writing(self.user, store, driver, (chat) => device.mayName(chat));
    device.files.whenSent((chat) => this.writing.introduce(chat));
    this.chats = new Chats(device, this.writing);
    this.messages = new Messages(device, this.chats, this.writing);
    this.people = new People(device, this.chats);
    this.devices = new Devices(device);
    this.verification = new Verification(
      self,
      driver,
      directory,
      () => this.chats.refresh(),
      (event) => this.#happened(event),
    );
    this.linking = new Linking(self, api, driver, directory);
  }

  // -- coming and going

  /**
   * Signs in, with kept tokens if they are still good; a new user is signed up first. True for that.
   * Where nothing can be written, it waits.
   */
  async signUpOrIn(): Promise<boolean> {
    return this.#this.whenWritable(() => this.account.signUpOrIn());
  }

  /** Makes the account and signs in. Raises ApiError 409 where the name is taken. */
  async signUp(): Promise<void> {
    await this.account.signUp();
    await this.signIn();
  }

  /** Signs in with the password, and signs nobody up. Raises ApiError 401 where it is wrong. */
  async signIn(): Promise<void> {
    await this.#this.whenWritable(() => this.account.signIn());
  }

  /**
   * Registers the device, connects, and returns when what was missed has been fetched. From then on
   * the connection is kept, and made again when it is lost, until `close`. Where nothing can be
   * written, it waits, before `timeout` begins.
   */
  async connect(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    await this.#this.whenWritable(() => this.account.register());
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    const { driver, settings, random, api } = this.#this;
    const connection = new Connection(driver, new Backoff(settings, random), {
      ticket: () => api.ticket(this.device),
      comeBack: () => this.account.comeBack(),
      meet: (frames) => this.#meet(frames),
      publish: (event) => this.#happened(event),
    });
    this.#connection = connection;
    await this.#untilCaughtUp(() => {
      this.#running = connection.run();
      this.#this.files.start();
    }, timeout);
  }

  /** Sends the receipts that are left, closes the connection and the store. */
  async close(): Promise<void> {
    try {
      // What can't be cancelled now ends by itself on the other devices.
      if (this.#connection !== undefined) await this.verification.leave().catch(ignored);
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

  /** Cuts the connection, as a bad network would; the client connects again. */
  cut(): void {
    this.#connection?.cut();
  }

  /** Fetches whatever is not here yet; returns when every chat is complete. */
  async sync(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    await this.#untilCaughtUp(
      () => this.#this.driver.step((step, engine) => engine.sync(step)),
      timeout,
      true,
    );
  }

  /** Ends this sign-in and removes this device, or all of the user's; closes the client. */
  async signOut(everywhere = false): Promise<void> {
    await this.account.signOut(everywhere);
    await this.close();
  }

  /** Deletes the account with all that the backend has of it, for good; closes the client. */
  async deleteAccount(password: string): Promise<void> {
    await this.account.delete(password);
    await this.close();
  }

  // -- sending and listening

  /**
   * Writes to a chat id or to a user, perhaps in reply; gives the message id. It returns when the
   * text is on disk: it is sealed and sent now or as soon as there is a connection, and again until
   * it is accepted. Raises MessageTooLarge, NotAMember, and StoreUnavailable: then nothing is
   * stored, and the caller calls it again when `writable` returns.
   */
  async send(chatOrUser: string, text: string, reply?: Reference): Promise<string> {
    return this.messages.send(chatOrUser, text, reply);
  }

  /** Returns once this device's state can be written. Raises Closed. */
  async writable(): Promise<void> {
    await this.#this.writable();
  }

  /** Everything that happens from now on, until the returned function is called. */
  listen(listener: (event: Event) => void): () => void {
    return this.#this.feed.listen(listener);
  }

  get online(): boolean {
    return this.#this.driver.online;
  }

  // -- inside

  #handle(output: Handled): void {
    if (output.type === "event") this.#happened(output.event);
    else void this.verification.received(output.message, output.content).catch(ignored);
  }

  async #fetch(request: Request): Promise<FetchResult> {
    if (request.type !== "chats") return fetch(this.#this.api, request);
    await this.chats.refresh();
    return { type: "chats", request };
  }

  /** Starts the work that follows from an event, and publishes it. */
  #happened(event: Event): void {
    switch (event.type) {
      case "connected":
        this.#this.files.wake();
        break;
      case "caught_up":
        void this.account.replenish().catch(ignored); // `keys_low` comes again
        break;
      case "keys_low":
        void this.account.replenish(event.fallbackUsed).catch(ignored);
        break;
      case "chat_described":
        void this.#whenKnown(event).catch(ignored);
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
    this.#this.feed.publish(event);
  }

  /** Those whom this device has added get the chat's name, picture and timer. */
  async #newcomers(chat: string, joined: readonly string[]): Promise<void> {
    const { added = [] } = (await this.#this.store.get(tables.chats, chat)) ?? {};
    if (joined.some((user) => added.includes(user))) await this.writing.repeatForNewcomers(chat);
  }

  /**
   * Delays the event until the kind of the chat is known: only a group has a name and a picture.
   */
  async #whenKnown(event: Event & { readonly type: "chat_described" }): Promise<void> {
    const { chat } = event;
    try {
      const { kind } = await this.#this.driver.step(({ ledger }) => ledger.chat(chat));
      if (kind !== undefined || this.#asked.has(chat)) return;
      this.#asked.add(chat);
      await this.chats.refresh().finally(() => this.#asked.delete(chat));
    } finally {
      this.#this.feed.publish(event);
    }
  }

  /**
   * Fetches the devices of senders that are not known yet: their messages are not taken before.
   * Raises Unreachable.
   */
  async #meet(frames: readonly ServerFrame[]): Promise<void> {
    const messages = frames.flatMap((frame) => {
      if (frame.type === "messages") return frame.messages;
      return frame.type === "message" ? [frame] : [];
    });
    for (const { sender, senderDevice, payload } of messages) {
      if (payload === undefined) continue;
      try {
        await this.#this.directory.meet(sender, senderDevice);
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
    const waiting = this.#this.feed.waitFor(fits, timeout);
    start();
    const event = await waiting;
    if (event.type === "signed_out") throw new ApiError("unauthorized", event.reason, 401);
    if (ended(event)) throw new Closed("the client was displaced or stopped");
  }

  async #end(): Promise<void> {
    this.verification.end();
    await this.#running;
    await this.#this.close();
  }
}

/** Of work in the background: it is done again when there is a new reason. */
function ignored(): void {}

/**
 * The client as a page uses it: sign in, connect, write, read, listen.
 *
 * Long because it is the whole surface of the library in one class; what it does is elsewhere.
 */

import { Account, loadDevice } from "./account.ts";
import { Api, sleep } from "./api.ts";
import { Connection } from "./connection.ts";
import type { Attachment, FileDescription } from "./core/attachment.ts";
import type { OwnDevice, StoredItem, WebPushSubscription } from "./core/bodies.generated.ts";
import type { FetchResult, Request } from "./core/cipher.ts";
import type { MessageContent, Reference } from "./core/content.ts";
import { Engine } from "./core/engine.ts";
import type { Event } from "./core/events.ts";
import type { ServerFrame } from "./core/frames.ts";
import { nameOf, ulid } from "./core/ids.ts";
import { Backoff } from "./core/liveness.ts";
import { isMember, isPair } from "./core/membership.ts";
import type { Random } from "./core/random.ts";
import { DEFAULTS, type Settings } from "./core/settings.ts";
import type { Self } from "./crypto/envelope.ts";
import type { KnownDevice } from "./crypto/identities.ts";
import { Directory, fetch } from "./directory.ts";
import { Driver, type Handled, STORE_RETRY_MS } from "./driver.ts";
import {
  ApiError,
  ClientError,
  Closed,
  NotAMember,
  StoreUnavailable,
  Unreachable,
} from "./errors.ts";
import { Feed } from "./feed.ts";
import { Files } from "./files.ts";
import { Linking } from "./linking.ts";
import { People } from "./people.ts";
import {
  type ChatSummary,
  chatsOf,
  historyOf,
  type MemberMarks,
  marksOf,
  type StoredMessage,
} from "./store/history.ts";
import { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";
import { StoredUploads, type Upload, type UploadContent } from "./store/uploads.ts";
import type { Progress } from "./transfer.ts";
import { Verification } from "./verification.ts";
import { Writing } from "./writing.ts";

const USER = /^[a-z0-9_]{3,32}$/;
const DELETING_REQUESTS = 1000; // each leaves some 100 chats
const CONNECT_TIMEOUT_MS = 30_000;

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

/** One device of one user. Methods raise ClientError and what is below it (errors.ts). */
export class ChatClient {
  readonly user: string;
  readonly device: string;
  readonly verification: Verification;
  readonly #store: Store;
  readonly #api: Api;
  readonly #driver: Driver;
  readonly #account: Account;
  readonly #files: Files;
  readonly #directory: Directory;
  readonly #feed = new Feed();
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #password: string | undefined;
  readonly #self: Self;
  readonly #madeAt: number;
  readonly #direct = new Map<string, string>();
  /** Chats of which is asked what they are. */
  readonly #asked = new Set<string>();
  /** Own devices that were given names, pictures and timers since this client was opened. */
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
      await client.#driver.step((step, engine) => engine.restore(step));
      await client.#driver.step((step, engine) => engine.due(step)); // what has disappeared since
      return client;
    } catch (error) {
      await uploads?.close();
      await store.close();
      throw error;
    }
  }

  private constructor(
    options: Options,
    { store, uploads }: { store: Store; uploads: StoredUploads },
    self: Self,
    madeAt: number,
    session: tables.SessionRow | undefined,
  ) {
    this.user = self.user;
    this.device = self.device;
    this.#self = self;
    this.#madeAt = madeAt;
    this.#store = store;
    this.#settings = { ...DEFAULTS, ...options.settings };
    this.#random = options.random ?? Math.random;
    this.#password = options.password;
    const engine = new Engine(self.user, self.device, this.#random, this.#settings);
    this.#driver = new Driver(
      engine,
      store,
      self,
      (output) => this.#handle(output),
      (request) => this.#fetch(request),
    );
    this.#api = new Api(
      options.api ?? "",
      { access: session?.accessToken, refresh: session?.refreshToken },
      this.#random,
      ({ access, refresh }) => this.#saveTokens(access, refresh),
      options.password === undefined ? undefined : () => this.#signInOrUp(),
    );
    this.#account = new Account(
      self,
      this.#api,
      (act) => this.#driver.step(({ ledger }) => act(ledger.work)),
      this.#settings,
      options.label,
    );
    this.#files = new Files({
      api: this.#api,
      uploads,
      backoff: () => new Backoff(this.#settings, this.#random),
      send: (upload, content) => this.#uploaded(upload, content),
      publish: (event) => this.#feed.publish(event),
    });
    this.#directory = new Directory(self, this.#api, this.#driver);
    this.verification = new Verification(
      self,
      this.#driver,
      this.#directory,
      () => this.refreshChats(),
      (event) => this.#happened(event),
    );
  }

  // -- coming and going

  /**
   * Signs in, with kept tokens if they are still good; a new user is signed up first. True for that.
   * Where nothing can be written, it waits.
   */
  async signUpOrIn(): Promise<boolean> {
    return this.#whenWritable(() => this.#signUpOrIn());
  }

  /** Makes the account and signs in. Raises ApiError 409 where the name is taken. */
  async signUp(): Promise<void> {
    await this.#api.signUp(this.user, this.#secret());
    await this.signIn();
  }

  /** Signs in with the password, and signs nobody up. Raises ApiError 401 where it is wrong. */
  async signIn(): Promise<void> {
    await this.#whenWritable(() => this.#signIn());
  }

  async #signUpOrIn(): Promise<boolean> {
    if (this.#api.tokens.refresh !== undefined) {
      try {
        await this.#api.refresh();
        return false;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
    return this.#signInOrUp();
  }

  /**
   * True for a new user: also one whom the backend knew before it lost its data, since a name that
   * somebody has, or had, is not given again.
   */
  async #signInOrUp(): Promise<boolean> {
    try {
      await this.#signIn();
      return false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
    let isNew = true;
    try {
      await this.#api.signUp(this.user, this.#secret());
    } catch (error) {
      // A wrong password, unless another device has signed the user up meanwhile.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      isNew = false;
    }
    await this.#signIn();
    if (isNew) await this.#driver.step((step, engine) => engine.beginAnew(step));
    return isNew;
  }

  /**
   * Registers the device, connects, and returns when what was missed has been fetched. From then on
   * the connection is kept, and made again when it is lost, until `close`. Where nothing can be
   * written, it waits, before `timeout` begins.
   */
  async connect(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    await this.#whenWritable(() => this.#account.register());
    if (this.#connection !== undefined) throw new Closed("this client is connected already");
    const connection = new Connection(this.#driver, new Backoff(this.#settings, this.#random), {
      ticket: () => this.#api.ticket(this.device),
      comeBack: () => this.#account.comeBack(),
      meet: (frames) => this.#meet(frames),
      publish: (event) => this.#happened(event),
    });
    this.#connection = connection;
    await this.#untilCaughtUp(() => {
      this.#running = connection.run();
      this.#files.start();
    }, timeout);
  }

  /** Tells what is read, closes the connection and the store. */
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

  // -- chats

  /** The id of the one direct chat with `user`. Raises ClientError where it is with somebody else. */
  async direct(user: string): Promise<string> {
    const known = this.#direct.get(user);
    if (known !== undefined && !this.#driver.engine.left(known)) return known;
    try {
      const { chat, members } = await this.#api.direct(user);
      await this.#knowDirect(chat, members, user);
      this.#direct.set(user, chat);
      return chat;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const both = [this.user, user].sort().join();
      const found = (await this.chats()).find(
        ({ kind, members, left }) => kind === "direct" && !left && members.join() === both,
      );
      if (found === undefined) throw error;
      return found.chat;
    }
  }

  /** The id of a new group. Its members get the name, as long as they are members. */
  async group(users: readonly string[], name?: string): Promise<string> {
    const { chat, members } = await this.#api.group(users);
    // Those who were meant come first: then an event says when the backend has put others in.
    const meant = members.length > 0 ? [this.user, ...users] : [];
    await this.#know(chat, meant, "group", name);
    await this.#know(chat, members, "group");
    if (name !== undefined) await this.writing.setName(chat, name);
    return chat;
  }

  /** Adds and removes; the members after that. */
  async changeMembers(
    chat: string,
    { add = [], remove = [] }: { add?: readonly string[]; remove?: readonly string[] },
  ): Promise<string[]> {
    // Before the call, whose response may be lost, and after it, for what was accepted meanwhile.
    await this.#driver.step((step, engine) => engine.adding(step, chat, add));
    const members = await this.#api.changeMembers(chat, add, remove);
    await this.#driver.step((step, engine) => engine.adding(step, chat, add));
    await this.#know(chat, members, "group");
    return members.toSorted();
  }

  /** Contacts, requests, invitations, roles and settings. */
  get people(): People {
    return new People(
      this.#api,
      (chat, members, kind) => this.#know(chat, members, kind),
      (chat) => this.#driver.step((step, engine) => engine.leave(step, chat)),
    );
  }

  /** Asks the backend for the list of chats: kinds and members, and which are no more. */
  async refreshChats(): Promise<void> {
    const known = await this.#driver.step(({ ledger }) => ledger.chats());
    const listed = await this.#api.chats();
    for (const { chat, kind, members } of listed) await this.#know(chat, members, kind);
    const there = new Set(listed.map(({ chat }) => chat));
    await this.#driver.step(async (step, engine) => {
      for (const { chat } of known) if (!there.has(chat)) await engine.leave(step, chat);
    });
  }

  /** All that this device knows; those that the user has `left` too, for they can be read. */
  async chats(): Promise<ChatSummary[]> {
    return this.#driver.read(() => chatsOf(this.#store, this.user));
  }

  /** Up to where each member of the chat has it delivered and read, as far as this device knows. */
  async watermarks(chat: string): Promise<ReadonlyMap<string, MemberMarks>> {
    return this.#driver.step(async ({ ledger }) => marksOf(await ledger.chat(chat)));
  }

  /** The newest messages in order, below seq `before` if that is given. Raises RangeError. */
  async history(chat: string, limit = 50, before?: number): Promise<StoredMessage[]> {
    checkCount(limit, 1);
    checkCount(before ?? 1, 1);
    return this.#driver.read(() => historyOf(this.#store, chat, limit, before));
  }

  // -- talking

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

  /** Reactions, edits, deletions, timers, names, pictures and profiles. */
  get writing(): Writing {
    const mayName = (chat: string) => this.#mayName(chat);
    return new Writing(this.user, this.#store, this.#driver, mayName);
  }

  /** As far as the backend can be asked now; there is nobody else who knows. */
  async #mayName(chat: string): Promise<boolean> {
    try {
      const found = (await this.#api.chats()).find((each) => each.chat === chat);
      const { admins = [], rules } = found ?? {};
      return rules?.rename !== "admins" || admins.includes(this.user);
    } catch (error) {
      if (error instanceof Unreachable) return true;
      throw error;
    }
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
    if (this.#driver.engine.left(chat)) throw new NotAMember();
    const messageId = ulid(Date.now());
    const more = {
      ...(reply && { reply: { by: reply.by, id: reply.id } }),
      ...(await this.writing.describeFile(chat)),
    };
    await this.#files.add({ messageId, chat, content, description, more });
    return messageId;
  }

  /** Own files whose message is not written yet, in the order of sending. */
  async uploads(): Promise<Upload[]> {
    return this.#files.waiting();
  }

  /** False if it is too late: the message is written. */
  async cancelUpload(messageId: string): Promise<boolean> {
    const own = IDBKeyRange.only([messageId, this.user, this.device]);
    // In turn with the step that writes the message, so that each sees what the other has done.
    return this.#driver.read(async () => {
      const [written] = await this.#store.all(tables.messages, "id", own);
      return written === undefined && this.#files.cancel(messageId);
    });
  }

  /** The file of a message, checked. Raises FileGone, FileDamaged, Unreachable. */
  async fetchFile(
    chat: string,
    attachment: Attachment,
    progress: Progress = () => {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#files.fetch(chat, attachment, progress);
  }

  /** Returns once this device's state can be written. Raises Closed. */
  async writable(): Promise<void> {
    while (!(await this.#driver.writable())) await sleep(STORE_RETRY_MS);
  }

  /** A chat this device knows by that id, or else the direct chat with that user. */
  async chatId(chatOrUser: string): Promise<string> {
    const known = this.#driver.engine.knows(chatOrUser) || !USER.test(chatOrUser);
    return known ? chatOrUser : this.direct(chatOrUser);
  }

  /** The user has seen the chat up to `seq`. The senders will be notified. Raises RangeError. */
  async markRead(chat: string, seq: number): Promise<void> {
    checkCount(seq, 0);
    await this.#driver.step((step, engine) => engine.markRead(step, chat, seq));
  }

  /** May be called on every key: it is sent once in a while. */
  async typing(chat: string): Promise<void> {
    await this.#driver.step((step, engine) => engine.typing(step, chat));
  }

  /** Presence events for these users from now on. */
  async watch(users: readonly string[]): Promise<void> {
    await this.#driver.step((step, engine) => engine.watch(step, users));
  }

  /** Fetches whatever is not here yet; returns when every chat is complete. */
  async sync(timeout = CONNECT_TIMEOUT_MS): Promise<void> {
    await this.#untilCaughtUp(
      () => this.#driver.step((step, engine) => engine.sync(step)),
      timeout,
      true,
    );
  }

  // -- devices

  /** What this device remembers of the user's devices that the directory lists now, this one first. */
  async devices(user = this.user): Promise<KnownDevice[]> {
    const { listed, memory } = await this.#directory.seen(user);
    const others = memory.filter(({ device }) => listed.has(device));
    if (user !== this.user) return others;
    const { device, keys } = this.#self;
    const own = { user, device, keys, pending: undefined, verified: true, trustedAt: this.#madeAt };
    return [own, ...others];
  }

  /** This user's devices with their names and when they were seen, this one among them. */
  async ownDevices(): Promise<readonly OwnDevice[]> {
    return this.#api.ownDevices();
  }

  /** Removes a device of this user: nothing is sent to it any more. */
  async removeDevice(device: string): Promise<void> {
    await this.#api.removeDevice(device);
    await this.#directory.seen(this.user).catch(ignored); // the others hear of it by themselves
  }

  /** Letting a new device of this user in. */
  get linking(): Linking {
    return new Linking(this.#self, this.#api, this.#driver, this.#directory);
  }

  /** When this device was registered, epoch ms by the backend's clock: older texts are not for it. */
  async registeredAt(): Promise<number | undefined> {
    const read = () => this.#store.get(tables.account, tables.ONLY);
    return (await this.#driver.read(read))?.registeredAt;
  }

  /** The `applicationServerKey` with which this browser subscribes to pushes. */
  async webPushKey(): Promise<string> {
    return this.#api.webPushKey();
  }

  /** Pushes for this device go to that subscription of the browser; undefined: there are none. */
  async pushTo(subscription: WebPushSubscription | undefined): Promise<void> {
    await this.#account.pushTo(subscription);
  }

  // -- the account

  /** This device stays signed in; all others have to sign in again. */
  async changePassword(password: string, newPassword: string): Promise<void> {
    await this.#api.changePassword(this.user, password, newPassword);
  }

  /** Has a code mailed to the address, with which `confirmEmail` confirms it. */
  async setEmail(email: string, password: string): Promise<void> {
    await this.#api.setEmail(email, password);
  }

  /** From then on a forgotten password can be reset by mail to that address. */
  async confirmEmail(code: string): Promise<void> {
    await this.#api.confirmEmail(code);
  }

  /** Has a code mailed to the user's confirmed address. Nobody learns whether there is one. */
  async forgotPassword(): Promise<void> {
    await this.#api.forgotPassword(this.user);
  }

  /** Signs in with another password, by the code; all other devices have to sign in again. */
  async resetPassword(code: string, newPassword: string): Promise<void> {
    await this.#api.resetPassword(this.user, code, newPassword);
  }

  /** Ends this sign-in and removes this device, or all of the user's; closes the client. */
  async signOut(everywhere = false): Promise<void> {
    await this.#api.signOut(this.device, everywhere);
    await this.close();
  }

  /** Deletes the account with all that the backend has of it, for good; closes the client. */
  async deleteAccount(password: string): Promise<void> {
    for (let request = 0; request < DELETING_REQUESTS; request++) {
      if (!(await this.#api.deleteAccount(this.user, password))) continue; // it has done a part
      await this.close();
      return;
    }
    throw new ApiError("internal", "the account is not deleted yet; do it again", 500);
  }

  /** Everything that the backend has stored of this user's account. */
  async storedItems(): Promise<StoredItem[]> {
    return this.#api.account();
  }

  // -- listening

  /** Everything that happens from now on, until the returned function is called. */
  listen(listener: (event: Event) => void): () => void {
    return this.#feed.listen(listener);
  }

  get online(): boolean {
    return this.#driver.online;
  }

  // -- inside

  async #know(
    chat: string,
    members: readonly string[],
    kind: "direct" | "group",
    name?: string,
  ): Promise<void> {
    const changes = { kind, ...(name === undefined ? {} : { name }) };
    await this.#driver.step((step, engine) => engine.chatIs(step, chat, members, changes));
  }

  /** What the backend says of it has to be so, by its response and by what is known of the chat. */
  async #knowDirect(chat: string, members: readonly string[], user: string): Promise<void> {
    const both = [this.user, user].sort().join();
    const wrong = new ClientError(`the backend gave ${user} a direct chat of other people`);
    if (members.toSorted().join() !== both) throw wrong;
    const known = await this.#driver.step(({ ledger }) => ledger.chat(chat));
    if (isPair(known, this.user) && !isMember(known.members, user)) throw wrong;
    await this.#know(chat, members, "direct");
  }

  /**
   * Not where it was cancelled meanwhile; and not twice, where the client ended between this and the
   * removal of the upload.
   */
  async #uploaded({ messageId, chat }: Upload, content: UploadContent): Promise<void> {
    if (this.#driver.engine.left(chat)) throw new NotAMember();
    const message = { ...content, kind: "file" } as MessageContent;
    await this.#driver.step(async (step, engine) => {
      const waits = (await this.#files.waiting()).some((each) => each.messageId === messageId);
      if (!waits || (await step.ledger.own(messageId)) !== undefined) return;
      await engine.send(step, messageId, chat, message);
    });
  }

  #handle(output: Handled): void {
    if (output.type === "event") this.#happened(output.event);
    else void this.verification.received(output.message, output.content).catch(ignored);
  }

  /** Asks first what the chat is, if that is not known: only a group has a name and a picture. */
  async #whenKnown(event: Event & { readonly type: "chat_described" }): Promise<void> {
    const { chat } = event;
    try {
      const { kind } = await this.#driver.step(({ ledger }) => ledger.chat(chat));
      if (kind !== undefined || this.#asked.has(chat)) return;
      this.#asked.add(chat);
      await this.refreshChats().finally(() => this.#asked.delete(chat));
    } finally {
      this.#feed.publish(event);
    }
  }

  async #fetch(request: Request): Promise<FetchResult> {
    if (request.type !== "chats") return fetch(this.#api, request);
    await this.refreshChats();
    return { type: "chats", request };
  }

  #happened(event: Event): void {
    switch (event.type) {
      case "connected":
        this.#files.wake();
        break;
      case "caught_up":
        void this.#account.replenish().catch(ignored); // `keys_low` will say it again
        break;
      case "keys_low":
        void this.#account.replenish(event.fallbackUsed).catch(ignored);
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
    this.#feed.publish(event);
  }

  /** Those whom this device has added get the chat's name, picture and timer. */
  async #newcomers(chat: string, joined: readonly string[]): Promise<void> {
    const { added = [] } = (await this.#store.get(tables.chats, chat)) ?? {};
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
        await this.#directory.meet(sender, senderDevice);
      } catch (error) {
        if (!(error instanceof ApiError) || error.fault) throw error;
      }
    }
  }

  /** Runs `act`, which may be repeated, and again where nothing could be written. */
  async #whenWritable<T>(act: () => Promise<T>): Promise<T> {
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

  async #untilCaughtUp(start: () => unknown, timeout: number, complete = false): Promise<void> {
    const ended = (event: Event) =>
      event.type === "displaced" ||
      event.type === "signed_out" ||
      (event.type === "disconnected" && event.retryIn === undefined);
    const fits = (event: Event) =>
      ended(event) || (event.type === "caught_up" && (event.complete || !complete));
    const waiting = this.#feed.waitFor(fits, timeout);
    start();
    const event = await waiting;
    if (event.type === "signed_out") throw new ApiError("unauthorized", event.reason, 401);
    if (ended(event)) throw new Closed("the client was displaced or stopped");
  }

  async #signIn(): Promise<void> {
    await this.#api.signIn(this.user, this.#secret());
  }

  #secret(): string {
    if (this.#password !== undefined) return this.#password;
    throw new ApiError("unauthorized", `${this.user} needs a password to sign in`, 401);
  }

  async #saveTokens(access: string | undefined, refresh: string | undefined): Promise<void> {
    const { user, device } = this;
    await this.#driver.step(async ({ ledger }) => {
      const known = await ledger.work.get(tables.session, tables.ONLY);
      const tokens = { accessToken: access, refreshToken: refresh };
      ledger.work.put(tables.session, { ...known, user, device, ...tokens });
    });
  }

  async #end(): Promise<void> {
    this.verification.end();
    await this.#running;
    await this.#files.close();
    await this.#driver.end();
    this.#feed.close();
    await this.#store.close();
  }
}

function checkCount(value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`a whole number from ${least} on is wanted, not ${value}`);
}

/** Of work in the background: it is done again when there is a new reason. */
function ignored(): void {}

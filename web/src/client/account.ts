/** The account of this device at the backend: signing in, passwords, and the device's published keys. */

import type { Api } from "./api.ts";
import type {
  DeviceRequest,
  FallbackKey,
  OneTimeKeysRequest,
  StoredItem,
  WebPushSubscription,
} from "./core/bodies.generated.ts";
import type { Listing } from "./core/cipher.ts";
import { nameOf } from "./core/ids.ts";
import { rested, type Supply, toMake } from "./crypto/account.ts";
import type { Self } from "./crypto/envelope.ts";
import { loadRatchets, type PublicKey } from "./crypto/olm.ts";
import { canonical, deviceDocument, fromBase64, keyDocument, toBase64 } from "./crypto/signing.ts";
import { ApiError, Removed } from "./errors.ts";
import type { Store, Work } from "./store/store.ts";
import * as tables from "./store/tables.ts";

const DELETING_REQUESTS = 1000; // each leaves some 100 chats

export interface Loaded {
  readonly self: Self;
  /** Epoch ms. */
  readonly madeAt: number;
}

/** The device in `store`; it is made if there is none. */
export async function loadDevice(
  store: Store,
  user: string,
  device: string,
  wasm?: string,
): Promise<Loaded> {
  const known = await store.get(tables.account, tables.ONLY);
  const pickleKey = known?.pickleKey ?? toBase64(crypto.getRandomValues(new Uint8Array(32)));
  const ratchets = await loadRatchets(fromBase64(pickleKey), wasm);
  const row = known ?? {
    pickleKey,
    pickle: ratchets.newAccount(),
    madeAt: Date.now(),
    replacedAt: undefined,
  };
  if (known === undefined) {
    await store.transaction(async (work) => work.put(tables.account, row));
  }
  const keys = ratchets.identityKeys(row.pickle);
  const self = { user, device, name: nameOf(user, device), keys, ratchets };
  return { self, madeAt: row.madeAt };
}

/** `password` is used once the kept tokens are no longer good. */
export interface SignIn {
  readonly password?: string | undefined;
  /** What the device calls itself, for its user alone: printable ASCII, 64 characters at most. */
  readonly label?: string | undefined;
}

/** Runs `act` as a step of the client. */
export type Transact = <T>(act: (work: Work) => Promise<T>) => Promise<T>;

export class Account {
  readonly #self: Self;
  readonly #signIn: SignIn;
  readonly #api: Api;
  readonly #transact: Transact;
  readonly #supply: Supply;
  readonly #anew: () => Promise<void>;
  #publishing: Promise<void> = Promise.resolve();

  /** `anew` is called after the backend has lost its data and the user was signed up again. */
  constructor(
    self: Self,
    api: Api,
    transact: Transact,
    supply: Supply,
    signIn: SignIn = {},
    anew: () => Promise<void> = async () => {},
  ) {
    this.#self = self;
    this.#signIn = signIn;
    this.#anew = anew;
    this.#api = api;
    this.#transact = transact;
    this.#supply = supply;
  }

  /** True for a new user. Stored tokens are used as long as they are valid. */
  async signUpOrIn(): Promise<boolean> {
    if (this.#api.tokens.refresh !== undefined) {
      try {
        await this.#api.refresh();
        return false;
      } catch (error) {
        // Nothing else says that the token is over.
        if (!(error instanceof ApiError) || error.code !== "unauthorized") throw error;
      }
    }
    return this.signInOrUp();
  }

  /**
   * True for a new user, also for one whom the backend knew before it lost its data: a backend with
   * its data gives no name a second time.
   */
  async signInOrUp(): Promise<boolean> {
    try {
      await this.signIn();
      return false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
    let isNew = true;
    try {
      await this.signUp();
    } catch (error) {
      // A wrong password, unless another device has signed the user up meanwhile.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      isNew = false;
    }
    await this.signIn();
    if (isNew) await this.#anew();
    return isNew;
  }

  /** Makes the account, without signing in. Raises ApiError 409 where the name is taken. */
  async signUp(): Promise<void> {
    await this.#api.signUp(this.#self.user, this.#secret());
  }

  /** Signs in with the password. Raises ApiError 401 where it is wrong. */
  async signIn(): Promise<void> {
    await this.#api.signIn(this.#self.user, this.#secret());
  }

  #secret(): string {
    const { password } = this.#signIn;
    if (password !== undefined) return password;
    const { user } = this.#self;
    throw new ApiError("unauthorized", `${user} needs a password to sign in`, 401);
  }

  /** Makes the device and its keys known. May be repeated. */
  async register(): Promise<void> {
    const { time } = await this.#api.register(this.#self.device, await this.#registration());
    await this.#transact(async (work) => {
      const account = await accountOf(work);
      if (account.registeredAt === undefined) {
        work.put(tables.account, { ...account, registeredAt: time });
      }
    });
    await this.replenish();
  }

  /** Sets where pushes go, or turns them off. Every later registration has the same. */
  async pushTo(webPush: WebPushSubscription | undefined): Promise<void> {
    await this.#transact(async (work) => {
      work.put(tables.account, { ...(await accountOf(work)), webPush });
    });
    await this.#api.register(this.#self.device, await this.#registration());
  }

  /**
   * The backend doesn't know this device any more. Throws Removed if another one removed it.
   *
   * A backend that was made anew knows no device of the user.
   */
  async comeBack(): Promise<void> {
    const { user, device, name } = this.#self;
    const listed = await this.#listed(user);
    const others = [...(listed?.devices.keys() ?? [])].filter((other) => other !== device);
    if (others.length > 0) throw new Removed(`${name} was removed from this account`);
    await this.register();
  }

  async #listed(user: string): Promise<Listing | undefined> {
    try {
      return await this.#api.devices(user);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Fills the directory up, if it runs low. */
  async replenish(fallbackUsed = false): Promise<void> {
    const turn = this.#publishing.then(() => this.#publish(fallbackUsed));
    this.#publishing = turn.catch(() => {});
    await turn;
  }

  /** This device stays signed in; all others have to sign in again. */
  async changePassword(password: string, newPassword: string): Promise<void> {
    await this.#api.changePassword(this.#self.user, password, newPassword);
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
    await this.#api.forgotPassword(this.#self.user);
  }

  /** Signs in with another password, by the code; all other devices have to sign in again. */
  async resetPassword(code: string, newPassword: string): Promise<void> {
    await this.#api.resetPassword(this.#self.user, code, newPassword);
  }

  /** Everything that the backend has stored of this user's account. */
  async storedItems(): Promise<StoredItem[]> {
    return this.#api.account();
  }

  /** Ends this sign-in and removes this device, or all of the user's. */
  async signOut(everywhere: boolean): Promise<void> {
    await this.#api.signOut(this.#self.device, everywhere);
  }

  /** Deletes the account with all that the backend has of it, for good. */
  async delete(password: string): Promise<void> {
    for (let request = 0; request < DELETING_REQUESTS; request++) {
      if (await this.#api.deleteAccount(this.#self.user, password)) return; // else it did a part
    }
    throw new ApiError("internal", "the account is not deleted yet; do it again", 500);
  }

  async #publish(fallbackUsed: boolean): Promise<void> {
    const there = await this.#api.uploadKeys(this.#self.device, { one_time_keys: {} });
    const used = fallbackUsed || there.fallbackUsed;
    if (there.remaining >= this.#supply.keysLow && !used) return;
    // On disk before it is published: a key that nobody has the other half of helps nobody.
    const body = await this.#transact((work) => this.#make(work, there.remaining, used));
    await this.#api.uploadKeys(this.#self.device, body);
    await this.#change((pickle) => this.#self.ratchets.markPublished(pickle));
  }

  async #make(work: Work, remaining: number, fallbackUsed: boolean): Promise<OneTimeKeysRequest> {
    const { ratchets } = this.#self;
    const account = await accountOf(work);
    const waiting = ratchets.unpublishedKeys(account.pickle);
    const count = toMake(remaining, waiting.oneTime.length, this.#supply);
    let pickle = ratchets.addOneTimeKeys(account.pickle, count);
    const now = Date.now();
    const replaced = fallbackUsed && rested(account.replacedAt, now);
    // A directory with nothing left has no fallback key either, or may have handed it out.
    const fallback = (replaced || remaining === 0) && waiting.fallback === undefined;
    if (fallback) pickle = ratchets.addFallbackKey(pickle);
    const replacedAt = fallback && replaced ? now : account.replacedAt;
    work.put(tables.account, { ...account, pickle, replacedAt });
    const keys = ratchets.unpublishedKeys(pickle);
    const oneTime = this.#signed(pickle, keys.oneTime, false);
    const one_time_keys = Object.fromEntries(oneTime.map(({ id, ...signed }) => [id, signed]));
    if (keys.fallback === undefined) return { one_time_keys };
    const [fallback_key] = this.#signed(pickle, [keys.fallback], true);
    return { one_time_keys, ...(fallback_key === undefined ? {} : { fallback_key }) };
  }

  #signed(pickle: string, keys: readonly PublicKey[], fallback: boolean): FallbackKey[] {
    const { user, device, ratchets } = this.#self;
    const documents = keys.map(({ id, key }) => keyDocument(user, device, id, key, fallback));
    const signatures = ratchets.signAll(pickle, documents.map(canonical));
    return keys.map(({ id, key }, at) => ({ id, key, signature: signatures[at] ?? "" }));
  }

  async #registration(): Promise<DeviceRequest> {
    const { user, device, keys, ratchets } = this.#self;
    const { label } = this.#signIn;
    const document = canonical(deviceDocument(user, device, keys));
    return this.#transact(async (work) => {
      const { pickle, webPush, introduction } = await accountOf(work);
      return {
        keys,
        signature: ratchets.sign(pickle, document),
        ...(label === undefined ? {} : { label }),
        ...(introduction === undefined ? {} : { introduction }),
        ...(webPush === undefined ? {} : { web_push: webPush }),
      };
    });
  }

  async #change(how: (pickle: string) => string): Promise<void> {
    await this.#transact(async (work) => {
      const account = await accountOf(work);
      work.put(tables.account, { ...account, pickle: how(account.pickle) });
    });
  }
}

async function accountOf(work: Work): Promise<tables.AccountRow> {
  const account = await work.get(tables.account, tables.ONLY);
  if (account === undefined) throw new RangeError("this device has no account");
  return account;
}

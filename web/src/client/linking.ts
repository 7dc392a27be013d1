/** Linking a new device by a code: `NewDevice` asks for it, `Linking` lets it in. */

import { Api } from "./api.ts";
import type { Random } from "./core/random.ts";
import type { Self } from "./crypto/envelope.ts";
import type { KnownDevice } from "./crypto/identities.ts";
import {
  type Confirmation,
  codeIn,
  codeOf,
  type LinkedDevice,
  type Offer,
  offerOf,
  read,
  write,
} from "./crypto/link.ts";
import { loadRatchets, RatchetError, type Ratchets } from "./crypto/olm.ts";
import { canonical, introductionDocument, toBase64 } from "./crypto/signing.ts";
import type { Directory } from "./directory.ts";
import type { Driver } from "./driver.ts";
import { ApiError, CannotLink, StoreError, Unreachable } from "./errors.ts";
import { sleep } from "./requests.ts";
import { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";

const POLL_MS = 2_000;
const LATE_MS = 10_000; // a confirmation stands for longer: CONFIRMED_SECONDS of the backend

export interface NewDeviceOptions {
  /** As in the client's Options. */
  readonly api?: string;
  readonly device: string;
  /** What it calls itself: printable ASCII, shown to the user who is to let it in. */
  readonly label: string;
  readonly wasm?: string;
  readonly random?: Random;
}

/** A device that is not signed in yet. Its keys are in memory until `Linked.install`. */
export class NewDevice {
  readonly offer: Offer;
  readonly code: string;
  readonly #api: Api;
  readonly #ratchets: Ratchets;
  readonly #account: Pick<tables.AccountRow, "pickleKey" | "pickle">;

  private constructor(
    api: Api,
    ratchets: Ratchets,
    account: Pick<tables.AccountRow, "pickleKey" | "pickle">,
    offer: Offer,
    code: string,
  ) {
    this.#api = api;
    this.#ratchets = ratchets;
    this.#account = account;
    this.offer = offer;
    this.code = code;
  }

  static async make({ api, device, label, wasm, random }: NewDeviceOptions): Promise<NewDevice> {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const ratchets = await loadRatchets(key, wasm);
    const pickle = ratchets.addOneTimeKeys(ratchets.newAccount(), 1);
    const [oneTime] = ratchets.unpublishedKeys(pickle).oneTime;
    if (oneTime === undefined) throw new RangeError("an account with a key has none");
    const offer = { device, label, ...ratchets.identityKeys(pickle), oneTimeKey: oneTime.key };
    const unsigned = { access: undefined, refresh: undefined };
    const open = new Api(api ?? "", unsigned, random ?? Math.random, async () => {});
    const account = { pickleKey: toBase64(key), pickle };
    return new NewDevice(open, ratchets, account, offer, await codeOf(offer));
  }

  /** Puts the offer where a signed-in device finds it; the milliseconds for which it stands. */
  async ask(): Promise<number> {
    const { device, label, curve25519, ed25519, oneTimeKey } = this.offer;
    const keys = { curve25519, ed25519 };
    return this.#api.offerLink({ device, label, keys, one_time_key: oneTimeKey });
  }

  /**
   * Waits until a signed-in device has confirmed it, or the signal aborts. Throws CannotLink.
   *
   * The backend says when it has expired: what was confirmed in the last moments `within` is found
   * after them. `late` is for how long it is asked then, if it says nothing.
   */
  async confirmed(
    within: number,
    signal?: AbortSignal,
    pause = POLL_MS,
    late = LATE_MS,
  ): Promise<Linked> {
    const until = performance.now() + within + late;
    for (let over = false; !over && signal?.aborted !== true; ) {
      over = performance.now() >= until; // then it is asked once more
      const found = await this.#confirmation();
      if (found !== undefined) return found;
      if (!over) await sleep(pause);
    }
    throw new CannotLink("expired");
  }

  async #confirmation(): Promise<Linked | undefined> {
    try {
      const { curve25519, message } = await this.#api.linkConfirmation(this.code);
      if (curve25519 === undefined || message === undefined) return undefined;
      return this.opened(curve25519, message);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw new CannotLink("expired");
      const passing = error instanceof Unreachable || (error instanceof ApiError && error.fault);
      if (passing) return undefined; // it is asked again
      throw error;
    }
  }

  /** What the device with the identity key `sender` has sealed. Throws CannotLink. */
  opened(sender: string, message: string): Linked {
    const { pickleKey, pickle } = this.#account;
    try {
      const { session, account } = this.#ratchets.inbound(pickle, sender, message);
      const { text } = this.#ratchets.decrypt(session, { type: 0, body: message });
      const made = read(text, this.code, this.offer.device, sender);
      this.#checkIntroduction(made);
      return new Linked(made, { pickleKey, pickle: account });
    } catch (error) {
      if (error instanceof RatchetError) throw new CannotLink("false");
      throw error;
    }
  }

  /** Throws CannotLink where the device that is said to have signed these keys has not. */
  #checkIntroduction({ introduction, by, user, devices }: Confirmation): void {
    const key = devices.get(by)?.ed25519;
    if (introduction === undefined || key === undefined) return;
    const document = introductionDocument(by, user, this.offer.device, this.offer);
    if (!this.#ratchets.verify(key, canonical(document), introduction)) {
      throw new CannotLink("false");
    }
  }
}

/** A new device that was let in. Its user has to agree first to the account that is named. */
export class Linked {
  readonly confirmation: Confirmation;
  readonly #account: Pick<tables.AccountRow, "pickleKey" | "pickle">;

  constructor(
    confirmation: Confirmation,
    account: Pick<tables.AccountRow, "pickleKey" | "pickle">,
  ) {
    this.confirmation = confirmation;
    this.#account = account;
  }

  /**
   * Makes the store `name`, with which a ChatClient then signs in without a password. Throws
   * StoreError if there is one.
   */
  async install(name: string): Promise<void> {
    const { user, device, by, refreshToken, devices, introduction } = this.confirmation;
    const introduced =
      introduction === undefined ? {} : { introduction: { by, signature: introduction } };
    const store = await Store.open(name, tables.VERSION, tables.TABLES);
    try {
      if ((await store.get(tables.account, tables.ONLY)) !== undefined) {
        throw new StoreError(`${name} has keys already`);
      }
      const madeAt = Date.now();
      await store.transaction(async (work) => {
        work.put(tables.account, {
          ...this.#account,
          ...introduced,
          madeAt,
          replacedAt: undefined,
        });
        work.put(tables.session, { user, device, accessToken: undefined, refreshToken });
        for (const [other, known] of devices) {
          work.put(tables.knownDevices, rowOf(user, other, known, madeAt));
        }
      });
    } finally {
      await store.close();
    }
  }
}

/** How a signed-in device lets another one in. */
export class Linking {
  readonly #self: Self;
  readonly #api: Api;
  readonly #driver: Driver;
  readonly #directory: Directory;

  constructor(self: Self, api: Api, driver: Driver, directory: Directory) {
    this.#self = self;
    this.#api = api;
    this.#driver = driver;
    this.#directory = directory;
  }

  /** What the new device with this code offers. Throws CannotLink. */
  async offer(scanned: string): Promise<Offer> {
    const code = codeIn(scanned);
    return offerOf(await notLinked(this.#api.linkOffer(code)), code);
  }

  /**
   * Lets the new device in. Its user agreed, and proves with the password to be the user. Throws
   * ApiError 401 where the password is wrong, and CannotLink.
   */
  async confirm(offer: Offer, password: string): Promise<void> {
    const code = await codeOf(offer);
    const devices = await this.#devices();
    if (devices.has(offer.device)) throw new CannotLink("here");
    await this.offer(code); // it may have ended while the password was typed
    const made = await this.#api.signInAnew(this.#self.user, password);
    try {
      await this.#leave(offer, code, made.refreshToken, devices);
    } catch (error) {
      // the new device did not get the token, which would be valid for 30 days
      await this.#api.endSignIn(made).catch(() => undefined);
      throw error;
    }
  }

  /** Leaves the sign-in for the new device, sealed. Throws CannotLink. */
  async #leave(
    offer: Offer,
    code: string,
    refreshToken: string,
    devices: ReadonlyMap<string, LinkedDevice>,
  ): Promise<void> {
    const { user, device, keys } = this.#self;
    const { curve25519, ed25519 } = offer;
    const introduction = await this.#introduction(offer);
    const named = { code, user, device: offer.device, by: device };
    const message = await this.#sealed(
      offer,
      write({ ...named, refreshToken, devices, introduction }),
    );
    // before the new device can be listed
    await this.#driver.step(({ ledger: { work } }) =>
      work.put(tables.introduced, { user, device: offer.device, keys: { curve25519, ed25519 } }),
    );
    await notLinked(this.#api.confirmLink(code, { curve25519: keys.curve25519, message }));
  }

  /** By a session for this one message. Throws CannotLink for keys that are none. */
  async #sealed(offer: Offer, plaintext: string): Promise<string> {
    const { ratchets } = this.#self;
    const pickle = await this.#pickle();
    try {
      const { curve25519, oneTimeKey } = offer;
      const { session } = ratchets.outbound(pickle, curve25519, oneTimeKey);
      return ratchets.encrypt(session, plaintext).message.body;
    } catch (error) {
      if (error instanceof RatchetError) throw new CannotLink("false");
      throw error;
    }
  }

  /** This device's signature, by which all who trust it trust the new one. */
  async #introduction(offer: Offer): Promise<string> {
    const { user, device, ratchets } = this.#self;
    const document = introductionDocument(device, user, offer.device, offer);
    return ratchets.sign(await this.#pickle(), canonical(document));
  }

  async #pickle(): Promise<string> {
    const account = await this.#driver.step(({ ledger: { work } }) =>
      work.get(tables.account, tables.ONLY),
    );
    if (account === undefined) throw new RangeError("this device has no account");
    return account.pickle;
  }

  /** This device, and the user's devices whose keys are accepted here. */
  async #devices(): Promise<Map<string, LinkedDevice>> {
    const { user, device, keys } = this.#self;
    const { listed, memory } = await this.#directory.seen(user);
    const found = new Map<string, LinkedDevice>([[device, { ...keys, verified: true }]]);
    for (const known of memory) {
      if (known.keys === undefined || known.pending !== undefined) continue;
      if (!listed.has(known.device)) continue;
      found.set(known.device, { ...known.keys, verified: known.verified });
    }
    return found;
  }
}

function rowOf(user: string, device: string, known: LinkedDevice, now: number): KnownDevice {
  const { curve25519, ed25519, verified } = known;
  const keys = { curve25519, ed25519 };
  return { user, device, keys, pending: undefined, verified, trustedAt: now };
}

async function notLinked<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw new CannotLink("expired");
    if (error instanceof ApiError && error.status === 409) throw new CannotLink("used");
    throw error;
  }
}

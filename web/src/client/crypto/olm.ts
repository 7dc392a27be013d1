/**
 * The interface to libolm, which no other file imports. The ratchets' wire format is Matrix's;
 * another library with the same format (vodozemac as wasm) would replace this file and nothing
 * else.
 *
 * State goes in and comes out as strings that are encrypted under the pickle key. Nothing stays in
 * the library between two calls, so a state that is not stored has no effect.
 */

import Olm from "@matrix-org/olm";
import { Unreachable } from "../errors.ts";

export interface IdentityKeys {
  /** Unpadded base64 of 32 bytes, both. */
  readonly curve25519: string;
  readonly ed25519: string;
}

export interface PublicKey {
  readonly id: string;
  readonly key: string;
}

export interface UnpublishedKeys {
  /** Oldest first. */
  readonly oneTime: readonly PublicKey[];
  readonly fallback: PublicKey | undefined;
}

/** An Olm message: type 0 starts a session, 1 belongs to one that both sides have used. */
export interface OlmMessage {
  readonly type: 0 | 1;
  readonly body: string;
}

export interface SasExchange {
  readonly key: string;
  /** Raises RatchetError where `key` is not a Curve25519 key. */
  theirs(key: string): void;
  bytes(info: string, length: number): Uint8Array;
  mac(text: string, info: string): string;
  free(): void;
}

/**
 * The library rejected the input: it is damaged, of another session, or a message that was opened
 * before.
 */
export class RatchetError extends Error {
  override readonly name = "RatchetError";
}

export interface Ratchets {
  newAccount(): string;
  identityKeys(account: string): IdentityKeys;
  sign(account: string, text: string): string;
  /** One signature for each; the account is decrypted once. */
  signAll(account: string, texts: readonly string[]): string[];
  addOneTimeKeys(account: string, count: number): string;
  /** The fallback key before it stays good until the next call. */
  addFallbackKey(account: string): string;
  unpublishedKeys(account: string): UnpublishedKeys;
  markPublished(account: string): string;

  outbound(
    account: string,
    identityKey: string,
    oneTimeKey: string,
  ): { session: string; id: string };
  /** From a type 0 message of the device with `identityKey`; `account` is without the key it used. */
  inbound(
    account: string,
    identityKey: string,
    body: string,
  ): { session: string; id: string; account: string };
  /** Whether that type 0 message belongs to this session. */
  matches(session: string, identityKey: string, body: string): boolean;
  encrypt(session: string, text: string): { session: string; message: OlmMessage };
  decrypt(session: string, message: OlmMessage): { session: string; text: string };

  newGroup(): { group: string; id: string };
  /** What opens the messages of this session from the next one on. */
  groupKey(group: string): string;
  groupEncrypt(group: string, text: string): { group: string; body: string };
  inboundGroup(key: string): { group: string; id: string; firstIndex: number };
  groupDecrypt(group: string, body: string): { group: string; text: string; index: number };

  verify(ed25519: string, text: string, signature: string): boolean;
  /** Unpadded base64. */
  sha256(text: string): string;
  /**
   * To be made for a person only: each one takes 32 bytes of libolm's stack for good, `free` or not,
   * and after about 2,000 the whole library is out of memory until the page is loaded again.
   */
  sas(): SasExchange;
}

let ready: Promise<void> | undefined;

/**
 * @param pickleKey 32 random bytes that encrypt all state this returns.
 * @param wasm Where a browser finds olm.wasm; Node knows by itself.
 */
export async function loadRatchets(pickleKey: Uint8Array, wasm?: string): Promise<Ratchets> {
  // libolm assigns to this name without declaring it, which a module (strict) may not.
  Reflect.set(globalThis, "OLM_OPTIONS", undefined);
  ready ??= start(wasm);
  try {
    await ready;
  } catch (error) {
    ready = undefined; // the file may be there next time
    throw new Unreachable(`the encryption could not be loaded: ${String(error)}`);
  }
  return new Libolm(pickleKey);
}

/** libolm tries once in a page's life, so the file is fetched before libolm is initialized. */
async function start(wasm?: string): Promise<void> {
  if (wasm === undefined) return Olm.init();
  const response = await fetch(wasm);
  if (!response.ok) throw new Error(`${wasm}: ${response.status}`);
  await Olm.init({ wasmBinary: await response.arrayBuffer() });
}

interface Pickled {
  free(): void;
  pickle(key: Uint8Array): string;
  unpickle(key: Uint8Array, pickle: string): unknown;
}

class Libolm implements Ratchets {
  readonly #key: Uint8Array;

  constructor(pickleKey: Uint8Array) {
    this.#key = pickleKey.slice();
  }

  newAccount(): string {
    return this.#with(Olm.Account, undefined, (account) => {
      account.create();
      return this.#pickle(account);
    });
  }

  identityKeys(pickle: string): IdentityKeys {
    return this.#account(pickle, (account) => JSON.parse(account.identity_keys()) as IdentityKeys);
  }

  sign(pickle: string, text: string): string {
    return this.#account(pickle, (account) => account.sign(text));
  }

  signAll(pickle: string, texts: readonly string[]): string[] {
    return this.#account(pickle, (account) => texts.map((text) => account.sign(text)));
  }

  addOneTimeKeys(pickle: string, count: number): string {
    return this.#account(pickle, (account) => {
      account.generate_one_time_keys(count);
      return this.#pickle(account);
    });
  }

  addFallbackKey(pickle: string): string {
    return this.#account(pickle, (account) => {
      account.generate_fallback_key();
      return this.#pickle(account);
    });
  }

  unpublishedKeys(pickle: string): UnpublishedKeys {
    return this.#account(pickle, (account) => ({
      oneTime: publicKeys(account.one_time_keys()).reverse(),
      fallback: publicKeys(account.unpublished_fallback_key())[0],
    }));
  }

  markPublished(pickle: string): string {
    return this.#account(pickle, (account) => {
      account.mark_keys_as_published();
      return this.#pickle(account);
    });
  }

  outbound(
    pickle: string,
    identityKey: string,
    oneTimeKey: string,
  ): { session: string; id: string } {
    return this.#account(pickle, (account) =>
      this.#with(Olm.Session, undefined, (session) => {
        session.create_outbound(account, identityKey, oneTimeKey);
        return { session: this.#pickle(session), id: session.session_id() };
      }),
    );
  }

  inbound(
    pickle: string,
    identityKey: string,
    body: string,
  ): { session: string; id: string; account: string } {
    return this.#account(pickle, (account) =>
      this.#with(Olm.Session, undefined, (session) => {
        session.create_inbound_from(account, identityKey, body);
        account.remove_one_time_keys(session);
        return {
          session: this.#pickle(session),
          id: session.session_id(),
          account: this.#pickle(account),
        };
      }),
    );
  }

  matches(pickle: string, identityKey: string, body: string): boolean {
    return this.#session(pickle, (session) => session.matches_inbound_from(identityKey, body));
  }

  encrypt(pickle: string, text: string): { session: string; message: OlmMessage } {
    return this.#session(pickle, (session) => {
      const { type, body } = session.encrypt(text);
      return { session: this.#pickle(session), message: { type, body } };
    });
  }

  decrypt(pickle: string, message: OlmMessage): { session: string; text: string } {
    return this.#session(pickle, (session) => {
      const text = session.decrypt(message.type, message.body);
      return { session: this.#pickle(session), text };
    });
  }

  newGroup(): { group: string; id: string } {
    return this.#with(Olm.OutboundGroupSession, undefined, (group) => {
      group.create();
      return { group: this.#pickle(group), id: group.session_id() };
    });
  }

  groupKey(pickle: string): string {
    return this.#with(Olm.OutboundGroupSession, pickle, (group) => group.session_key());
  }

  groupEncrypt(pickle: string, text: string): { group: string; body: string } {
    return this.#with(Olm.OutboundGroupSession, pickle, (group) => {
      const body = group.encrypt(text);
      return { group: this.#pickle(group), body };
    });
  }

  inboundGroup(key: string): { group: string; id: string; firstIndex: number } {
    return this.#with(Olm.InboundGroupSession, undefined, (group) => {
      group.create(key);
      return {
        group: this.#pickle(group),
        id: group.session_id(),
        firstIndex: group.first_known_index(),
      };
    });
  }

  groupDecrypt(pickle: string, body: string): { group: string; text: string; index: number } {
    return this.#with(Olm.InboundGroupSession, pickle, (group) => {
      const { plaintext, message_index } = group.decrypt(body);
      return { group: this.#pickle(group), text: plaintext, index: message_index };
    });
  }

  verify(ed25519: string, text: string, signature: string): boolean {
    const utility = withRatchetErrors(() => new Olm.Utility());
    try {
      utility.ed25519_verify(ed25519, text, signature);
      return true;
    } catch {
      return false;
    } finally {
      utility.free();
    }
  }

  sha256(text: string): string {
    const utility = withRatchetErrors(() => new Olm.Utility());
    try {
      return utility.sha256(text);
    } finally {
      utility.free();
    }
  }

  sas(): SasExchange {
    const sas = withRatchetErrors(() => new Olm.SAS());
    return {
      key: withRatchetErrors(() => sas.get_pubkey()),
      theirs: (key) => withRatchetErrors(() => sas.set_their_key(key)),
      bytes: (info, length) => sas.generate_bytes(info, length),
      // The older `calculate_mac` encodes its result wrongly; vodozemac's only MAC is this one.
      mac: (text, info) => sas.calculate_mac_fixed_base64(text, info),
      free: () => sas.free(),
    };
  }

  #account<T>(pickle: string, use: (account: Olm.Account) => T): T {
    return this.#with(Olm.Account, pickle, use);
  }

  #session<T>(pickle: string, use: (session: Olm.Session) => T): T {
    return this.#with(Olm.Session, pickle, use);
  }

  #with<O extends Pickled, T>(
    kind: new () => O,
    pickle: string | undefined,
    use: (object: O) => T,
  ): T {
    const object = withRatchetErrors(() => new kind());
    try {
      return withRatchetErrors(() => {
        if (pickle !== undefined) object.unpickle(this.#key.slice(), pickle);
        return use(object);
      });
    } finally {
      object.free();
    }
  }

  /** libolm overwrites the key it is given with zeros, so it gets a copy. */
  #pickle(object: Pickled): string {
    return object.pickle(this.#key.slice());
  }
}

/** libolm's errors are plain ones: "OLM.BAD_MESSAGE_MAC" and the like. */
function withRatchetErrors<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw new RatchetError(error instanceof Error ? error.message : String(error));
  }
}

function publicKeys(json: string): PublicKey[] {
  const keys = (JSON.parse(json) as { curve25519: Record<string, string> }).curve25519;
  return Object.entries(keys).map(([id, key]) => ({ id, key }));
}

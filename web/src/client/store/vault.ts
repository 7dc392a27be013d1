/**
 * Encryption at rest. A WebCrypto key that no script can export encrypts every row; the key of
 * libolm's pickles is random and stands in such a row.
 */

import { StoreError } from "../errors.ts";

const ALGORITHM = "AES-GCM";

export interface Sealed {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: ArrayBuffer;
}

export async function newKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: ALGORITHM, length: 256 }, false, ["encrypt", "decrypt"]);
}

export class Vault {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** `place` (table and key) is bound to it, so that rows can't be put in each other's place. */
  async seal(place: string, value: unknown): Promise<Sealed> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt(parameters(iv, place), this.#key, utf8(value));
    return { iv, data };
  }

  /** Raises StoreError where the row was changed or belongs elsewhere. */
  async open(place: string, { iv, data }: Sealed): Promise<unknown> {
    let plain: ArrayBuffer;
    try {
      plain = await crypto.subtle.decrypt(parameters(iv, place), this.#key, data);
    } catch {
      throw new StoreError(`the stored state was changed by somebody else (${place})`);
    }
    return JSON.parse(new TextDecoder().decode(plain));
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, place: string): AesGcmParams {
  return { name: ALGORITHM, iv, additionalData: new TextEncoder().encode(place) };
}

function utf8(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** What a browser has, for tests in Node. */

import "fake-indexeddb/auto";
import { createHash } from "node:crypto";

/**
 * The same digests as Node's own, whose WebCrypto passes each to a thread and back: a safety number
 * is of 10,400, one after the other.
 */
crypto.subtle.digest = async (algorithm, data) => {
  const name = typeof algorithm === "string" ? algorithm : algorithm.name;
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return new Uint8Array(createHash(name.replace("-", "")).update(bytes).digest()).buffer;
};

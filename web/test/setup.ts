/** What a browser has, for tests in Node. */

import "fake-indexeddb/auto";
import { createHash } from "node:crypto";
import { vi } from "vitest";

/**
 * How long what is expected may take, milliseconds. A second, which Vitest allows, passes on a busy
 * machine. Several files share this process, and `vi`: it is set once.
 */
const WITHIN = 60_000;
const patient = Symbol.for("switchboard/patient");

if (!(patient in vi)) {
  const { waitFor, waitUntil } = vi;
  const within = (options: number | object = {}) =>
    typeof options === "number" ? options : { timeout: WITHIN, ...options };
  vi.waitFor = (look, options) => waitFor(look, within(options));
  vi.waitUntil = (look, options) => waitUntil(look, within(options));
  Object.defineProperty(vi, patient, { value: true });
}

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

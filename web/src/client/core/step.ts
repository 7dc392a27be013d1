/** One step of the engine: the times, the store and the encryption. */

import type { Ledger } from "../store/ledger.ts";
import type { Cipher } from "./cipher.ts";

/** One transaction. Events are collected, and published once it is on disk. */
export interface Step {
  /** Of a clock that only goes forward, ms. */
  readonly now: number;
  /** Epoch ms. */
  readonly time: number;
  readonly ledger: Ledger;
  readonly cipher: Cipher;
}

/** One step: the time, what is remembered, and how messages are opened. */

import type { Opened } from "../crypto/opening.ts";
import type { Ledger } from "../store/ledger.ts";
import type { Message } from "./frames.ts";

/** One transaction. Events are collected, and published once it is on disk. */
export interface Step {
  /** Of a clock that only goes forward, ms. */
  readonly now: number;
  /** Epoch ms. */
  readonly time: number;
  readonly ledger: Ledger;
  readonly open: (message: Message) => Promise<Opened>;
}

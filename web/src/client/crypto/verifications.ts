/** All emoji comparisons of this device: one with each other device at a time. No I/O. */

import type { SasStep } from "./envelope.ts";
import type { Ratchets } from "./olm.ts";
import { Comparison, type Party } from "./sas.ts";

const TXN = /^[!-~]{1,64}$/; // others may make theirs in another way
// A device that sends more of them could begin the oldest again, and this user would be asked
// again.
const OVER_KEPT = 1_000;

/** What has come of something: steps to send to `device`, and the comparison as it stands. */
export interface Effect {
  readonly chat: string;
  readonly device: string;
  readonly txn: string;
  readonly steps: readonly SasStep[];
  readonly comparison: Comparison | undefined;
}

interface Open {
  readonly chat: string;
  readonly comparison: Comparison;
}

/** Other devices are named `user/device`; times are ms on any one clock. */
export class Verifications {
  readonly #ratchets: Ratchets;
  readonly #me: Party;
  readonly #open = new Map<string, Open>();
  readonly #over = new Set<string>(); // txns that are not to begin again

  constructor(ratchets: Ratchets, me: Party) {
    this.#ratchets = ratchets;
    this.#me = me;
  }

  with(device: string): Comparison | undefined {
    return this.#open.get(device)?.comparison;
  }

  /** The devices with which one is under way. */
  open(): string[] {
    return [...this.#open.keys()];
  }

  // -- what the user wants

  /** Asks the device, or agrees to what it asks. */
  start(chat: string, peer: Party, now: number): Effect[] {
    const found = this.#open.get(peer.name);
    if (found !== undefined) return [this.#after(found, found.comparison.agree(now))];
    const txn = crypto.randomUUID();
    const comparison = Comparison.begin(this.#ratchets, [this.#me, peer], txn, now);
    const made = { chat, comparison };
    this.#open.set(peer.name, made);
    return [this.#after(made, [comparison.opening])];
  }

  decide(device: string, match: boolean, now: number): Effect[] {
    const found = this.#open.get(device);
    return found === undefined ? [] : [this.#after(found, found.comparison.decide(match, now))];
  }

  cancel(device: string, reason = "user"): Effect[] {
    const found = this.#open.get(device);
    return found === undefined ? [] : [this.#after(found, found.comparison.cancel(reason))];
  }

  // -- what happens

  /** A `sas` message of `peer`, with the key that this device trusts now. */
  received(chat: string, peer: Party, txn: string, step: SasStep, now: number): Effect[] {
    if (!TXN.test(txn)) return [];
    const found = this.#open.get(peer.name);
    if (found !== undefined && found.comparison.peer.ed25519 !== peer.ed25519) {
      return this.cancel(peer.name, "identity_changed");
    }
    if (found?.comparison.txn === txn) {
      if (found.chat !== chat) return this.cancel(peer.name, "unexpected_message");
      return [this.#after(found, found.comparison.received(step, now))];
    }
    if (this.#over.has(txn) || step.step === "cancel" || step.step === "done") return [];
    if (step.step === "start") {
      const both = [this.#me, peer] as const;
      const asked = Comparison.asked(this.#ratchets, both, txn, step, now);
      return this.#asked({ chat, comparison: asked }, found, now);
    }
    // of one that this device has forgotten
    const steps: SasStep[] = [{ step: "cancel", reason: "unknown_transaction" }];
    return [{ chat, device: peer.name, txn, steps, comparison: undefined }];
  }

  due(now: number): Effect[] {
    return [...this.#open.values()]
      .filter(({ comparison }) => now >= comparison.deadline)
      .map((found) => this.#after(found, found.comparison.due(now)));
  }

  nextDue(): number | undefined {
    const times = [...this.#open.values()].map(({ comparison }) => comparison.deadline);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Ends all of them, without a frame to the other devices. */
  end(): void {
    for (const { comparison } of this.#open.values()) comparison.free();
    this.#open.clear();
  }

  // -- inside

  #asked(made: Open, found: Open | undefined, now: number): Effect[] {
    const { peer, txn } = made.comparison;
    if (found === undefined) {
      this.#open.set(peer.name, made);
      return [this.#after(made, [])];
    }
    if (found.comparison.stage !== "requested") {
      // It knows nothing of the one under way any more: it was started anew.
      const ended = this.#after(found, found.comparison.cancel("superseded"));
      this.#open.set(peer.name, made);
      return [ended, this.#after(made, [])];
    }
    if (this.#me.name < peer.name) {
      // Both have started, and this one's counts. It is said again, because the other may have been
      // started anew since it came.
      this.#isOver(txn);
      return [this.#after(found, [found.comparison.opening])];
    }
    this.#isOver(found.comparison.txn);
    found.comparison.free();
    this.#open.set(peer.name, made);
    return [this.#after(made, made.comparison.agree(now))];
  }

  #isOver(txn: string): void {
    this.#over.add(txn);
    const [oldest] = this.#over;
    if (this.#over.size > OVER_KEPT && oldest !== undefined) this.#over.delete(oldest);
  }

  #after({ chat, comparison }: Open, steps: readonly SasStep[]): Effect {
    const { peer, txn } = comparison;
    if (comparison.ended) {
      this.#isOver(txn);
      this.#open.delete(peer.name);
    }
    return { chat, device: peer.name, txn, steps, comparison };
  }
}

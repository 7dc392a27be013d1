/**
 * The emoji comparison of two devices (SAS), as a state machine: steps in, steps out.
 *
 * It has no I/O and stores nothing; a restart ends it. docs/encryption.md has the steps. A message
 * out of turn, or one that does not fit, ends the comparison: there is no way back to an earlier
 * step, so nobody can try twice.
 */

import { type Emoji, emojiOf } from "./emoji.ts";
import type { SasStep } from "./envelope.ts";
import { RatchetError, type Ratchets, type SasExchange } from "./olm.ts";
import { canonical } from "./signing.ts";

const METHOD = "emoji";
// A request waits for somebody who may be away; after that two people sit and compare.
const REQUEST_LIFE_MS = 24 * 3_600_000;
const STEP_LIFE_MS = 600_000;

/** A device by the identity key that this one trusts; `name` is `user/device`. */
export interface Party {
  readonly name: string;
  readonly ed25519: string;
}

export type Stage =
  | "asked" // the other device asks, this user has not answered
  | "requested" // the other device has not answered
  | "waiting" // for the other device's key
  | "comparing" // the emoji are to be compared
  | "confirmed" // this user has; the other side is not through yet
  | "verified"
  | "cancelled";

/** The step does not fit; the message is the reason to cancel with. */
class Rejected extends Error {}

type Start = Extract<SasStep, { step: "start" }>;

/** Times are ms on any one clock; each method gives the steps to send then. */
export class Comparison {
  readonly peer: Party;
  readonly txn: string;
  /** What began it. */
  readonly opening: Start;
  stage: Stage;
  deadline: number;
  emoji: readonly Emoji[] = [];
  /** Of "cancelled". */
  reason = "";
  byPeer = false;

  readonly #ratchets: Ratchets;
  readonly #me: Party;
  #exchange: SasExchange | undefined;
  readonly #started: boolean;
  readonly #taken: string[] = [];
  #expected: SasStep["step"] | undefined;
  #commitment = "";
  #theirKey = "";
  #proved = false; // the other's MAC fits

  private constructor(
    ratchets: Ratchets,
    [me, peer]: readonly [Party, Party],
    txn: string,
    opening: Start,
    stage: "asked" | "requested",
    now: number,
  ) {
    this.peer = peer;
    this.txn = txn;
    this.opening = opening;
    this.stage = stage;
    this.deadline = now + REQUEST_LIFE_MS;
    this.#ratchets = ratchets;
    this.#me = me;
    this.#started = stage === "requested";
    if (this.#started) this.#expected = "accept";
    else this.#taken.push(JSON.stringify(opening));
  }

  /** This user wants to compare; `opening` is to be sent. */
  static begin(ratchets: Ratchets, both: readonly [Party, Party], txn: string, now: number) {
    const opening: Start = { step: "start", methods: [METHOD] };
    return new Comparison(ratchets, both, txn, opening, "requested", now);
  }

  /** The other device has sent `start`. */
  static asked(
    ratchets: Ratchets,
    both: readonly [Party, Party],
    txn: string,
    start: Start,
    now: number,
  ) {
    return new Comparison(ratchets, both, txn, start, "asked", now);
  }

  get ended(): boolean {
    return this.stage === "verified" || this.stage === "cancelled";
  }

  // -- what the user says

  /** This user wants to compare too. */
  agree(now: number): SasStep[] {
    if (this.stage !== "asked") return [];
    if (!this.opening.methods.includes(METHOD)) return this.cancel("unknown_method");
    this.#go("waiting", now, "key");
    return [{ step: "accept", commitment: this.#commit(this.#keys().key) }];
  }

  /** This user says whether the emoji are the same on both. */
  decide(match: boolean, now: number): SasStep[] {
    if (this.stage !== "comparing") return [];
    if (!match) return this.cancel("mismatched_sas");
    this.#go("confirmed", now);
    const mac = this.#mac(this.#me, this.peer);
    return [{ step: "mac", macs: { ed25519: mac } }, ...this.#done()];
  }

  cancel(reason: string): SasStep[] {
    if (this.ended) return [];
    this.#end(reason);
    return [{ step: "cancel", reason }];
  }

  due(now: number): SasStep[] {
    return now >= this.deadline ? this.cancel("timeout") : [];
  }

  /** It will not go on. */
  free(): void {
    this.#exchange?.free();
    this.#exchange = undefined;
  }

  // -- what the other device says

  received(step: SasStep, now: number): SasStep[] {
    const text = JSON.stringify(step);
    if (this.ended || this.#taken.includes(text)) return [];
    if (step.step === "cancel") {
      this.byPeer = true;
      this.#end(step.reason);
      return [];
    }
    if (step.step !== this.#expected) return this.cancel("unexpected_message");
    this.#taken.push(text);
    try {
      return this.#take(step, now);
    } catch (error) {
      if (error instanceof Rejected) return this.cancel(error.message);
      if (error instanceof RatchetError) return this.cancel("invalid_message");
      throw error;
    }
  }

  #take(step: SasStep, now: number): SasStep[] {
    switch (step.step) {
      case "accept":
        this.#commitment = step.commitment;
        this.#go("waiting", now, "key");
        return [{ step: "key", key: this.#keys().key }];
      case "key":
        return this.#takeKey(step.key, now);
      case "mac":
        if (unpadded(step.macs.ed25519) !== this.#mac(this.peer, this.#me)) {
          throw new Rejected("mismatched_mac");
        }
        this.#proved = true;
        this.#go(this.stage, now, "done");
        return this.#done();
      default: // `done`: it can't have this device's MAC before
        if (this.stage !== "confirmed") throw new Rejected("unexpected_message");
        this.stage = "verified";
        this.free();
        return [];
    }
  }

  #takeKey(key: string, now: number): SasStep[] {
    // The starter's key was not known when the other one chose its own: neither could look for a
    // key that makes the emoji come out as wished.
    if (this.#started && this.#commit(key) !== unpadded(this.#commitment)) {
      throw new Rejected("mismatched_commitment");
    }
    this.#keys().theirs(key);
    this.#theirKey = key;
    this.emoji = emojiOf(this.#keys().bytes(this.#info(), 6));
    this.#go("comparing", now, "mac");
    return this.#started ? [] : [{ step: "key", key: this.#keys().key }];
  }

  /** Both users have said yes, and the other's MAC fits. */
  #done(): SasStep[] {
    return this.stage === "confirmed" && this.#proved ? [{ step: "done" }] : [];
  }

  #go(stage: Stage, now: number, expected = this.#expected): void {
    this.stage = stage;
    this.deadline = now + STEP_LIFE_MS;
    this.#expected = expected;
  }

  #end(reason: string): void {
    this.stage = "cancelled";
    this.reason = reason;
    this.emoji = [];
    this.free();
  }

  /**
   * Not made before this user has agreed: a mere request of another user must cost nothing (olm.ts,
   * `sas`).
   */
  #keys(): SasExchange {
    this.#exchange ??= this.#ratchets.sas();
    return this.#exchange;
  }

  #commit(key: string): string {
    const { methods, step } = this.opening;
    const start = canonical({ kind: "sas", methods, step, txn: this.txn });
    return unpadded(this.#ratchets.sha256(key + start));
  }

  #mac(from: Party, to: Party): string {
    const info = `SWITCHBOARD_MAC|${from.name}|${to.name}|${this.txn}|ed25519`;
    return unpadded(this.#keys().mac(from.ed25519, info));
  }

  #info(): string {
    const mine = [this.#me.name, this.#me.ed25519, this.#keys().key];
    const theirs = [this.peer.name, this.peer.ed25519, this.#theirKey];
    const both = this.#started ? [...mine, ...theirs] : [...theirs, ...mine];
    return ["SWITCHBOARD_SAS", ...both, this.txn].join("|");
  }
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, "");
}

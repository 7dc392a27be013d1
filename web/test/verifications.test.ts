/** Emoji comparisons with real key exchanges: what ends well, and all that ends them. */

import { beforeEach, describe, expect, test } from "vitest";
import type { SasStep } from "../src/client/crypto/envelope.ts";
import { loadRatchets, type Ratchets } from "../src/client/crypto/olm.ts";
import type { Party } from "../src/client/crypto/sas.ts";
import { type Effect, Verifications } from "../src/client/crypto/verifications.ts";

const RAJU: Party = { name: "raju/phone", ed25519: "raju's key" };
const RAVI: Party = { name: "ravi/phone", ed25519: "ravi's key" };
const MINUTE = 60_000;

interface Sent {
  readonly txn: string;
  readonly step: SasStep;
}

/** Two devices, and what is under way between them. */
class Scene {
  readonly ratchets: Ratchets;
  readonly raju: Verifications;
  readonly ravi: Verifications;
  readonly toRaju: Sent[] = [];
  readonly toRavi: Sent[] = [];
  readonly said: string[] = [];
  now = 0;

  constructor(ratchets: Ratchets) {
    this.ratchets = ratchets;
    this.raju = new Verifications(ratchets, RAJU);
    this.ravi = new Verifications(ratchets, RAVI);
  }

  rajuDoes(effects: readonly Effect[]): void {
    this.#sent(effects, this.toRavi);
  }

  raviDoes(effects: readonly Effect[]): void {
    this.#sent(effects, this.toRaju);
  }

  /** Delivers until nothing is under way. */
  settle(change: (sent: Sent) => Sent | undefined = (sent) => sent): void {
    for (;;) {
      const forRavi = this.toRavi.shift();
      const forRaju = forRavi === undefined ? this.toRaju.shift() : undefined;
      const sent = forRavi ?? forRaju;
      if (sent === undefined) return;
      this.said.push(`${forRavi ? "raju" : "ravi"}: ${sent.step.step}`);
      const arrives = change(sent);
      if (arrives === undefined) continue;
      const { txn, step } = arrives;
      if (forRavi) this.raviDoes(this.ravi.received("chat", RAJU, txn, step, this.now));
      else this.rajuDoes(this.raju.received("chat", RAVI, txn, step, this.now));
    }
  }

  /** Up to where both see emoji. */
  compare(): void {
    this.rajuDoes(this.raju.start("chat", RAVI, this.now));
    this.settle();
    this.raviDoes(this.ravi.start("chat", RAJU, this.now));
    this.settle();
  }

  #sent(effects: readonly Effect[], to: Sent[]): void {
    for (const { steps, txn, comparison } of effects) {
      for (const step of steps) to.push({ txn, step });
      if (comparison?.ended) this.ends.push(comparison.reason || comparison.stage);
    }
  }

  readonly ends: string[] = [];
}

let scene: Scene;
beforeEach(async () => {
  scene = new Scene(await loadRatchets(new Uint8Array(32)));
});

const pictures = (verifications: Verifications, device: string) =>
  verifications.with(device)?.emoji.map(({ name }) => name);

test("both see the same seven emoji, confirm them, and are verified", () => {
  scene.compare();
  expect(scene.said).toEqual(["raju: start", "ravi: accept", "raju: key", "ravi: key"]);
  expect(pictures(scene.raju, RAVI.name)).toHaveLength(7);
  expect(pictures(scene.raju, RAVI.name)).toEqual(pictures(scene.ravi, RAJU.name));
  scene.raviDoes(scene.ravi.decide(RAJU.name, true, 0));
  scene.settle();
  expect(scene.ends).toEqual([]);
  scene.rajuDoes(scene.raju.decide(RAVI.name, true, 0));
  scene.settle();
  expect(scene.ends).toEqual(["verified", "verified"]);
});

test("the other user is asked first, and may not want to", () => {
  scene.rajuDoes(scene.raju.start("chat", RAVI, 0));
  scene.settle();
  expect(scene.ravi.with(RAJU.name)?.stage).toBe("asked");
  scene.raviDoes(scene.ravi.cancel(RAJU.name));
  scene.settle();
  expect(scene.ends).toEqual(["user", "user"]);
});

test("both start: the smaller name's counts, and nobody has to agree again", () => {
  scene.rajuDoes(scene.raju.start("chat", RAVI, 0));
  scene.raviDoes(scene.ravi.start("chat", RAJU, 0));
  scene.settle();
  expect(scene.raju.with(RAVI.name)?.stage).toBe("comparing");
  expect(pictures(scene.raju, RAVI.name)).toEqual(pictures(scene.ravi, RAJU.name));
  expect(scene.ends).toEqual([]);
});

test("a device that was started anew may begin again", () => {
  scene.compare();
  const [before] = [scene.ravi.with(RAJU.name)];
  const step: SasStep = { step: "start", methods: ["emoji"] };
  scene.raviDoes(scene.ravi.received("chat", RAJU, "another", step, 0));
  expect(before?.reason).toBe("superseded");
  expect(scene.ravi.with(RAJU.name)?.stage).toBe("asked");
});

test.each(["", "x".repeat(65), "\ud800", "a b"])("a start of %j is none", (txn) => {
  const step: SasStep = { step: "start", methods: ["emoji"] };
  expect(scene.raju.received("chat", RAVI, txn, step, 0)).toEqual([]);
  expect(scene.raju.open()).toEqual([]);
});

test("who makes up starts fills no memory, and the newest thousand begin never again", () => {
  const step: SasStep = { step: "start", methods: ["emoji"] };
  const hears = (n: number) => scene.raju.received("chat", RAVI, `number-${n}`, step, 0);
  scene.raju.start("chat", RAVI, 0); // it counts
  for (let n = 0; n <= 1_000; n++) hears(n);
  scene.raju.cancel(RAVI.name); // this one is over as well
  expect([hears(2), hears(1_000), scene.raju.open()]).toEqual([[], [], []]);
  hears(1);
  expect(scene.raju.open()).toEqual([RAVI.name]);
});

describe("it ends when", () => {
  test("the emoji differ", () => {
    scene.compare();
    scene.rajuDoes(scene.raju.decide(RAVI.name, false, 0));
    scene.settle();
    expect(scene.ends).toEqual(["mismatched_sas", "mismatched_sas"]);
  });

  test("the key is not the one that was committed to", () => {
    const other = scene.raju.start("elsewhere", { ...RAVI, name: "mira/phone" }, 0);
    expect(other).toHaveLength(1);
    scene.rajuDoes(scene.raju.start("chat", RAVI, 0));
    scene.settle();
    scene.raviDoes(scene.ravi.start("chat", RAJU, 0));
    let keys = 0;
    scene.settle((sent) => {
      if (sent.step.step !== "key" || ++keys < 2) return sent;
      return { ...sent, step: { step: "key", key: "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" } };
    });
    expect(scene.ends[0]).toBe("mismatched_commitment");
  });

  test("the key is none", () => {
    scene.rajuDoes(scene.raju.start("chat", RAVI, 0));
    scene.settle();
    scene.raviDoes(scene.ravi.start("chat", RAJU, 0));
    scene.settle((sent) =>
      sent.step.step === "key" ? { ...sent, step: { step: "key", key: "hello" } } : sent,
    );
    expect(scene.ends[0]).toBe("invalid_message");
  });

  test("the MAC is another identity's", () => {
    scene.compare();
    scene.rajuDoes(scene.raju.decide(RAVI.name, true, 0));
    scene.raviDoes(scene.ravi.decide(RAJU.name, true, 0));
    scene.settle((sent) =>
      sent.step.step === "mac" ? { ...sent, step: { step: "mac", macs: { ed25519: "AA" } } } : sent,
    );
    expect(scene.ends).toContain("mismatched_mac");
    expect(scene.ends).not.toContain("verified");
  });

  test("a step comes out of turn, though not when it comes twice", () => {
    scene.compare();
    const txn = scene.raju.with(RAVI.name)?.txn ?? "";
    const start: SasStep = { step: "start", methods: ["emoji"] };
    expect(scene.ravi.received("chat", RAJU, txn, start, 0)[0]?.steps).toEqual([]);
    scene.raviDoes(scene.ravi.received("chat", RAJU, txn, { step: "done" }, 0));
    expect(scene.ends).toEqual(["unexpected_message"]);
  });

  test("it goes on in another chat, or as another identity", () => {
    scene.compare();
    const txn = scene.raju.with(RAVI.name)?.txn ?? "";
    const mac: SasStep = { step: "mac", macs: { ed25519: "AA" } };
    scene.raviDoes(scene.ravi.received("elsewhere", RAJU, txn, mac, 0));
    scene.rajuDoes(scene.raju.received("chat", { ...RAVI, ed25519: "other" }, txn, mac, 0));
    expect(scene.ends).toEqual(["unexpected_message", "identity_changed"]);
  });

  test("nobody responds in time", () => {
    scene.rajuDoes(scene.raju.start("chat", RAVI, 0));
    expect(scene.raju.nextDue()).toBe(24 * 60 * MINUTE);
    scene.settle();
    scene.raviDoes(scene.ravi.start("chat", RAJU, 0));
    scene.settle();
    expect(scene.raju.due(10 * MINUTE - 1)).toEqual([]);
    scene.rajuDoes(scene.raju.due(10 * MINUTE));
    expect(scene.ends).toEqual(["timeout"]);
  });

  test("the other can't compare emoji", () => {
    const step: SasStep = { step: "start", methods: ["decimal"] };
    scene.raviDoes(scene.ravi.received("chat", RAJU, "txn", step, 0));
    scene.raviDoes(scene.ravi.start("chat", RAJU, 0));
    expect(scene.ends).toEqual(["unknown_method"]);
  });
});

test("whoever only asks costs nothing, however often", () => {
  let made = 0;
  let freed = 0;
  const ratchets = Object.create(scene.ratchets, {
    sas: {
      value: () => {
        made += 1;
        const exchange = scene.ratchets.sas();
        const free = () => {
          freed += 1;
          exchange.free();
        };
        return { ...exchange, free };
      },
    },
  }) as Ratchets;
  const ravi = new Verifications(ratchets, RAVI);
  const start: SasStep = { step: "start", methods: ["emoji"] };
  for (let n = 0; n < 2_500; n++) ravi.received("chat", RAJU, `txn-${n}`, start, 0);
  expect(made).toBe(0);
  ravi.start("chat", RAJU, 0); // agrees to the last one
  expect(made).toBe(1);
  ravi.received("chat", RAJU, "once-more", start, 0);
  expect(freed).toBe(1);
  ravi.start("chat", RAJU, 0);
  ravi.end();
  expect([made, freed]).toEqual([2, 2]);
  expect(ravi.nextDue()).toBeUndefined();
});

test.each(["", "x".repeat(65), "line\nline", "é"])("a txn like %j is none", (txn) => {
  const start: SasStep = { step: "start", methods: ["emoji"] };
  expect(scene.ravi.received("chat", RAJU, txn, start, 0)).toEqual([]);
});

test("steps of one that is not known are answered with a cancel, which never is", () => {
  const [effect] = scene.ravi.received("chat", RAJU, "gone", { step: "key", key: "k" }, 0);
  expect(effect?.steps).toEqual([{ step: "cancel", reason: "unknown_transaction" }]);
  const cancel: SasStep = { step: "cancel", reason: "user" };
  expect(scene.ravi.received("chat", RAJU, "gone", cancel, 0)).toEqual([]);
  expect(scene.ravi.received("chat", RAJU, "gone", { step: "done" }, 0)).toEqual([]);
});

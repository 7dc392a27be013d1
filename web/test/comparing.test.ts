/** Emoji between two devices with stores of their own: whose comparison is taken up, and what proves. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Engine } from "../src/client/core/engine.ts";
import type { Message } from "../src/client/core/frames.ts";
import type { SasContent } from "../src/client/core/outputs.ts";
import type { Step } from "../src/client/core/step.ts";
import type { KnownDevice } from "../src/client/crypto/identities.ts";
import type { IdentityKeys } from "../src/client/crypto/olm.ts";
import type { Directory } from "../src/client/directory.ts";
import type { Driver } from "../src/client/driver.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import * as tables from "../src/client/store/tables.ts";
import { Verification } from "../src/client/verification.ts";
import { TestDevice } from "./two-devices.ts";

const OTHER: IdentityKeys = { curve25519: "another", ed25519: "another" };
const NOWHERE = { delivered: 0, read: 0 };

class Side {
  readonly device: TestDevice;
  readonly verification: Verification;
  /** Of its comparison, as they were reported. */
  readonly stages: string[] = [];
  /** What it has sent, and has not arrived. */
  readonly sent: { readonly chat: string; readonly content: SasContent }[] = [];
  asked = 0;
  /** Happens before each step. */
  meanwhile = async (): Promise<void> => {};

  constructor(device: TestDevice, peer: TestDevice) {
    this.device = device;
    const { self, store } = device;
    const engine = {
      sendToDevice: async (_: Step, chat: string, _to: string, content: SasContent) =>
        this.sent.push({ chat, content }),
    } as unknown as Engine;
    let last: Promise<unknown> = Promise.resolve();
    const driver = {
      step: (act: (step: Step, engine: Engine) => unknown) => {
        const turn = last.then(async () => {
          await this.meanwhile();
          return store.transaction(async (work) => {
            const ledger = new Ledger(work, self.user, self.device);
            return act({ ledger, now: 0, time: 0 } as unknown as Step, engine);
          });
        });
        last = turn.catch(() => {});
        return turn;
      },
    } as unknown as Driver;
    const directory = {
      known: async () => ({
        listed: new Map([[peer.self.device, peer.self.keys]]),
        memory: await store.all(tables.knownDevices),
      }),
    } as unknown as Directory;
    const learn = async () => {
      this.asked += 1;
      if (this.asked === 1) await new Promise((resolve) => setTimeout(resolve));
      await this.chat("unknown", "direct", ["raju", "ravi"]);
    };
    this.verification = new Verification(self, driver, directory, learn, (event) => {
      if (event.type === "comparison") this.stages.push(event.comparison.stage);
    });
  }

  async chat(chat: string, kind: "direct" | "group", users: readonly string[]): Promise<void> {
    await this.device.store.transaction(async (work) => {
      const ledger = new Ledger(work, this.device.self.user, this.device.self.device);
      const members = users.map((user) => [user, NOWHERE] as const);
      await ledger.changeChat(chat, { kind, members } as Parameters<Ledger["changeChat"]>[1]);
    });
  }

  async change(peer: TestDevice, changes: Partial<KnownDevice>): Promise<void> {
    await this.device.store.transaction(async (work) => {
      const key = [peer.self.user, peer.self.device] as const;
      const row = await work.get(tables.knownDevices, [...key]);
      if (row !== undefined) work.put(tables.knownDevices, { ...row, ...changes });
    });
  }
}

let raju: Side;
let ravi: Side;

beforeEach(async () => {
  const devices = [
    await TestDevice.make("raju/phone"),
    await TestDevice.make("ravi/phone"),
  ] as const;
  await devices[0].meet(devices[1]);
  await devices[1].meet(devices[0]);
  raju = new Side(devices[0], devices[1]);
  ravi = new Side(devices[1], devices[0]);
  for (const side of [raju, ravi]) {
    await side.chat("direct", "direct", ["raju", "ravi"]);
    await side.chat("group", "group", ["raju", "ravi"]);
    await side.chat("others", "direct", ["mira", "zoe"]);
  }
});

afterEach(() => vi.useRealTimers());

/** Delivers until nothing is under way; all steps of a side at once. */
async function settle(chat?: string): Promise<void> {
  while (raju.sent.length + ravi.sent.length > 0) {
    for (const [from, to] of [
      [raju, ravi],
      [ravi, raju],
    ] as const) {
      const { user, device } = from.device.self;
      const steps = from.sent.splice(0).map((sent) => {
        const message = { sender: user, senderDevice: device, chat: chat ?? sent.chat };
        return to.verification.received(message as Message, sent.content);
      });
      await Promise.all(steps);
    }
  }
}

async function untilEmoji(chat = "direct"): Promise<void> {
  await raju.verification.compare(chat, ravi.device.self.name);
  await settle();
  await ravi.verification.compare(chat, raju.device.self.name);
  await settle();
}

const isVerified = async (by: Side, of: Side) => {
  const { user, device } = of.device.self;
  return (await by.device.store.get(tables.knownDevices, [user, device]))?.verified;
};

test("emoji that are the same on both verify both", async () => {
  await untilEmoji();
  expect([raju.stages.at(-1), ravi.stages.at(-1)]).toEqual(["comparing", "comparing"]);
  await raju.verification.decide("ravi/phone", true);
  await ravi.verification.decide("raju/phone", true);
  await settle();
  expect([await isVerified(raju, ravi), await isVerified(ravi, raju)]).toEqual([true, true]);
});

test.each<[string, Partial<KnownDevice>]>([
  ["waits to be accepted", { pending: OTHER }],
  ["was accepted meanwhile", { keys: OTHER }],
])("what was compared verifies no other identity, which %s", async (_, changes) => {
  await untilEmoji();
  await raju.verification.decide("ravi/phone", true);
  await ravi.verification.decide("raju/phone", true);
  raju.meanwhile = async () => {
    const ended = raju.verification.comparisonWith("ravi/phone") === undefined;
    if (ended) await raju.change(ravi.device, changes); // all fits, and it is not stored yet
  };
  await settle();
  expect(raju.stages.at(-1)).toBe("verified");
  expect([await isVerified(raju, ravi), await isVerified(ravi, raju)]).toEqual([false, true]);
});

test.each(["group", "others"])("in the chat %s none begins, and none is taken up", async (chat) => {
  await expect(raju.verification.compare(chat, "ravi/phone")).rejects.toThrow(/direct chat/);
  await raju.verification.compare("direct", "ravi/phone");
  await settle(chat);
  expect(ravi.stages).toEqual([]);
});

test("none begins in a request, and the reason is reported", async () => {
  await raju.device.store.transaction(async (work) => {
    const row = await work.get(tables.chats, "direct");
    if (row !== undefined) work.put(tables.chats, { ...row, request: true });
  });
  const begun = raju.verification.compare("direct", "ravi/phone");
  await expect(begun).rejects.toThrow("accept the request of ravi first");
  expect([raju.stages, raju.sent]).toEqual([[], []]);
});

test("a chat that is not known yet is asked for first", async () => {
  await raju.verification.compare("direct", "ravi/phone");
  await settle("unknown");
  expect([ravi.stages, ravi.asked]).toEqual([["asked"], 1]);
});

test("steps count in the order in which they came, though the first has to be looked up", async () => {
  await raju.verification.compare("direct", "ravi/phone");
  await raju.verification.cancel("ravi/phone");
  await settle("unknown");
  expect(ravi.stages).toEqual(["asked", "cancelled"]);
});

test("a comparison that does not go on ends by itself, and the other side is notified", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  await untilEmoji();
  vi.advanceTimersByTime(600_000);
  await vi.waitUntil(() => raju.stages.includes("cancelled"));
  await settle();
  for (const { stages } of [raju, ravi]) expect(stages.at(-1)).toBe("cancelled");
});

test("a step of a device whose identity waits to be accepted ends the comparison", async () => {
  await untilEmoji();
  await raju.change(ravi.device, { pending: OTHER });
  await ravi.verification.decide("raju/phone", true);
  await settle();
  expect(raju.stages.at(-1)).toBe("cancelled");
  await expect(raju.verification.compare("direct", "ravi/phone")).rejects.toThrow(/trusted/);
});

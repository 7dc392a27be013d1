/** What a device's introduction of another one is worth to somebody else, against the vectors. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { SignedDevice } from "../src/client/core/bodies.generated.ts";
import { Identities, type KnownDevice } from "../src/client/crypto/identities.ts";
import { loadRatchets } from "../src/client/crypto/olm.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

type Listed = Record<string, SignedDevice>;
interface Case {
  what: string;
  phone: "seen" | "verified";
  linked: Record<string, SignedDevice["keys"]>;
  listed: Listed;
  trust: Record<string, "seen" | "verified" | "changed">;
}

const path = new URL("../../protocol/vectors/introductions.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as { phone: SignedDevice; cases: Case[] };
const { phone, cases } = vectors;
const good = cases[0]?.listed as Listed;
const { keys, signature } = good.web as SignedDevice;
const plain = { web: { keys, signature, introduction: undefined } };
const listedWhere = (name: string) => cases.find(({ what }) => what === name)?.listed as Listed;
const chain = listedWhere("by one that was introduced itself"); // a_watch by web, web by phone
const stranger = listedWhere("put beside another device").web as SignedDevice;
const other = { web: { ...stranger, introduction: undefined } };

/** What ravi, or raju's tablet, remembers of raju, whose phone was seen or verified before. */
class Memory {
  static #count = 0;
  readonly #store: Store;
  readonly #self: ConstructorParameters<typeof Identities>[1];

  private constructor(store: Store, self: ConstructorParameters<typeof Identities>[1]) {
    this.#store = store;
    this.#self = self;
  }

  static async made(state: Case["phone"], user = "ravi", device = "phone"): Promise<Memory> {
    Memory.#count += 1;
    const store = await Store.open(`introductions/${Memory.#count}`, tables.VERSION, tables.TABLES);
    const ratchets = await loadRatchets(new Uint8Array(32));
    const own = ratchets.identityKeys(ratchets.newAccount());
    const me = { user, device, name: `${user}/${device}`, keys: own, ratchets };
    const memory = new Memory(store, me);
    await memory.learn({ phone });
    if (state === "verified") await memory.verify();
    return memory;
  }

  learn(listed: Listed) {
    return this.#store.transaction(async (work) =>
      new Identities(work, this.#self, 7).learn("raju", {
        devices: new Map(Object.entries(listed)),
        former: [],
      }),
    );
  }

  async verify(): Promise<void> {
    const row = (await this.rows()).get("phone") as KnownDevice;
    await this.#store.transaction(async (work) =>
      work.put(tables.knownDevices, { ...row, verified: true }),
    );
  }

  async link(linked: Case["linked"]): Promise<void> {
    await this.#store.transaction(async (work) => {
      for (const [device, keys] of Object.entries(linked)) {
        work.put(tables.introduced, { user: this.#self.user, device, keys });
      }
    });
  }

  accept(device: string, keys: SignedDevice["keys"]) {
    return this.#store.transaction(async (work) =>
      new Identities(work, this.#self, 8).accept("raju", new Map([[device, keys]])),
    );
  }

  async rows(): Promise<Map<string, KnownDevice>> {
    const rows = await this.#store.all(tables.knownDevices, undefined, tables.startingWith("raju"));
    return new Map(rows.map((row) => [row.device, row]));
  }

  async trust(device: string): Promise<string | undefined> {
    const row = (await this.rows()).get(device);
    return row && (row.pending !== undefined ? "changed" : row.verified ? "verified" : "seen");
  }
}

test.each(cases)("an introduction $what", async ({ phone: state, linked, listed, trust }) => {
  const isOwn = Object.keys(linked).length > 0;
  const memory = await (isOwn ? Memory.made(state, "raju", "tablet") : Memory.made(state));
  await memory.link(linked);
  const { added, changed } = await memory.learn({ phone, ...listed });
  for (const [device, expected] of Object.entries(trust)) {
    expect([device, await memory.trust(device)]).toEqual([device, expected]);
    expect((expected === "changed" ? changed : added).includes(device)).toBe(true);
  }
  expect(added.length + changed.length).toBe(Object.keys(trust).length);
  expect(await memory.trust("phone")).toBe(state);
});

test("a device that is not listed any more introduces nobody", async () => {
  const memory = await Memory.made("verified");
  await memory.learn(good);
  expect(await memory.trust("web")).toBe("changed");
});

test("who waits for a person is not let in by a later introduction", async () => {
  const memory = await Memory.made("verified");
  await memory.learn({ phone, ...plain });
  await memory.learn({ phone, ...good });
  expect(await memory.trust("web")).toBe("changed");
});

test.each(["nothing", "other keys"])(
  "after %s, what a person was asked about is not introduced and introduces nobody",
  async (before) => {
    const memory = await Memory.made("seen");
    if (before === "other keys") await memory.learn({ phone, ...other });
    await memory.verify();
    const trust = async () => [await memory.trust("web"), await memory.trust("a_watch")];
    await memory.learn({ phone, ...plain });
    await memory.learn({ phone, ...chain });
    expect(await trust()).toEqual(["changed", "changed"]);
    await memory.accept("web", keys);
    await memory.learn({ phone, ...chain });
    expect(await trust()).toEqual(["seen", "changed"]);
  },
);

test("a device linked again under a name that had other keys is verified once accepted", async () => {
  const memory = await Memory.made("seen", "raju", "tablet");
  await memory.learn(other);
  await memory.link({ web: keys });
  await memory.learn(chain);
  expect([await memory.trust("web"), await memory.trust("a_watch")]).toEqual(["changed", "seen"]);
  await memory.accept("web", keys);
  await memory.learn(chain);
  expect([await memory.trust("web"), await memory.trust("a_watch")]).toEqual([
    "verified",
    "verified",
  ]);
});

test("whom a device has introduced is verified once that device is", async () => {
  const memory = await Memory.made("seen");
  await memory.learn({ phone, ...good });
  expect(await memory.trust("web")).toBe("seen");
  await memory.verify();
  const { added, changed } = await memory.learn({ phone, ...good });
  expect([added, changed, await memory.trust("web")]).toEqual([[], [], "verified"]);
});

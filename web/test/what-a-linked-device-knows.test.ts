/** What a new device learns of the user's others from the one that lets it in, without a backend. */

import { expect, test, vi } from "vitest";
import type { Api } from "../src/client/api.ts";
import type { ConfirmLinkRequest } from "../src/client/core/bodies.generated.ts";
import type { Step } from "../src/client/core/step.ts";
import type { KnownDevice } from "../src/client/crypto/identities.ts";
import type { IdentityKeys } from "../src/client/crypto/olm.ts";
import type { Directory } from "../src/client/directory.ts";
import type { Driver } from "../src/client/driver.ts";
import { ApiError } from "../src/client/errors.ts";
import { Linking, NewDevice } from "../src/client/linking.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";
import { TestDevice } from "./two-devices.ts";

async function scene(...others: (Partial<KnownDevice> & { device: string })[]) {
  const phone = await TestDevice.make("ravi/phone");
  const fresh = await NewDevice.make({ device: "tablet", label: "a tablet" });
  const { device, label, curve25519, ed25519, oneTimeKey } = fresh.offer;
  const confirmed: ConfirmLinkRequest[] = [];
  const ended: string[] = [];
  const api = {
    linkOffer: async () => ({ device, label, keys: { curve25519, ed25519 }, oneTimeKey }),
    signInAnew: async () => ({ refreshToken: "refresh-token" }),
    endSignIn: async (made: { refreshToken: string }) => ended.push(made.refreshToken),
    confirmLink: async (_: string, body: ConfirmLinkRequest) => confirmed.push(body),
  } as unknown as Api;
  const driver = {
    step: (act: (step: Step) => unknown) =>
      phone.store.transaction(async (work) => act({ ledger: { work } } as unknown as Step)),
  } as unknown as Driver;
  const memory = others.map((row) => ({
    user: "ravi",
    pending: undefined,
    verified: false,
    ...row,
  }));
  const listed = new Map(
    memory.filter(({ device: name }) => name !== "removed").map((row) => [row.device, row.keys]),
  );
  const directory = { seen: async () => ({ listed, memory }) } as unknown as Directory;
  const linking = new Linking(phone.self, api, driver, directory);
  const letIn = async () => {
    await linking.confirm(fresh.offer, "password");
    const [{ curve25519: sender, message } = { curve25519: "", message: "" }] = confirmed;
    return fresh.opened(sender, message);
  };
  return { phone, fresh, letIn, api, ended };
}

test("those whose keys count, verified or not, and none that was removed or has changed", async () => {
  const [desk, watch] = [await TestDevice.make("ravi/desk"), await TestDevice.make("ravi/watch")];
  const keysOf = ({ self: { keys } }: TestDevice): IdentityKeys => keys;
  const { phone, letIn } = await scene(
    { device: "desk", keys: keysOf(desk), verified: true },
    { device: "watch", keys: keysOf(watch) },
    { device: "changed", keys: keysOf(desk), pending: keysOf(watch) },
    { device: "never_trusted", keys: undefined, pending: keysOf(watch) },
    { device: "removed", keys: keysOf(watch) },
  );
  const linked = await letIn();
  const expected = new Map([
    ["phone", { ...phone.self.keys, verified: true }],
    ["desk", { ...keysOf(desk), verified: true }],
    ["watch", { ...keysOf(watch), verified: false }],
  ]);
  expect(new Map(linked.confirmation.devices)).toEqual(expected);
  const name = `linked ${crypto.randomUUID()}`;
  await linked.install(name);
  const store = await Store.open(name, tables.VERSION, tables.TABLES);
  const known = await store.all(tables.knownDevices);
  expect(
    new Map(known.map((row) => [row.device, { ...row.keys, verified: row.verified }])),
  ).toEqual(expected);
  expect(await store.get(tables.session, tables.ONLY)).toMatchObject({
    user: "ravi",
    device: "tablet",
    refreshToken: "refresh-token",
  });
  await store.close();
});

test("the device that lets it in knows it by its keys before the directory lists it", async () => {
  const { phone, fresh, letIn } = await scene();
  await letIn();
  const { curve25519, ed25519 } = fresh.offer;
  const row = await phone.store.get(tables.introduced, ["ravi", "tablet"]);
  expect(row?.keys).toEqual({ curve25519, ed25519 });
});

test("an introduction that is none lets nobody in", async () => {
  const { phone, letIn } = await scene();
  const { ratchets } = phone.self;
  const sign = ratchets.sign.bind(ratchets);
  vi.spyOn(ratchets, "sign").mockImplementation((pickle) => sign(pickle, "something else"));
  await expect(letIn()).rejects.toMatchObject({ reason: "false" });
});

test("a device that is here already is not let in, and causes no sign-in", async () => {
  const other = await TestDevice.make("ravi/tablet");
  const { letIn, ended, api } = await scene({ device: "tablet", keys: other.self.keys });
  api.signInAnew = async () => {
    throw new Error("signed in");
  };
  await expect(letIn()).rejects.toMatchObject({ reason: "here" });
  expect(ended).toEqual([]);
});

test("an offer that ended while the password was typed causes no sign-in", async () => {
  const { letIn, api } = await scene();
  api.linkOffer = async () => {
    throw new ApiError("not_found", "expired", 404);
  };
  api.signInAnew = async () => {
    throw new Error("signed in");
  };
  await expect(letIn()).rejects.toMatchObject({ reason: "expired" });
});

test("a sign-in for a device that is not let in after all ends", async () => {
  const { letIn, api, ended } = await scene();
  api.confirmLink = async () => {
    throw new ApiError("conflict", "used", 409);
  };
  await expect(letIn()).rejects.toMatchObject({ reason: "used" });
  expect(ended).toEqual(["refresh-token"]);
});

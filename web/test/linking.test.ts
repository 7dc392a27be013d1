/** Linking a device: whole clients, and what somebody else may try with the code or the message. */

import { afterEach, describe, expect, test } from "vitest";
import { ChatClient } from "../src/client/chat-client.ts";
import { codeOf, type Offer } from "../src/client/crypto/link.ts";
import { CannotLink } from "../src/client/errors.ts";
import { type Linked, NewDevice } from "../src/client/linking.ts";
import { databaseOf } from "../src/client/this-device.ts";
import type { TestClient } from "./backend.ts";
import { backend, connect, eventsOf, got, shows, until, useBackend, user } from "./scene.ts";

useBackend();

const PASSWORD = "password";
const QUICK = 10;
const opened: ChatClient[] = [];

afterEach(async () => {
  for (const client of opened.splice(0)) await client.abort().catch(() => {});
});

const made = (device = "web") =>
  NewDevice.make({ device, label: "Chrome on Linux", random: () => 0 }); // without pauses

/** The whole of it: shown, scanned, agreed to. */
async function letIn(device: NewDevice, { client }: TestClient): Promise<Linked> {
  const within = await device.ask();
  const offer = await client.linking.offer(`SWITCHBOARD:LINK:1:${device.code}`);
  expect(offer).toEqual(device.offer);
  await client.linking.confirm(offer, PASSWORD);
  return device.confirmed(within, undefined, QUICK);
}

/** As the linked device, which has no password. */
async function enter(linked: Linked): Promise<TestClient> {
  const { user: name, device } = linked.confirmation;
  await linked.install(databaseOf(name, device));
  const client = await ChatClient.open({ user: name, device });
  opened.push(client);
  const events: TestClient["events"][number][] = [];
  client.listen((event) => events.push(event));
  await client.signUpOrIn();
  await client.connect();
  return { client, events, name: `${name}/${device}` };
}

const trusted = async ({ client }: TestClient) =>
  new Map((await client.devices.of()).map(({ device, verified }) => [device, verified]));

async function reasonOf(act: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await act();
  } catch (error) {
    if (error instanceof CannotLink) return error.reason;
    throw error;
  }
  return undefined;
}

describe("a linked device", () => {
  test("needs no password, and both have verified each other", async () => {
    const ravi = await connect("ravi/phone");
    const linked = await letIn(await made(), ravi);
    expect(linked.confirmation).toMatchObject({ user: user("ravi"), by: "phone" });
    const web = await enter(linked);
    await until(() => eventsOf(ravi, "device_added").length > 0);
    expect((await trusted(ravi)).get("web")).toBe(true);
    expect((await trusted(web)).get("phone")).toBe(true);
  });

  test("reads and writes at once", async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    await ravi.client.send(user("raju"), "before");
    await got(raju, "before");
    const web = await enter(await letIn(await made(), ravi));
    await until(() => eventsOf(raju, "devices_changed").length > 0);
    await raju.client.send(user("ravi"), "to both");
    await got(ravi, "to both");
    await got(web, "to both");
    await web.client.send(user("raju"), "from the new one");
    await got(raju, "from the new one");
    await got(ravi, "from the new one");
    expect(shows(web, "before")).toEqual([]);
  });

  test("is trusted without a word by who has verified its user", { tags: "deep" }, async () => {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    await ravi.client.send(user("raju"), "before");
    await got(raju, "before");
    const { digits } = await ravi.client.verification.safetyNumber(user("raju"));
    expect(await raju.client.verification.compareSafetyNumber(user("ravi"), digits)).toBe(true);
    const web = await enter(await letIn(await made(), ravi));
    await until(() => eventsOf(raju, "device_added").some(({ device }) => device === "web"));
    await raju.client.send(user("ravi"), "to both");
    await got(web, "to both");
    await connect("ravi/by_password");
    await until(() => eventsOf(raju, "identity_changed").length > 0);
  });

  test("is not verified under other keys than those of its code", async () => {
    const ravi = await connect("ravi/phone");
    const linked = await letIn(await made(), ravi);
    expect(linked.confirmation.device).toBe("web");
    await connect("ravi/web"); // the same name, by the password
    expect((await trusted(ravi)).get("web")).toBe(false);
  });
});

test("the directory is asked afresh for the user's devices before a confirmation", async () => {
  const ravi = await connect("ravi/phone");
  await ravi.client.devices.of(); // they are known from now on
  const device = await made();
  await device.ask();
  const offer = await ravi.client.linking.offer(device.code);
  let asked = 0;
  backend.lies.set("GET users", (truth) => {
    asked += 1;
    return truth;
  });
  await ravi.client.linking.confirm(offer, PASSWORD);
  expect(asked).toBe(1);
});

describe("the code", () => {
  test("serves once: who comes second learns it, and the new device names the account", async () => {
    const [ravi, mallory] = [await connect("ravi/phone"), await connect("mallory/phone")];
    const device = await made();
    const within = await device.ask();
    const offer = await ravi.client.linking.offer(device.code);
    await mallory.client.linking.confirm(offer, PASSWORD);
    expect(await reasonOf(() => ravi.client.linking.confirm(offer, PASSWORD))).toBe("used");
    expect(await reasonOf(() => ravi.client.linking.offer(device.code))).toBe("used");
    const { confirmation } = await device.confirmed(within, undefined, QUICK);
    expect(confirmation.user).toBe(user("mallory"));
  });

  test("is of no use without the password, and stays good", async () => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    await device.ask();
    const offer = await ravi.client.linking.offer(device.code);
    const wrong = ravi.client.linking.confirm(offer, "wrong");
    await expect(wrong).rejects.toMatchObject({ status: 401 });
    expect(await reasonOf(() => device.confirmed(0, undefined, QUICK, 0))).toBe("expired");
    await ravi.client.linking.confirm(offer, PASSWORD);
  });

  test.each(["used", "expired", "here"] as const)("that is %s causes no sign-in", async (ended) => {
    const [ravi, mallory] = [await connect("ravi/phone"), await connect("mallory/phone")];
    const device = await made(ended === "here" ? "phone" : "web");
    if (ended !== "expired") await device.ask();
    if (ended === "used") await mallory.client.linking.confirm(device.offer, PASSWORD);
    let signIns = 0;
    backend.lies.set("POST sign-in", (truth) => {
      signIns += 1;
      return truth;
    });
    expect(await reasonOf(() => ravi.client.linking.confirm(device.offer, PASSWORD))).toBe(ended);
    expect(signIns).toBe(0);
  });

  test.each([404, 409, 503])("that fails with a %i ends the sign-in for it", async (status) => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    await device.ask();
    let refresh = "";
    backend.lies.set("POST sign-in", (truth) => {
      refresh = String(truth.refresh_token);
      return truth;
    });
    backend.lies.set("POST links", () => [status, { error: { code: "some", message: "no" } }]);
    await expect(ravi.client.linking.confirm(device.offer, PASSWORD)).rejects.toThrow();
    const body = JSON.stringify({ refresh_token: refresh });
    const renewed = await fetch("/api/token", { method: "POST", body });
    expect([refresh === "", renewed.status]).toEqual([false, 401]);
  });

  test("confirmed at the last moment is found after it", async () => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    await device.ask();
    const offer = await ravi.client.linking.offer(device.code);
    let asked = 0;
    backend.lies.set("GET links", (truth) => {
      asked += 1;
      return truth;
    });
    const waiting = device.confirmed(0, undefined, QUICK);
    await until(() => asked > 0); // without success
    await ravi.client.linking.confirm(offer, PASSWORD);
    expect((await waiting).confirmation.user).toBe(user("ravi"));
  });

  test("is waited for until it ends, and for no longer where no end is given", async () => {
    const device = await made(); // which has shown no code
    expect(await reasonOf(() => device.confirmed(1_000_000))).toBe("expired");
    let asked = 0;
    backend.lies.set("GET links", () => {
      asked += 1;
      return [503, {}];
    });
    expect(await reasonOf(() => device.confirmed(0, undefined, QUICK, 20))).toBe("expired");
    expect(asked).toBeGreaterThan(0);
  });

  test("is waited for no longer once the page has given up", async () => {
    const device = await made();
    const within = await device.ask();
    const stop = new AbortController();
    let asked = 0;
    backend.lies.set("GET links", (truth) => {
      asked += 1;
      stop.abort();
      return asked === 1 ? truth : [404, {}];
    });
    expect(await reasonOf(() => device.confirmed(within, stop.signal, QUICK))).toBe("expired");
    expect(asked).toBe(1);
  });

  test("is waited for while there is no network", async () => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    const within = await device.ask();
    await ravi.client.linking.confirm(device.offer, PASSWORD);
    let asked = 0;
    backend.lies.set("GET links", (truth) => {
      asked += 1;
      if (asked < 5) throw new TypeError("the network is gone"); // more often than one call tries
      return truth;
    });
    const { confirmation } = await device.confirmed(within, undefined, QUICK);
    expect(confirmation.user).toBe(user("ravi"));
  });

  test("whose confirmation was received, but not the response, was used by nobody else", async () => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    const within = await device.ask();
    const offer = await ravi.client.linking.offer(device.code);
    const responses: unknown[] = [];
    backend.lies.set("POST links", (truth) => {
      responses.push(truth);
      return responses.length === 1 ? [503, truth] : truth;
    });
    await ravi.client.linking.confirm(offer, PASSWORD);
    expect(responses).toEqual([{ confirmed: true }, { confirmed: true }]);
    const { confirmation } = await device.confirmed(within, undefined, QUICK);
    expect(confirmation.user).toBe(user("ravi"));
  });

  test("expires", async () => {
    const ravi = await connect("ravi/phone");
    const device = await made();
    await device.ask();
    backend.later(121_000);
    expect(await reasonOf(() => ravi.client.linking.offer(device.code))).toBe("expired");
    expect(await reasonOf(() => device.confirmed(9_000, undefined, QUICK))).toBe("expired");
  });

  test("that was never shown is as one that has expired", async () => {
    const ravi = await connect("ravi/phone");
    expect(await reasonOf(() => ravi.client.linking.offer("A".repeat(32)))).toBe("expired");
  });

  test.each(["label", "device", "oneTimeKey", "ed25519", "curve25519"] as const)(
    "does not fit an offer with another %s",
    async (field) => {
      const { offer, code } = await made();
      const changed: Offer = { ...offer, [field]: "A".repeat(43) };
      expect(await codeOf(changed)).not.toBe(code);
    },
  );

  test("shows a backend that gives other keys", async () => {
    const ravi = await connect("ravi/phone");
    const [device, other] = [await made(), await made("other")];
    await device.ask();
    await other.ask();
    const { curve25519, ed25519 } = other.offer;
    backend.lies.set("GET links", (truth) => ({ ...truth, keys: { curve25519, ed25519 } }));
    expect(await reasonOf(() => ravi.client.linking.offer(device.code))).toBe("false");
  });
});

describe("the message", () => {
  test("is for one device, by one device", async () => {
    const ravi = await connect("ravi/phone");
    const [device, other] = [await made(), await made("other")];
    await letIn(device, ravi);
    const response = await fetch(`/api/links/${device.code}/confirmation`, { method: "GET" });
    const { curve25519, message } = (await response.json()) as Record<string, string>;
    const opens = (by: NewDevice, sender = "") =>
      reasonOf(async () => by.opened(sender, message ?? ""));
    expect(await opens(other, curve25519)).toBe("false");
    expect(await opens(device, other.offer.curve25519)).toBe("false");
  });

  test("is not taken twice by one store", async () => {
    const ravi = await connect("ravi/phone");
    const linked = await letIn(await made(), ravi);
    const name = databaseOf(user("ravi"), "web");
    await linked.install(name);
    await expect(linked.install(name)).rejects.toThrow("has keys already");
  });
});

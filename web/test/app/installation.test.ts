/** Which device this browser is, and that nothing of one that is gone stays. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  browserName,
  deleteDatabases,
  forgetInstalled,
  installed,
  isInstalled,
  keysAreThere,
  markInstalled,
  newDevice,
  pageDatabaseOf,
} from "../../src/app/model/installation.ts";
import { chooseTheme, theme } from "../../src/app/model/theme.ts";
import { databaseOf } from "../../src/client/index.ts";

const OF = { user: "raju", device: "web-1" };
const stored = new Map<string, string>();

beforeEach(() => {
  stored.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
});
afterEach(() => vi.unstubAllGlobals());

async function made(name: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const request = indexedDB.open(name, 1);
    request.onsuccess = () => {
      request.result.close();
      resolve();
    };
  });
}

const databases = async () =>
  (await indexedDB.databases()).flatMap(({ name }) => (name?.includes("raju/web-1") ? name : []));

test("a browser is one device, until it is none", () => {
  expect(installed()).toBeUndefined();
  markInstalled(OF);
  expect(installed()).toEqual(OF);
  expect(isInstalled(OF)).toBe(true);
  expect(isInstalled({ ...OF, device: "web-2" })).toBe(false);
  expect(isInstalled({ ...OF, user: "ravi" })).toBe(false);
  forgetInstalled();
  expect([installed(), isInstalled(OF)]).toEqual([undefined, false]);
});

test.each(["", "no JSON", "{}", '{"user":"raju"}', '{"user":"raju","device":1}', "[]"])(
  "a marker %j is as if there were none",
  (text) => {
    stored.set("switchboard.device", text);
    expect(installed()).toBeUndefined();
  },
);

test("all of a device is deleted, and nothing of one whose name begins as its name does", async () => {
  const own = databaseOf(OF.user, OF.device);
  const others = [`${own}0`, `${own}0/page`];
  for (const name of [own, `${own}/uploads`, pageDatabaseOf(OF), ...others]) await made(name);
  expect(await keysAreThere(OF)).toBe(true);
  await deleteDatabases(OF);
  expect(await keysAreThere(OF)).toBe(false);
  expect((await databases()).sort()).toEqual(others);
  await deleteDatabases({ ...OF, device: "web-10" });
  expect(await databases()).toEqual([]);
});

test("a new device has a name that a device may have, and each another one", () => {
  const names = Array.from({ length: 50 }, newDevice);
  for (const name of names) expect(name).toMatch(/^web-[0-9a-f]{8}$/);
  expect(new Set(names).size).toBe(names.length);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
  ["Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
  ["Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"],
  ["curl/8.0", "A browser on a computer"],
])("%s calls itself %s", (agent, name) => {
  expect(browserName(agent)).toBe(name);
});

test("the page is light or dark as was chosen, and else as the system", () => {
  const dataset: Record<string, string> = {};
  vi.stubGlobal("document", { documentElement: { dataset } });
  expect(theme()).toBe("auto");
  chooseTheme("dark");
  expect([theme(), dataset.theme]).toEqual(["dark", "dark"]);
  stored.set("switchboard.theme", "of a later version");
  expect(theme()).toBe("auto");
});

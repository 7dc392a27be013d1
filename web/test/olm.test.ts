/** libolm, where it does not do what one would expect of a library. */

import { expect, test, vi } from "vitest";

test("what could not be loaded is asked for again, and not only after a reload", async () => {
  vi.resetModules(); // a page that has not loaded it yet
  const { loadRatchets } = await import("../src/client/crypto/olm.ts");
  const answers = [new Response(null, { status: 503 }), new Response(await olmWasm())];
  vi.stubGlobal("fetch", async () => answers.shift());
  const key = new Uint8Array(32);
  await expect(loadRatchets(key, "/olm.wasm")).rejects.toThrow(/503/);
  const ratchets = await loadRatchets(key, "/olm.wasm");
  expect(ratchets.identityKeys(ratchets.newAccount()).ed25519).toHaveLength(43);
  vi.unstubAllGlobals();
});

async function olmWasm(): Promise<Buffer<ArrayBuffer>> {
  const { readFile } = await import("node:fs/promises");
  const { createRequire } = await import("node:module");
  return readFile(createRequire(import.meta.url).resolve("@matrix-org/olm/olm.wasm"));
}

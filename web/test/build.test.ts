/** The page as it is built. */

import { build } from "vite";
import { expect, test } from "vitest";

test("the licence of what is built in lies beside it", async () => {
  const built = await build({
    root: "check",
    configFile: "vite.config.ts",
    logLevel: "error",
    build: { write: false },
  });
  if (!("output" in built)) throw new Error("it was not built once");
  const sources = new Map(
    built.output.map((file) => [file.fileName, file.type === "asset" ? file.source : file.code]),
  );
  const notices = String(sources.get("third-party-notices.txt"));
  expect([...sources.keys()].some((name) => name.endsWith(".wasm"))).toBe(true);
  expect(notices).toContain("@matrix-org/olm");
  expect(notices).toContain("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION");
});

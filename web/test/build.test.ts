/** The pages as they are built. */

import { gzipSync } from "node:zlib";
import { build } from "vite";
import { beforeAll, describe, expect, test } from "vitest";

async function built(root: string): Promise<Map<string, string | Uint8Array>> {
  const result = await build({
    root,
    configFile: "vite.config.ts",
    logLevel: "error",
    build: { write: false },
  });
  if (!("output" in result)) throw new Error("it was not built once");
  return new Map(
    result.output.map((file) => [file.fileName, file.type === "asset" ? file.source : file.code]),
  );
}

describe("what is built", { tags: "deep" }, () => {
  let app: Awaited<ReturnType<typeof built>>;
  beforeAll(async () => {
    app = await built("src/app");
  });

  test("the licences of what is in the page lie beside it", async () => {
    const notices = String(app.get("third-party-notices.txt"));
    for (const one of ["@matrix-org/olm", "contains lit", "BSD 3-Clause", "Paul Miller"]) {
      expect(notices).toContain(one);
    }
  });

  test("licences of what is not in the page do not lie beside it", async () => {
    const files = await built("check");
    const notices = String(files.get("third-party-notices.txt"));
    expect([...files.keys()].some((name) => name.endsWith(".wasm"))).toBe(true);
    expect(notices).toContain("@matrix-org/olm");
    expect(notices).toContain("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION");
    expect(notices).not.toContain("BSD");
  });

  test("the first load has at most 200 KB, gzipped, besides the wasm", async () => {
    const loaded = [...app].filter(([name]) => !/\.(wasm|txt)$/.test(name));
    const bytes = loaded.map(([, content]) => gzipSync(content).length);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(200_000);
    expect(loaded.length).toBeGreaterThanOrEqual(3);
  });

  test("the page has no script and no style of its own, which a strict policy would block", async () => {
    const page = String(app.get("index.html"));
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/);
    for (const [script] of page.matchAll(/<script[^>]*>/g)) expect(script).toContain(" src=");
  });
});

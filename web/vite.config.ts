import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const near = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** What the built page carries of others', and under which terms: beside it, as those ask for. */
function notices(): Plugin {
  const { version } = JSON.parse(near("node_modules/@matrix-org/olm/package.json"));
  const licence = near("../LICENSE"); // the same one
  const source = `This page contains olm.js and olm.wasm of @matrix-org/olm ${version}, unchanged but
for minification: https://gitlab.matrix.org/matrix-org/olm/-/tree/${version}

They are licensed under the Apache License, Version 2.0:
${licence}`;
  return {
    name: "third-party-notices",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "third-party-notices.txt", source });
    },
  };
}

const TESTS = "test/**/*.test.ts";
const OLM = "test/olm.test.ts";

export default defineConfig({
  plugins: [notices()],
  base: "./", // wherever it is served from
  build: {
    target: "es2024",
    assetsInlineLimit: 0, // a policy without data: URLs is a better one
    emptyOutDir: true,
  },
  test: {
    globalSetup: "test/backend-process.ts",
    setupFiles: ["test/setup.ts"],
    testTimeout: 20_000,
    projects: [
      // One process for all files: starting each, and libolm in it, takes longer than most of them.
      { extends: true, test: { name: "client", include: [TESTS], exclude: [OLM], isolate: false } },
      // What it sees happens once in a process.
      { extends: true, test: { name: "olm", include: [OLM] } },
    ],
  },
});

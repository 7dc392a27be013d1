import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const near = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** What a page carries of others', and under which terms: beside it, as those ask for. */
const LIBRARIES = [
  {
    name: "@matrix-org/olm",
    terms: "../LICENSE",
    source: "https://gitlab.matrix.org/matrix-org/olm",
  },
  { name: "lit", terms: "node_modules/lit/LICENSE", source: "https://github.com/lit/lit" },
  {
    name: "qr",
    terms: "node_modules/qr/LICENSE-MIT",
    source: "https://github.com/paulmillr/qr",
  },
];

function notices(): Plugin {
  return {
    name: "third-party-notices",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
      const inside = LIBRARIES.filter(({ name }) =>
        modules.some((id) => id.includes(`/node_modules/${name}/`)),
      );
      const source = inside.map(notice).join("\n\n");
      this.emitFile({ type: "asset", fileName: "third-party-notices.txt", source });
    },
  };
}

function notice({ name, terms, source }: (typeof LIBRARIES)[number]): string {
  const { version, license } = JSON.parse(near(`node_modules/${name}/package.json`));
  return `This page contains ${name} ${version}, unchanged but for minification:
${source}

It is licensed as ${license}:
${near(terms)}`;
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
  // While one works on the page, the API of `make dev` is under its origin.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: {
    globalSetup: "test/backend-process.ts",
    setupFiles: ["test/setup.ts"],
    testTimeout: 200_000,
    // as pytest's mark of this name: not in `make test` (docs/decisions/0062-three-tiers-of-tests.md)
    tags: [{ name: "deep", description: "the long form of what a shorter test shows" }],
    projects: [
      // One process for all files: starting each, and libolm in it, takes longer than most of them.
      { extends: true, test: { name: "client", include: [TESTS], exclude: [OLM], isolate: false } },
      // What it sees happens once in a process.
      { extends: true, test: { name: "olm", include: [OLM] } },
    ],
  },
});

/**
 * Builds the service worker beside the built page, whose files it keeps: `node build/worker.ts <page>`.
 *
 * It is a classic script, which all browsers take, and its name stays: browsers look there for a new
 * one. With WORKER=off it is the one that removes itself.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "vite";
import { filesUnder } from "./files.ts";

const NAME = "worker.js";
/** Files that are not stored: the browser itself fetches them, or nobody does. */
const NOT_KEPT = [NAME, "manifest.webmanifest", "third-party-notices.txt"];

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: worker.ts <page>");
const page = resolve(folder);
const files = filesUnder(page).filter((name) => !NOT_KEPT.includes(name));
const digest = createHash("sha256");
for (const name of files) digest.update(`${name}\0`).update(readFileSync(join(page, name)));
const version = digest.digest("hex").slice(0, 16);

await build({
  configFile: false,
  logLevel: "error",
  define: {
    BUILD: JSON.stringify({
      version,
      files: files.map((name) => (name === "index.html" ? "" : name)),
    }),
  },
  build: {
    target: "es2024",
    outDir: page,
    emptyOutDir: false,
    rolldownOptions: {
      input: process.env.WORKER === "off" ? "src/worker/off.ts" : "src/worker/worker.ts",
      output: { format: "iife", entryFileNames: NAME },
    },
  },
});
if (!existsSync(join(page, NAME))) throw new Error(`there is no ${NAME}`);

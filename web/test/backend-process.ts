/** The real handlers in memory, as one process for all tests: `inject("backend")` is its address. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    backend: string;
  }
}

const ROOT = new URL("../..", import.meta.url).pathname;
// What the template tells each function; Powertools reads it when it is imported.
const VARIABLES = { POWERTOOLS_METRICS_NAMESPACE: "Switchboard/test" };

let stop = async () => {};

export async function setup({ provide }: TestProject): Promise<void> {
  const child = spawn(`${ROOT}.venv/bin/python`, ["-m", "tests.support.backend"], {
    cwd: ROOT,
    env: { ...process.env, ...VARIABLES },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  stop = async () => {
    child.stdin.end();
    await ended;
  };
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the backend ended with ${code}`)));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout });
  const port = new Promise<string>((resolve) => lines.once("line", resolve));
  provide("backend", `127.0.0.1:${await Promise.race([port, failed])}`);
}

export const teardown = () => stop();

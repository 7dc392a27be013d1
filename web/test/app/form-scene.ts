/** What forms ask for, and how that fails. */

import { afterEach, beforeEach, vi } from "vitest";
import { ApiError } from "../../src/client/index.ts";
import { Fields } from "./drawn.ts";

export const UNAUTHORIZED = new ApiError("unauthorized", "no", 401);
export const FORBIDDEN = new ApiError("forbidden", "a temporary one", 403);
export const BAD = new ApiError("bad_request", "weak", 400);

export let asked: string[];
export let failure: Error | undefined;

export function failWith(error: Error | undefined): void {
  failure = error;
}

export const note =
  (what: string) =>
  async (...given: unknown[]) => {
    asked.push(`${what} ${JSON.stringify(given)}`);
    if (failure !== undefined) throw failure;
  };

/** Registers what each test begins and ends with. */
export function asksAnew(): void {
  beforeEach(() => {
    [asked, failure] = [[], undefined];
    vi.stubGlobal("FormData", Fields);
    vi.stubGlobal("addEventListener", () => {});
    vi.stubGlobal("location", { hash: "", origin: "https://chat.example", pathname: "/" });
    vi.stubGlobal("localStorage", { getItem: () => null });
  });
  afterEach(() => vi.unstubAllGlobals());
}

/** What is shown of a user's keys, and what its buttons do. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Session } from "../../src/app/model/session.ts";
import { Verify } from "../../src/app/views/verify.ts";
import { en } from "../../src/app/words/en.ts";
import { Unreachable } from "../../src/client/index.ts";
import { actions, drawn, said } from "./drawn.ts";
import { entry, made, sessionWith, uiOf } from "./view-scene.ts";

let safetyNumber: (user: string) => Promise<{ digits: string; qr: string }>;

beforeEach(() => {
  safetyNumber = async () => ({ digits: "12345 67890", qr: "code" });
});

function viewOf(session: Session, user = "ravi") {
  Object.assign(session.client.verification, { safetyNumber: (of: string) => safetyNumber(of) });
  return made(new Verify(), { ui: uiOf().ui, session, chat: "c1", user });
}

describe("a comparison of emoji", () => {
  const EMOJI = [{ picture: "🐶", name: "Dog" }];

  async function compared(stage: string | undefined, more: object = {}, device: object = {}) {
    const comparison = { stage, emoji: EMOJI, reason: undefined, ...more };
    const known = stage && [["ravi/phone", { chat: "c1", comparison }] as const];
    const given = sessionWith([entry("c1")], { comparisons: new Map(known || []) });
    given.session.changedKeys.add("ravi");
    Object.assign(given.session.client, {
      devices: {
        of: async () => [{ device: "phone", verified: false, pending: undefined, ...device }],
      },
    });
    const view = viewOf(given.session);
    view.willUpdate(new Map());
    await vi.waitFor(() => expect(said(view.render())).toContain("12345 67890"));
    return { ...given, view: view.render() };
  }
  const buttons = (view: unknown) =>
    [...drawn(view).matchAll(/<button[^>]*>(.*?)<\/button>/g)].map(([, text]) => text?.trim());

  test.each([
    [undefined, [en.askDevice("phone")]],
    ["requested", [en.cancel]],
    ["asked", [en.accept, en.cancel]],
    ["comparing", [en.theyDiffer, en.theySame, en.cancel]],
    ["confirmed", [en.cancel]],
    ["verified", [en.askDevice("phone")]],
    ["cancelled", [en.askDevice("phone")]],
  ])("that is %s can go on by: %j", async (stage, expected) => {
    const { view } = await compared(stage);
    expect(buttons(view).slice(-expected.length)).toEqual(expected);
    expect(drawn(view).includes("🐶")).toBe(stage === "comparing" || stage === "confirmed");
  });
  test("is decided by what its buttons say", async () => {
    const { view, asked } = await compared("comparing");
    for (const act of actions(view).slice(-3)) act();
    await vi.waitFor(() =>
      expect(asked).toEqual(["ravi/phone false", "ravi/phone true", "cancel ravi/phone"]),
    );
  });
  test("that proves nothing is shown as such, whatever it was that differed", async () => {
    for (const reason of ["mismatched_sas", "mismatched_commitment", "mismatched_mac"]) {
      expect(said((await compared("cancelled", { reason })).view)).toContain(en.stage.mismatch);
    }
    const { view } = await compared("cancelled", { reason: "user" });
    expect(said(view)).not.toContain(en.stage.mismatch);
  });
  test("is not begun with changed keys, which are named and accepted by a button", async () => {
    const pending = { ed25519: "NEWKEY", curve25519: "c" };
    const { view, session, asked } = await compared(undefined, {}, { pending });
    expect(said(view)).toContain("NEWKEY");
    expect(said(view)).toContain(en.keysChanged);
    expect(buttons(view)).not.toContain(en.askDevice("phone"));
    session.changedKeys.add("ravi");
    actions(view)[1]?.();
    await vi.waitFor(() => expect(asked).toEqual(["accept the keys of ravi"]));
    expect(session.changedKeys.has("ravi")).toBe(true); // the directory still shows them
  });
  test.each([
    [{ verified: true }, en.verified],
    [{ verified: false }, en.notVerified],
    [{ verified: true, pending: { ed25519: "NEWKEY" } }, en.keysChanged],
  ])("is with a device that is shown with its trust: %#", async (device, expected) => {
    const { view, session } = await compared(undefined, {}, device);
    expect(said(view)).toContain(`phone ${expected}`);
    expect(session.changedKeys.has("ravi")).toBe("pending" in device);
  });
});

describe("who goes on to another user", () => {
  const numbers: Record<string, string> = { ravi: "11111", meena: "22222" };

  function opened() {
    const { session } = sessionWith([entry("c1")]);
    const of = async (user: string) => [{ device: `of_${user}`, pending: undefined }];
    Object.assign(session.client, { devices: { of } });
    const view = viewOf(session);
    const go = (user: string) => {
      view.user = user;
      view.willUpdate(new Map());
    };
    return { go, text: () => said(view.render()) };
  }

  test("sees nothing of the one before, also where nothing can be asked", async () => {
    safetyNumber = async (user) => ({ digits: numbers[user] ?? "", qr: "code" });
    const { go, text } = opened();
    go("ravi");
    await vi.waitFor(() => expect(text()).toContain("11111"));
    safetyNumber = async () => {
      throw new Unreachable("no network");
    };
    go("meena");
    expect(text()).not.toMatch(/11111|of_ravi/);
    await vi.waitFor(() => expect(text()).toContain(en.unreachable));
    expect(text()).not.toContain("11111");
  });
  test("sees nothing that comes late of the one before", async () => {
    const late = Promise.withResolvers<void>();
    const asked = vi.fn();
    safetyNumber = async (user) => {
      asked(user);
      if (user === "ravi") await late.promise;
      return { digits: numbers[user] ?? "", qr: "code" };
    };
    const { go, text } = opened();
    go("ravi");
    await vi.waitFor(() => expect(asked).toHaveBeenCalledWith("ravi"));
    go("meena");
    await vi.waitFor(() => expect(text()).toContain("22222"));
    late.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    expect(text()).toContain("22222");
    expect(text()).toContain("of_meena");
  });
});

/** A browser that shows a code to be linked by: which attempt counts, and what its pane says. */

import { afterEach, expect, test, vi } from "vitest";
import { BeingLinked } from "../../src/app/model/being-linked.ts";
import type { Session } from "../../src/app/model/session.ts";
import { isUnauthorized } from "../../src/app/model/signing-in.ts";
import { LinkingView } from "../../src/app/views/linking.ts";
import { en } from "../../src/app/words/en.ts";
import { ApiError, type Linked, type NewDevice, Removed } from "../../src/client/index.ts";
import { drawn, press, said, settled } from "./drawn.ts";
import { made, uiOf } from "./view-scene.ts";

afterEach(() => vi.useRealTimers());

const LINKED = { confirmation: { user: "raju", by: "raju/phone" } } as Linked;

/** Devices in the order in which they are made; `signals` says which still wait. */
function scene() {
  const signals: AbortSignal[] = [];
  const confirmations: PromiseWithResolvers<Linked>[] = [];
  const make = async () => {
    const confirmation = Promise.withResolvers<Linked>();
    confirmations.push(confirmation);
    return {
      code: `CODE${confirmations.length}`,
      ask: async () => 60_000,
      confirmed: (_: number, signal: AbortSignal) => {
        signals.push(signal);
        return confirmation.promise;
      },
    } as unknown as NewDevice;
  };
  return { make, signals, confirmations };
}

test("another code takes the place of the one before, which counts no more", async () => {
  const { make, signals, confirmations } = scene();
  const linking = new BeingLinked(make);
  void linking.begin();
  await settled();
  void linking.begin();
  await settled();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  confirmations[0]?.resolve(LINKED);
  await settled();
  expect(linking.now).toMatchObject({ at: "shown", code: "CODE2" });
  confirmations[1]?.resolve(LINKED);
  await settled();
  expect(linking.now).toEqual({ at: "confirmed", linked: LINKED });
});

test("who is let in agrees first; what fails then is shown, and nothing waits once the pane has gone", async () => {
  vi.useFakeTimers();
  const { make, signals, confirmations } = scene();
  const enterLinked = async () => Promise.reject(new TypeError("away"));
  const page = uiOf();
  Object.assign(page.ui, { app: { newDevice: make, enterLinked } });
  const view = made(new LinkingView(), { ui: page.ui, session: {} as Session, back: () => {} });
  view.connectedCallback();
  await settled();
  expect(said(view.render())).toContain("CODE 1");
  confirmations[0]?.resolve(LINKED);
  await settled();
  press(view.render(), en.thatIsMe);
  expect(drawn(view.render()).match(/\?disabled=true/g)).toHaveLength(2); // nor is it rejected now
  await settled();
  expect(said(view.render())).toContain(en.failed("away"));
  expect(drawn(view.render())).toContain("?disabled=false");
  view.disconnectedCallback();
  expect([signals[0]?.aborted, vi.getTimerCount()]).toEqual([true, 0]);
});

test.each([
  [new ApiError("unauthorized", "", 401), true],
  [new Removed("gone"), true],
  [new ApiError("forbidden", "", 403), false],
  [new ApiError("bad_request", "of a firewall", 401), false],
  [new Error("away"), false],
])("%s is a sign-in that was not accepted: %s", (error, is) => {
  expect(isUnauthorized(error)).toBe(is);
});

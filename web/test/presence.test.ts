/** When a watched user is asked about again, and where typing is said. */

import { expect, test } from "vitest";
import { PresencePlan } from "../src/client/core/presence.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";

test("who writes and is listed as offline is asked about again, once a minute", () => {
  const presence = new PresencePlan(DEFAULTS, () => 0.5);
  presence.watch(0, ["ravi"]);
  expect(presence.wrote(0, "ravi")).toEqual([]); // without a connection
  presence.opened(1_000);
  const again = [{ action: "watch", users: ["ravi"] }];
  const asked = [2_000, 61_999, 62_000].map((at) => presence.wrote(at, "ravi"));
  expect(asked).toEqual([again, [], again]);
  expect(presence.wrote(200_000, "raju")).toEqual([]); // nobody watches raju
  presence.seen("ravi", true);
  expect(presence.wrote(200_000, "ravi")).toEqual([]);
  presence.seen("ravi", false);
  expect(presence.wrote(200_000, "ravi")).toEqual(again);
});

test("typing is sent once in three seconds, and not where the backend shows it to nobody", () => {
  const presence = new PresencePlan(DEFAULTS, () => 0.5);
  expect(presence.typing(0, "c", 2)).toEqual([]); // without a connection
  presence.opened(1_000);
  const said = [2_000, 4_999, 5_000].map((at) => presence.typing(at, "c", 2).length);
  expect(said).toEqual([1, 0, 1]);
  const sizes = [0, 256, 257, 1_024].map(
    (size) => presence.typing(9_000, `of-${size}`, size).length,
  );
  expect(sizes).toEqual([1, 1, 0, 0]); // 0: its members are not known yet
});

test("watches that got an error are all renewed after a growing pause", () => {
  const presence = new PresencePlan(DEFAULTS, () => 0.5);
  presence.failed(0); // nobody is watched
  presence.watch(0, ["ravi"]);
  presence.opened(0);
  expect(presence.nextDue()).toBe(0);
  let now = 0;
  const pauses: number[] = [];
  for (let times = 0; times < 10; times++) {
    expect(presence.due(now)).toEqual([{ action: "watch", users: ["ravi"] }]);
    for (let frame = 0; frame < 3; frame++) presence.failed(now); // of several that were sent together
    const at = presence.nextDue() ?? Number.NaN;
    pauses.push((at - now) / 1_000);
    now = at;
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
  presence.due(now);
  presence.due(now + 240_000); // there was no error since
  presence.failed(now + 240_000, 30_000);
  expect(presence.nextDue()).toBe(now + 270_000);
});

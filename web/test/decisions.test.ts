/** What is decided without I/O: sessions, rotation, identities, requests, keys. */

import { describe, expect, test } from "vitest";
import {
  LIFETIME_MS,
  lacking,
  MESSAGES,
  type OutboundGroup,
  wornOut,
} from "../src/core/crypto/group-session.ts";
import { accepted, held, type KnownDevice, recognise } from "../src/core/crypto/identity.ts";
import { toMake } from "../src/core/crypto/one-time-keys.ts";
import { parseMegolm, parseOlm } from "../src/core/crypto/payload.ts";
import { mayHaveCopy, nextAsk } from "../src/core/crypto/requests.ts";
import {
  byUse,
  KEPT,
  next,
  type OlmSession,
  superfluous,
  toEncrypt,
} from "../src/core/crypto/sessions.ts";
import { DEFAULTS } from "../src/core/protocol/settings.ts";

function session(id: string, made: number, opened = 0): OlmSession {
  return { chat: "c", device: "raju/phone", id, pickle: "", made, opened };
}

describe("which Olm session", () => {
  test("the one that last opened something is written to", () => {
    expect(toEncrypt([session("a", 1, 4), session("b", 2, 3), session("c", 5)])?.id).toBe("a");
  });
  test("before any opened something, the newest is", () => {
    expect(toEncrypt([session("a", 1), session("b", 2)])?.id).toBe("b");
    expect(toEncrypt([])).toBeUndefined();
  });
  test("of more than five the longest unused goes, and a new one never does", () => {
    const five = [1, 2, 3, 4, 5].map((n) => session(String(n), n));
    const fresh = session("new", next(five));
    expect(superfluous([...five, fresh]).map(({ id }) => id)).toEqual(["1"]);
    expect(superfluous(five)).toHaveLength(0);
    expect(byUse([...five, fresh])).toHaveLength(KEPT + 1);
  });
});

describe("when a Megolm session is replaced", () => {
  const readers = new Map([
    ["raju/phone", "key1"],
    ["raju/laptop", "key2"],
  ]);
  const group: OutboundGroup = {
    chat: "c",
    id: "s",
    pickle: "",
    madeAt: 1_000,
    messages: 0,
    shared: { "raju/phone": "key1" },
  };
  test.each([
    ["it is fresh", group, readers, false],
    ["100 messages were sent with it", { ...group, messages: MESSAGES }, readers, true],
    ["it is seven days old", { ...group, madeAt: 1_000 - LIFETIME_MS }, readers, true],
    ["somebody who has its key left", group, new Map([["raju/laptop", "key2"]]), true],
    ["somebody who has its key is another now", group, new Map([["raju/phone", "key9"]]), true],
    ["somebody came", group, new Map([...readers, ["mira/phone", "key3"]]), false],
  ])("%s", (_, session, audience, expected) => {
    expect(wornOut(session, audience, 1_000)).toBe(expected);
  });
  test("whoever came later lacks the key", () => {
    expect(lacking(group, readers)).toEqual(["raju/laptop"]);
    expect(lacking(undefined, readers)).toHaveLength(2);
  });
});

describe("what is remembered of others", () => {
  const keys = (name: string) => ({ curve25519: `c-${name}`, ed25519: `e-${name}` });
  const known = (device: string, verified = false): KnownDevice => ({
    user: "raju",
    device,
    keys: keys(device),
    pending: undefined,
    verified,
  });

  test("the first identity seen is trusted, and not announced", () => {
    const { changed, changes } = recognise("raju", [], new Map([["phone", keys("phone")]]));
    expect(changed).toEqual([known("phone")]);
    expect(changes).toEqual([]);
  });
  test("a new device of a known user is announced, and sent to", () => {
    const listed = new Map([
      ["phone", keys("phone")],
      ["laptop", keys("laptop")],
    ]);
    const { changed, changes } = recognise("raju", [known("phone")], listed);
    expect(changed).toEqual([known("laptop")]);
    expect(changes).toEqual([{ device: "laptop", what: "added" }]);
  });
  test("a verified user's new device waits, although the verified one is not listed any more", () => {
    const listed = new Map([["laptop", keys("laptop")]]);
    const { changed, changes } = recognise("raju", [known("phone", true)], listed);
    expect(changed[0]).toMatchObject({ keys: undefined, pending: keys("laptop") });
    expect(changes).toEqual([{ device: "laptop", what: "new" }]);
    expect(held([known("phone", true), ...changed], listed.keys())).toBe(true);
  });
  test("another identity holds the user, is told once, and passes when it turns back", () => {
    const other = new Map([["phone", keys("other")]]);
    const first = recognise("raju", [known("phone")], other);
    expect(first.changes).toEqual([{ device: "phone", what: "changed" }]);
    expect(held(first.changed, other.keys())).toBe(true);
    expect(recognise("raju", first.changed, other).changes).toEqual([]);
    const back = recognise("raju", first.changed, new Map([["phone", keys("phone")]]));
    expect(back.changed).toEqual([known("phone")]);
  });
  test("a device that went and came back as another is a changed one", () => {
    const gone = recognise("raju", [known("phone")], new Map());
    expect(gone.changed).toEqual([]);
    const back = recognise("raju", [known("phone")], new Map([["phone", keys("other")]]));
    expect(back.changes).toEqual([{ device: "phone", what: "changed" }]);
  });
  test("accepting takes the keys that are shown, unverified", () => {
    const row = { ...known("phone", true), pending: keys("other") };
    expect(accepted([row, known("laptop")])).toEqual([
      { ...known("phone"), keys: keys("other"), verified: false },
    ]);
  });
});

describe("asking again", () => {
  test("three times, at growing intervals", () => {
    const times = [0, 1, 2, 3].map((asked) => nextAsk(asked, 1_000, DEFAULTS.askAfter));
    expect(times).toEqual([4_000, 61_000, 601_000, undefined]);
  });
  test.each([
    ["a member of then", { seq: 5, copies: {} }, true],
    ["a message that is not accepted", { seq: undefined, copies: {} }, false],
    ["three copies already", { seq: 5, copies: { "raju/phone": 3 } }, false],
    ["before the member came", { seq: 4, copies: {} }, false],
  ])("a copy for %s", (_, sent, expected) => {
    const chat = { members: new Set(["ravi", "raju"]), joinedAfter: { raju: 4 } };
    expect(mayHaveCopy(sent, "raju/phone", chat)).toBe(expected);
  });
  test("nobody who has left gets a copy", () => {
    const chat = { members: new Set(["ravi"]), joinedAfter: {} };
    expect(mayHaveCopy({ seq: 5, copies: {} }, "raju/phone", chat)).toBe(false);
  });
});

test.each([
  [0, 0, 50],
  [19, 0, 31],
  [20, 0, 0],
  [0, 50, 0],
  [5, 30, 15],
])("with %i keys left and %i unconfirmed, %i are made", (remaining, waiting, made) => {
  expect(toMake(remaining, waiting)).toBe(made);
});

test("payloads that are none are told from those that are", () => {
  expect(parseOlm("0.AAAA")).toEqual({ type: 0, body: "AAAA" });
  for (const bad of ["", "2.AAAA", "0.", "0.A=", "0.A.B", "hello"]) {
    expect(parseOlm(bad)).toBeUndefined();
  }
  expect(parseMegolm("AB/+.CD")).toEqual({ sessionId: "AB/+", body: "CD" });
  expect(parseMegolm("AB")).toBeUndefined();
});

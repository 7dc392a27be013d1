/** What is decided without I/O: sessions, rotation, identities, requests, keys. */

import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { toMake } from "../src/client/crypto/account.ts";
import { parseMegolm, parseOlm } from "../src/client/crypto/envelope.ts";
import {
  agreed,
  authorsOf,
  blocked,
  type KnownDevice,
  recognise,
} from "../src/client/crypto/identities.ts";
import {
  askedAgain,
  LIFETIME_MS,
  lacking,
  MESSAGES,
  type OutboundGroup,
  rejectedFor,
  sharedWith,
  used,
  wornOut,
} from "../src/client/crypto/rotation.ts";
import {
  byUse,
  KEPT,
  next,
  type OlmSession,
  superfluous,
  toEncrypt,
} from "../src/client/crypto/sessions.ts";
import { mayAskFor, mayHaveCopy, nextAsk } from "../src/client/crypto/to-device.ts";

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
    again: [],
    refused: [],
  };
  test.each([
    ["it is fresh", group, readers, false],
    ["100 messages were sent with it", { ...group, messages: MESSAGES }, readers, true],
    ["it is seven days old", { ...group, madeAt: 1_000 - LIFETIME_MS }, readers, true],
    ["the clock was set back", { ...group, madeAt: 1_001 }, readers, true],
    ["somebody who has its key left", group, new Map([["raju/laptop", "key2"]]), true],
    ["somebody who has its key is another now", group, new Map([["raju/phone", "key9"]]), true],
    ["somebody came", group, new Map([...readers, ["mira/phone", "key3"]]), false],
  ])("%s", (_, session, audience, expected) => {
    expect(wornOut(session, audience, 1_000)).toBe(expected);
  });
  test("who asks for the key again gets it again, and has it all the while", () => {
    const asked = askedAgain(askedAgain(group, "raju/phone"), "raju/phone");
    expect(asked.again).toEqual(["raju/phone"]);
    expect(askedAgain(group, "mira/phone")).toEqual(group);
    expect(lacking(asked, readers)).toEqual(["raju/phone", "raju/laptop"]);
    expect(wornOut(asked, readers, 1_000)).toBe(false);
    expect(wornOut(asked, new Map([["raju/laptop", "key2"]]), 1_000)).toBe(true);
    const shared = sharedWith(asked, readers);
    expect(lacking(shared, readers)).toEqual([]);
    expect(shared.again).toEqual([]);
  });
  test("who could not be sent the key is sent it ahead of the next text but one", () => {
    const rejected = rejectedFor(group, ["raju/phone", "mira/phone"]);
    expect(lacking(rejected, readers)).toEqual(["raju/laptop"]);
    expect(wornOut(rejected, new Map([["raju/laptop", "key2"]]), 1_000)).toBe(true);
    const next = used(rejected, "pickle");
    expect(next).toMatchObject({ pickle: "pickle", messages: 1, refused: [] });
    expect(lacking(next, readers)).toEqual(["raju/phone", "raju/laptop"]);
    expect(sharedWith(rejected, readers).refused).toEqual([]);
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
    trustedAt: 7,
  });

  test("the first identity seen is trusted, and not announced", () => {
    const { changed, changes } = recognise("raju", [], new Map([["phone", keys("phone")]]), 7);
    expect(changed).toEqual([known("phone")]);
    expect(changes).toEqual([]);
  });
  test("a new device of a known user is announced, and sent to", () => {
    const listed = new Map([
      ["phone", keys("phone")],
      ["laptop", keys("laptop")],
    ]);
    const { changed, changes } = recognise("raju", [known("phone")], listed, 7);
    expect(changed).toEqual([known("laptop")]);
    expect(changes).toEqual([{ device: "laptop", what: "added" }]);
  });
  test("an own device is announced although no other was known: the first one is this one", () => {
    const listed = new Map([["laptop", keys("laptop")]]);
    const { changed, changes } = recognise("raju", [], listed, 7, { own: true });
    expect(changed).toEqual([known("laptop")]);
    expect(changes).toEqual([{ device: "laptop", what: "added" }]);
  });
  test("a verified user's new device waits, although the verified one is not listed any more", () => {
    const listed = new Map([["laptop", keys("laptop")]]);
    const { changed, changes } = recognise("raju", [known("phone", true)], listed, 7);
    expect(changed[0]).toMatchObject({ keys: undefined, pending: keys("laptop") });
    expect(changes).toEqual([{ device: "laptop", what: "new" }]);
    expect(blocked([known("phone", true), ...changed], listed.keys())).toBe(true);
  });
  test("another identity holds the user, is reported once, and passes when it turns back", () => {
    const other = new Map([["phone", keys("other")]]);
    const first = recognise("raju", [known("phone")], other, 7);
    expect(first.changes).toEqual([{ device: "phone", what: "changed" }]);
    expect(blocked(first.changed, other.keys())).toBe(true);
    expect(recognise("raju", first.changed, other, 7).changes).toEqual([]);
    const back = recognise("raju", first.changed, new Map([["phone", keys("phone")]]), 7);
    expect(back.changed).toEqual([known("phone")]);
    const third = recognise("raju", first.changed, new Map([["phone", keys("third")]]), 7);
    expect(third.changed).toMatchObject([{ keys: keys("phone"), pending: keys("third") }]);
    expect(third.changes).toEqual(first.changes);
  });
  test("a device that went and came back as another is a changed one", () => {
    const gone = recognise("raju", [known("phone")], new Map(), 7);
    expect(gone.changed).toEqual([]);
    const back = recognise("raju", [known("phone")], new Map([["phone", keys("other")]]), 7);
    expect(back.changes).toEqual([{ device: "phone", what: "changed" }]);
  });
  describe("former identities", () => {
    const was = (device: string, name: string, until = 1) => ({ device, keys: keys(name), until });
    const listed = new Map([["phone", keys("phone")]]);
    test("a device that is gone is remembered by its last one, and announced where the user is known", () => {
      const former = [was("tablet", "older", 1), was("tablet", "tablet", 2)];
      const first = recognise("raju", [], listed, 7, { former });
      const gone = { ...known("tablet"), former: [keys("older")] };
      expect(first).toEqual({ changed: [known("phone"), gone], changes: [] });
      const later = recognise("raju", [known("phone")], listed, 7, { former });
      expect(later).toEqual({ changed: [gone], changes: [{ device: "tablet", what: "added" }] });
      expect(blocked(later.changed, listed.keys())).toBe(false);
    });
    test("of a device that is seen for the first time they count, of a known one they do not", () => {
      const former = [was("phone", "older")];
      const [row] = recognise("raju", [], listed, 7, { former }).changed;
      expect(row).toEqual({ ...known("phone"), former: [keys("older")] });
      expect(recognise("raju", [known("phone")], listed, 7, { former }).changed).toEqual([]);
    });
    test("of a verified user's devices none counts, and none holds anything", () => {
      const former = [was("tablet", "tablet")];
      const { changed, changes } = recognise("raju", [known("phone", true)], listed, 7, { former });
      expect(changed).toMatchObject([{ device: "tablet", keys: undefined }]);
      expect(changes).toEqual([]);
      expect(blocked(changed, listed.keys())).toBe(false);
    });
    test("what was trusted before another identity was accepted is one", () => {
      const row = { ...known("phone"), pending: keys("other") };
      const now = agreed(row, keys("other"), 9);
      expect(now).toMatchObject({ keys: keys("other"), former: [keys("phone")] });
      expect(now && authorsOf(now)).toEqual([
        { keys: keys("other"), former: false },
        { keys: keys("phone"), former: true },
      ]);
      const back = agreed({ ...row, ...now, pending: keys("phone") }, keys("phone"), 9);
      expect(back && authorsOf(back)).toEqual([
        { keys: keys("phone"), former: false },
        { keys: keys("other"), former: true },
      ]);
    });
  });
  test("agreeing takes the keys that were shown, unverified, and no others", () => {
    const row = { ...known("phone", true), pending: keys("other") };
    const trusted = {
      ...known("phone"),
      former: [keys("phone")],
      keys: keys("other"),
      verified: false,
      accepted: true,
      trustedAt: 9,
    };
    expect(agreed(row, keys("other"), 9)).toEqual(trusted);
    expect(agreed(row, keys("third"), 9)).toBeUndefined();
    expect(agreed(row, keys("phone"), 9)).toBeUndefined();
    expect(agreed(known("laptop"), keys("laptop"), 9)).toEqual(known("laptop"));
  });
});

describe("asking again", () => {
  test("three times, at growing intervals", () => {
    const times = [0, 1, 2, 3].map((asked) => nextAsk(asked, 1_000, DEFAULTS.askAfter));
    expect(times).toEqual([4_000, 61_000, 3_601_000, undefined]);
  });
  const sent = { seq: 5, copies: {}, notFor: [] };
  test.each([
    ["a member of then", sent, true],
    ["a message that is not accepted", { ...sent, seq: undefined }, false],
    ["three copies already", { ...sent, copies: { "raju/phone": 3 } }, false],
    ["before the member came", { ...sent, seq: 4 }, false],
    ["sealed before the member was added", { ...sent, notFor: ["raju"] }, false],
    ["sealed before another member was added", { ...sent, notFor: ["mira"] }, true],
  ])("a copy for %s", (_, sent, expected) => {
    const chat = { members: new Set(["ravi", "raju"]), joinedAfter: new Map([["raju", 4]]) };
    expect(mayHaveCopy(sent, "raju/phone", chat)).toBe(expected);
  });
  test.each([
    ["before the device was known, by a little", 700_000, true],
    ["long before the device was known", 699_999, false],
    ["after that", 2_000_000, true],
    ["not yet", undefined, true],
  ])("what was accepted %s may be asked for: %#", (_, acceptedAt, expected) => {
    expect(mayAskFor(acceptedAt, 1_000_000)).toBe(expected);
  });
  test("a user's name is looked for among the members alone", () => {
    const chat = { members: new Set(["ravi", "constructor"]), joinedAfter: new Map() };
    expect(mayHaveCopy(sent, "constructor/phone", chat)).toBe(true);
    expect(mayHaveCopy(sent, "toString/phone", chat)).toBe(false);
  });
  test("nobody who has left gets a copy", () => {
    const chat = { members: new Set(["ravi"]), joinedAfter: new Map() };
    expect(mayHaveCopy(sent, "raju/phone", chat)).toBe(false);
  });
});

test.each([
  [0, 0, 50],
  [19, 0, 31],
  [20, 0, 0],
  [0, 50, 0],
  [5, 30, 15],
])("with %i keys left and %i unconfirmed, %i are made", (remaining, waiting, made) => {
  expect(toMake(remaining, waiting, DEFAULTS)).toBe(made);
});

test("payloads that are none are distinguished from those that are", () => {
  expect(parseOlm("0.AAAA")).toEqual({ type: 0, body: "AAAA" });
  for (const bad of ["", "2.AAAA", "0.", "0.A=", "0.A.B", "hello"]) {
    expect(parseOlm(bad)).toBeUndefined();
  }
  expect(parseMegolm("AB/+.CD")).toEqual({ sessionId: "AB/+", body: "CD" });
  expect(parseMegolm("AB")).toBeUndefined();
});

/** Which of a pair's sessions is used, which ones are kept, and what begins one. */

import { expect, test } from "vitest";
import type { Self } from "../src/client/crypto/envelope.ts";
import { type KnownDevice, retired } from "../src/client/crypto/identities.ts";
import { RatchetError } from "../src/client/crypto/olm.ts";
import {
  begin,
  byUse,
  KEPT,
  next,
  type OlmSession,
  retireAll,
  retireSessions,
  sessionsWith,
  superfluous,
  toEncrypt,
} from "../src/client/crypto/sessions.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const PEER = "raju/phone";
const session = (id: string, made: number, opened = 0, device = PEER): OlmSession => ({
  ...{ chat: "c", device, id, pickle: "", made, opened },
});
const ids = (sessions: readonly OlmSession[]) => sessions.map(({ id }) => id).join("");

test.each([
  ["the newest before any has opened something", [session("a", 1), session("b", 2)], "b", "ba", 3],
  ["the one that has, before newer ones", [session("a", 1, 3), session("b", 2)], "a", "ab", 4],
  ["the last one that has", [session("a", 1, 5), session("b", 4, 3)], "a", "ab", 6],
  ["nobody's", [], undefined, "", 1],
] as const)("a text is sealed with the session that is %s", (_, sessions, to, tried, number) => {
  expect([toEncrypt(sessions)?.id, ids(byUse(sessions)), next(sessions)]).toEqual([
    to,
    tried,
    number,
  ]);
});

test("five are kept: those that were used last", () => {
  const sessions = ["a", "b", "c", "d", "e", "f"].map((id, n) => session(id, n + 1));
  expect([KEPT, ids(superfluous(sessions.slice(1))), ids(superfluous(sessions))]).toEqual([
    5,
    "",
    "a",
  ]);
  expect(ids(superfluous([session("a", 1, 7), ...sessions.slice(1)]))).toBe("b");
});

test("a session begins with a key that is one, is remembered, and takes the place of the oldest", async () => {
  const store = await Store.open("olm-sessions", tables.VERSION, tables.TABLES);
  let made = 0;
  let failure: Error | undefined = new RatchetError("no key");
  const outbound = () => {
    if (failure !== undefined) throw failure;
    made += 1;
    return { session: "pickle", id: `s${made}` };
  };
  const self = { ratchets: { outbound } } as unknown as Self;
  const to = { name: PEER, keys: { curve25519: "c", ed25519: "e" } };
  const begins = () => store.transaction((work) => begin(work, self, "c", to, "key"));
  await expect(begins()).rejects.toThrow("no account");
  await store.transaction(async (work) => work.put(tables.account, { pickle: "p" } as never));
  expect(await begins()).toBe(false);
  failure = new TypeError("a fault of this client");
  await expect(begins()).rejects.toThrow("a fault of this client");
  failure = undefined;
  for (let n = 0; n < 6; n++) expect(await begins()).toBe(true);
  const there = () => store.transaction((work) => sessionsWith(work, "c", PEER));
  expect(ids(await there())).toBe("s2s3s4s5s6");
  const known = await store.all(tables.knownSessions);
  expect(known.map(({ id }) => id)).toEqual(["s1", "s2", "s3", "s4", "s5", "s6"]);
  const before = session("old", 1, 0, "raju/phone#e");
  await store.transaction(async (work) => work.put(tables.olmSessions, before));
  const gone = () => store.transaction((work) => retireAll(work, "c"));
  expect([await gone(), await gone()]).toEqual([true, false]); // those of a former identity stay
  expect((await store.all(tables.olmSessions)).map(({ id }) => id)).toEqual(["old"]);
  await store.transaction(async (work) => {
    work.put(tables.olmSessions, session("new", 2));
    await retireSessions(work, { user: "raju", device: "phone", keys: to.keys } as KnownDevice);
  });
  const places = (await store.all(tables.olmSessions)).map(({ id, device }) => [id, device]);
  expect(places).toContainEqual(["new", retired(PEER, to.keys)]); // it opens what was sent before
  expect(places).not.toContainEqual(["new", PEER]);
  await store.close();
});

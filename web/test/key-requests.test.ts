/** Which requests to the backend go out, which responses count, and when one is repeated. */

import { beforeEach, expect, test } from "vitest";
import type { Claims, Lists, Request } from "../src/client/core/cipher.ts";
import { KeyRequests } from "../src/client/core/key-requests.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Listed } from "../src/client/crypto/identities.ts";

const NOTHING: Listed = new Map();

let out: Request[];
let requests: KeyRequests;

beforeEach(() => {
  out = [];
  const settings = { ...DEFAULTS, fetchRetry: 1_000, fetchRetryCap: 5_000, claimAgain: 10_000 };
  requests = new KeyRequests(settings, (request) => out.push(request));
  requests.opened();
});

function sent(): Request[] {
  return out.splice(0);
}

function lists(user: string, now = 0): Lists[] {
  requests.wantLists([user], now);
  return sent().filter((each) => each.type === "lists");
}

function listOf(user: string, now = 0): Lists {
  const [request] = lists(user, now);
  if (request === undefined) throw new Error(`no list of ${user} was asked for`);
  return request;
}

function claims(devices: readonly string[], now = 0, chat = "c", asking = false): Claims[] {
  requests.wantClaims(chat, devices, now, asking);
  return sent().filter((each) => each.type === "claims");
}

function claimOf(devices: readonly string[], now = 0, chat = "c"): Claims {
  const [request] = claims(devices, now, chat);
  if (request === undefined) throw new Error(`no key of ${devices} was claimed`);
  return request;
}

/** A response that is news is learned. */
function learns(request: Lists): boolean {
  const news = requests.listed(request);
  if (news) requests.learned(request.user, NOTHING);
  return news;
}

test("a list is asked for once until something changes", () => {
  const request = listOf("raju");
  expect(lists("raju")).toEqual([]);
  expect(learns(request)).toBe(true);
  expect(lists("raju")).toEqual([]);
  requests.changed("raju");
  expect(requests.fresh("raju")).toBeUndefined();
  expect(listOf("raju").number).toBeGreaterThan(request.number);
});

test("a list asked for before a change, or on another connection, is old", () => {
  const before = listOf("raju");
  requests.changed("raju");
  const after = listOf("raju");
  expect(learns(before)).toBe(false);
  expect(lists("raju")).toEqual([]); // the newer one is still under way
  requests.opened();
  expect(learns(after)).toBe(false);
  const newest = listOf("raju");
  expect([learns(newest), learns(newest)]).toEqual([true, false]);
});

test("of two responses the one asked for first does not undo the other", () => {
  const [first, second] = [requests.lookAt("raju"), requests.lookAt("raju")];
  expect([learns(second), learns(first)]).toEqual([true, false]);
});

test("a new connection knows no list and asks for what it waited for", () => {
  learns(listOf("raju"));
  listOf("meena");
  requests.failed(listOf("kiran"), 0);
  claims(["raju/phone"]);
  requests.closed();
  expect(lists("ravi")).toEqual([]);
  requests.opened();
  expect(["kiran", "meena", "raju"].flatMap((user) => lists(user))).toHaveLength(3);
  expect(claims(["raju/phone"])).toHaveLength(1);
});

test("what failed is asked for again after growing pauses", () => {
  let now = 0;
  const pauses: number[] = [];
  for (let times = 0; times < 5; times++) {
    requests.failed(listOf("raju", now), now);
    const at = requests.nextDue(now) ?? Number.NaN;
    pauses.push(at - now);
    expect(lists("raju", at - 1)).toEqual([]);
    now = at;
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  learns(listOf("raju", now));
  requests.changed("raju");
  requests.failed(listOf("raju", now), now);
  expect(requests.nextDue(now)).toBe(now + 1_000); // there was a response since
});

test("a key is claimed once while the response is under way", () => {
  const many = Array.from({ length: 101 }, (_, at) => `raju/d${at}`);
  const parts = claims(many);
  expect(parts.map(({ devices }) => devices.length)).toEqual([100, 1]);
  expect(claims([...many, "raju/new"]).map(({ devices }) => devices)).toEqual([["raju/new"]]);
  expect(claims(["raju/d0"], 0, "d")).toHaveLength(1);
  expect(claims(["raju/d0"], 0, "c", true)).toHaveLength(1);
  expect(requests.underWay("c", [])).toBe(true);
  const last = parts[1] as Claims;
  requests.claimed(last, new Set(last.devices), 0);
  expect(claims(["raju/d0", "raju/d100"]).map(({ devices }) => devices)).toEqual([["raju/d100"]]);
});

test("a device without a key is left out of its chat, longer each time", () => {
  for (const [chat, pause] of [
    ["c", 10_000],
    ["d", 10_000],
    ["c", 20_000],
  ] as const) {
    requests.claimed(claimOf(["raju/desk", "raju/phone"], 0, chat), new Set(["raju/phone"]), 0);
    expect(requests.tried(chat, pause - 1)).toEqual(new Set(["raju/desk"]));
    expect(requests.tried(chat, pause)).toEqual(new Set());
    expect(requests.nextDue(pause - 1)).toBe(pause);
  }
  requests.tryAgain("c");
  expect(requests.tried("c", 0)).toEqual(new Set());
  expect(requests.tried("d", 0)).toEqual(new Set(["raju/desk"]));
  requests.claimed(claimOf(["raju/desk"]), new Set(["raju/desk"]), 0);
  requests.claimed(claimOf(["raju/desk"]), new Set(), 0);
  expect(requests.tried("c", 9_999)).toEqual(new Set(["raju/desk"]));
  expect(requests.tried("c", 10_000)).toEqual(new Set()); // it had one since
  requests.opened();
  expect(requests.tried("d", 0)).toEqual(new Set());
});

test("claims that failed wait in their chat alone", () => {
  requests.failed(claimOf(["raju/phone"]), 0);
  expect(claims(["raju/phone"], 999)).toEqual([]);
  expect(claims(["raju/phone"], 999, "d")).toHaveLength(1);
  requests.failed(claimOf(["raju/phone"], 1_000), 1_000);
  expect(claims(["raju/phone"], 2_999)).toEqual([]);
  requests.claimed(claimOf(["raju/phone"], 3_000), new Set(["raju/phone"]), 3_000);
  requests.failed(claimOf(["raju/phone"], 3_000), 3_000);
  expect(claims(["raju/phone"], 4_000)).toHaveLength(1); // there was a response since
});

test("nothing is asked for before the backend allows it", () => {
  requests.failed(listOf("raju"), 0, 60_000);
  requests.claimed(claimOf(["raju/phone"], 0, "d"), new Set(), 0, 90_000);
  for (const calls of [() => {}, () => requests.tryAgain("d"), () => requests.opened()]) {
    calls();
    expect(requests.mayList(59_999)).toBe(false);
    expect(["raju", "meena"].flatMap((user) => lists(user, 59_999))).toEqual([]);
    for (const chat of ["c", "d"]) {
      expect(claims(["raju/phone", "meena/phone"], 89_999, chat)).toEqual([]);
      expect(requests.tried(chat, 89_999).has("raju/phone")).toBe(true); // texts go out without it
    }
    expect([requests.nextDue(0), requests.nextDue(60_000)]).toEqual([60_000, 90_000]);
  }
  expect(requests.mayList(60_000)).toBe(true);
  expect(lists("raju", 60_000)).toHaveLength(1);
  expect(requests.tried("d", 90_000)).toEqual(new Set());
  expect(claims(["raju/phone"], 90_000)).toHaveLength(1);
});

test("of two limits the longer one counts", () => {
  const [first, second] = [requests.lookAt("raju"), requests.lookAt("meena")];
  requests.failed(first, 0, 60_000);
  requests.failed(second, 0, 10_000);
  const [one, other] = [claimOf(["raju/phone"]), claimOf(["raju/phone"], 0, "d")];
  requests.failed(one, 0, 60_000);
  requests.claimed(other, new Set(), 0, 10_000);
  expect([requests.mayList(59_999), requests.mayList(60_000)]).toEqual([false, true]);
  expect(claims(["raju/phone"], 59_999, "e")).toEqual([]);
  expect(claims(["raju/phone"], 60_000, "e")).toHaveLength(1);
});

test("a chat waits for its claims, its entry in the list and the lists of its members", () => {
  expect(requests.underWay("c", ["raju"])).toBe(false);
  const request = listOf("raju");
  expect(requests.underWay("c", ["raju"])).toBe(true);
  expect(requests.underWay("c", ["meena"])).toBe(false);
  learns(request);
  requests.wantChats("c", 0);
  requests.wantChats("c", 0);
  const asked = sent();
  expect(asked).toEqual([{ type: "chats", number: expect.any(Number), chat: "c" }]);
  expect([requests.underWay("c", []), requests.underWay("d", [])]).toEqual([true, false]);
  requests.failed(asked[0] as Request, 0);
  expect(requests.underWay("c", [])).toBe(false);
  requests.wantChats("c", 999);
  expect(sent()).toEqual([]);
  requests.wantChats("c", 1_000);
  requests.settled(sent()[0] as Request);
  expect([requests.underWay("c", []), requests.nextDue(1_000)]).toEqual([false, undefined]);
});

/** Names of users and chats, and their pictures. */

import { expect, test } from "vitest";
import type { ChatEntry } from "../../src/app/model/chat-entries.ts";
import { isUser, pictureOf, titleOf, usersIn } from "../../src/app/views/names.ts";
import { en } from "../../src/app/words/en.ts";
import { entry, sessionWith } from "./view-scene.ts";

test.each([
  [{ name: "Trip", members: ["raju", "ravi"] }, "Trip"],
  [{ name: "", members: ["raju", "ravi"] }, "ravi"],
  [{ name: undefined, members: ["raju", "a", "b", "c", "d"] }, "a, b, c, d"],
  [{ name: undefined, members: ["raju", "a", "b", "c", "d", "e"] }, en.andMore("a, b, c", 2)],
  [{ name: undefined, members: ["raju"] }, en.group],
])("a chat is called what it is named, or by the others in it: %#", (chat, title) => {
  const of = entry("c1", chat as Partial<ChatEntry>);
  expect(titleOf(of, sessionWith([of]).session)).toBe(title);
});

test("a group has its own picture or none, and a direct chat that of the other one", () => {
  const of = entry("c1");
  expect(pictureOf(of, sessionWith([of]).session)).toBe("picture of ravi");
  const group = entry("c1", { kind: "group", picture: undefined });
  expect(pictureOf(group, sessionWith([group]).session)).toBeUndefined();
  expect(pictureOf({ ...group, picture: "x" }, sessionWith([group]).session)).toBe("x");
});

test.each([
  ["raju_7", true],
  ["abc", true],
  ["ab", false],
  ["a".repeat(33), false],
  ["Raju", false],
  ["raju!", false],
  ["-raju", false],
])("%s is the name of a user: %s", (name, is) => {
  expect(isUser(name)).toBe(is);
});

test("users are read as they are typed, each once", () => {
  expect(usersIn(" Raju, meena;raju  MIRA ")).toEqual(["raju", "meena", "mira"]);
});

/** What messages hold, against the vectors that the Python client is tested with as well. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clean,
  counts,
  isPlain,
  isShown,
  LONGEST_TEXT,
  type MessageContent,
  parse,
  type Reference,
  written,
} from "../src/client/core/content.ts";
import { type Change, newest, view } from "../src/client/core/view.ts";

interface Entry {
  what: string;
  content: Record<string, unknown>;
}
interface Written {
  seq: number;
  user: string;
  content: unknown;
}

function vectors<T>(name: string): T {
  const path = new URL(`../../protocol/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

const contents = vectors<{
  good: Entry[];
  unreadable: Entry[];
  unknown: Entry[];
  cleaned: { what: string; name: string; shown: string }[];
  more: unknown;
}>("contents");
const views = vectors<{
  of: Reference;
  messages: {
    what: string;
    changes: Written[];
    text: string | null;
    deleted: boolean;
    reactions: [string, string][];
  }[];
  names: { what: string; writings: Written[]; name: string | null }[];
}>("views");

describe("contents", () => {
  test.each(contents.good)("$what is read and written as it is", ({ content }) => {
    expect(parse(content).kind).toBe(content.kind);
    expect(written(parse(content))).toEqual(content);
  });
  test.each(contents.unreadable)("$what is unreadable", ({ content }) => {
    expect(parse(content)).toEqual({ kind: "unreadable" });
  });
  test.each(contents.unknown)("$what is unknown and kept as it came", ({ content }) => {
    expect(parse(content).kind).toBe("unknown");
    expect(written(parse(content))).toEqual(content);
  });
  test.each(contents.cleaned)("$what steers nothing around it", ({ name, shown }) => {
    expect(clean(name)).toBe(shown);
    const content = parse({ v: 1, kind: "chat_name", name });
    expect(content).toEqual({ kind: "chat_name", name: shown });
  });
  test("fields that are not known are ignored", () => {
    expect(parse(contents.more)).toEqual({ kind: "text", text: "hello" });
  });
  test("a text is as long as the schema allows, in characters", () => {
    const long = (length: number) => parse({ v: 1, kind: "text", text: "👋".repeat(length) });
    expect(long(LONGEST_TEXT).kind).toBe("text");
    expect(long(LONGEST_TEXT + 1).kind).toBe("unreadable");
  });
});

const of = { by: "raju/phone", id: "01JDB2F6Y8W6X1T9N5R3Q7P0AB" };
test.each<[MessageContent, shown: boolean, counts: boolean, plain: boolean]>([
  [{ kind: "text", text: "hello" }, true, true, true],
  [{ kind: "text", text: "hello", reply: of }, true, true, false],
  [{ kind: "text", text: "hello", expires: 60 }, true, true, false],
  [{ kind: "reaction", of, emoji: "👍" }, false, false, false],
  [{ kind: "edit", of, text: "hello" }, false, false, false],
  [{ kind: "deletion", of }, false, false, false],
  [{ kind: "timer", seconds: 60 }, true, false, false],
  [{ kind: "timer", seconds: 60, at: 3 }, false, false, false],
  [{ kind: "chat_name", name: "Trip" }, true, false, false],
  [{ kind: "chat_name", name: "Trip", at: 3 }, false, false, false],
  [{ kind: "profile", name: "Raju", picture: null, at: 3 }, false, false, false],
  [{ kind: "unknown", fields: {} }, true, false, false],
  [{ kind: "unreadable" }, true, false, false],
])("%j is shown: %s, counts as unread: %s, is sent as older clients do: %s", (each, ...is) => {
  expect([isShown(each), counts(each, false), isPlain(each)]).toEqual(is);
  if (each.kind === "unknown") expect(counts(each, true)).toBe(true); // as its id says
});

describe("views", () => {
  test.each(views.messages)("$what, in whatever order and however often", (entry) => {
    for (const order of orders(changes(entry.changes))) {
      const seen = view(views.of, [...order, ...order]);
      expect(seen.text).toBe(entry.text ?? undefined);
      expect(seen.deleted).toBe(entry.deleted);
      expect(seen.reactions.map(({ user, emoji }) => [user, emoji])).toEqual(entry.reactions);
    }
  });
  test.each(views.names)("$what, in whatever order and however often", (entry) => {
    for (const order of orders(changes(entry.writings))) {
      const found = newest([...order, ...order])?.content;
      expect(found?.kind === "chat_name" ? found.name : null).toBe(entry.name);
    }
  });
  test("what is not accepted yet is the newest", () => {
    const edit = (text: string): MessageContent => ({ kind: "edit", of: views.of, text });
    const waiting = { user: "ravi", content: edit("mine"), seq: undefined, number: 1 };
    const placed = { user: "ravi", content: edit("older"), seq: 9, number: 2 };
    expect(view(views.of, [waiting, placed]).text).toBe("mine");
  });
});

function changes(all: readonly Written[]): Change[] {
  return all.map(({ seq, user, content }, number) => ({
    seq,
    user,
    content: parse(content),
    number,
  }));
}

function orders<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((first, at) =>
    orders([...all.slice(0, at), ...all.slice(at + 1)]).map((rest) => [first, ...rest]),
  );
}

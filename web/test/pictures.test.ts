/** Pictures in messages and files, against the vectors that the Python client is tested with as well. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAttachment } from "../src/client/core/attachment.ts";
import { parse } from "../src/client/core/content.ts";
import { FrameError } from "../src/client/core/fields.ts";
import { mayBeDrawn, parsePicture, sides } from "../src/client/core/picture.ts";

function vectors<T>(name: string): T {
  const path = new URL(`../../protocol/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

const { good, bad, files } = vectors<{
  good: { what: string; picture: string; width: number; height: number }[];
  bad: { what: string; picture: string }[];
  files: { what: string; content: string; drawn: boolean }[];
}>("pictures");
const { attachments } = vectors<{ attachments: { good: object[] } }>("files");

describe("pictures", () => {
  test.each(files)("$what, in a file, is drawn: $drawn", ({ content, drawn }) => {
    expect(mayBeDrawn(Buffer.from(content, "base64"))).toBe(drawn);
  });
  test.each([
    [8_192, 8_192, "picture"],
    [8_192, 8_193, "file"],
    [65_535, 65_535, "file"],
  ])("a picture of %d x %d pixels is a %s for everybody", (width, height, kind) => {
    const parsed = parseAttachment({ ...attachments.good[1], width, height });
    expect(parsed).toMatchObject({ kind, width, height });
  });
  test.each(good)("$what is taken with the sides of its header", ({ picture, width, height }) => {
    expect(parsePicture(picture)).toBe(picture);
    expect(sides(picture)).toEqual([width, height]);
  });
  test.each(bad)("$what is rejected wherever it stands", ({ picture }) => {
    expect(() => parsePicture(picture)).toThrow(FrameError);
    const file = { ...attachments.good[1], thumbnail: picture };
    expect(() => parseAttachment(file)).toThrow(FrameError);
    for (const kind of ["chat_picture", "profile"]) {
      const content = parse({ v: 1, kind, name: null, picture, at: 1 });
      expect(content).toEqual({ kind: "unreadable" });
    }
  });
});

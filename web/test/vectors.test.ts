/** The vectors that the Python client is tested with as well: protocol/vectors/*.json. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EMOJI, emojiOf } from "../src/client/crypto/emoji.ts";
import {
  type Binding,
  type Content,
  EnvelopeError,
  sealable,
  unsealed,
} from "../src/client/crypto/envelope.ts";
import { codeIn, codeOf, inGroups, read, write } from "../src/client/crypto/link.ts";
import { loadRatchets } from "../src/client/crypto/olm.ts";
import { pad, paddedSize } from "../src/client/crypto/padding.ts";
import { type DeviceKeys, safetyNumber } from "../src/client/crypto/safety-number.ts";
import { canonical, type Document } from "../src/client/crypto/signing.ts";

function vectors<T>(name: string): T {
  const path = new URL(`../../protocol/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

describe("padding", () => {
  const { sizes } = vectors<{ sizes: { size: number; padded: number }[] }>("padding");
  test.each(sizes)("$size bytes become $padded", ({ size, padded }) => {
    expect(paddedSize(size)).toBe(padded);
    expect(pad("x".repeat(size))).toHaveLength(padded);
  });
});

describe("signatures", () => {
  interface Signed {
    document: Document;
    canonical: string;
    ed25519: string;
    signature: string;
    why: string;
  }
  const { good, bad } = vectors<{ good: Signed[]; bad: Signed[] }>("signing");
  test("a good one holds over the canonical form", async () => {
    const ratchets = await loadRatchets(new Uint8Array(32));
    for (const each of good) {
      expect(canonical(each.document)).toBe(each.canonical);
      expect(ratchets.verify(each.ed25519, each.canonical, each.signature)).toBe(true);
    }
  });
  test.each(bad)("rejected: $why", async ({ document, ed25519, signature }) => {
    const ratchets = await loadRatchets(new Uint8Array(32));
    expect(ratchets.verify(ed25519, canonical(document), signature)).toBe(false);
  });
});

describe("envelopes", () => {
  interface Vector {
    what: string;
    envelope: Record<string, unknown>;
    plaintext: string;
  }
  const all = vectors<{
    context: Binding;
    olm: Vector[];
    megolm: Vector[];
    mended: Vector[];
    refused: { what: string; plaintext: string }[];
  }>("envelopes");
  const { to: _to, to_key: _key, ...forAll } = all.context;

  test.each(all.olm.filter(({ what }) => !what.startsWith("an unknown")))(
    "$what is sealed and read as in Python",
    ({ envelope, plaintext }) => {
      const content = unsealed(plaintext, all.context);
      expect(content?.kind).toBe(envelope.kind);
      expect(sealable(all.context, content as Content)).toBe(plaintext);
    },
  );
  test.each(all.megolm)("$what is sealed and read as in Python", ({ plaintext }) => {
    expect(sealable(forAll, unsealed(plaintext, forAll) as Content)).toBe(plaintext);
  });
  test("an unknown kind is no content", () => {
    for (const { plaintext } of all.olm.filter(({ what }) => what.startsWith("an unknown"))) {
      expect(unsealed(plaintext, all.context)).toBeUndefined();
    }
  });
  test.each(all.mended)("$what is read with a sign in its place", ({ envelope, plaintext }) => {
    expect(unsealed(plaintext, all.context)).toMatchObject({ text: envelope.text });
  });
  test("one that is nested deeper than calls may be is read anyway", () => {
    const deep = "[".repeat(20_000) + "]".repeat(20_000);
    const { plaintext = "" } = all.olm[0] ?? {};
    const content = unsealed(plaintext.replace("{", `{"deep":${deep},`), all.context);
    expect(content?.kind).toBe("text");
  });
  test.each(all.refused)("rejected: $what", ({ plaintext }) => {
    expect(() => unsealed(plaintext, all.context)).toThrow(EnvelopeError);
  });
});

describe("safety numbers", () => {
  const { numbers } = vectors<{
    numbers: { users: Record<string, DeviceKeys>; number: string; qr: string }[];
  }>("safety_numbers");
  const isComputed = async ({ users, number, qr }: (typeof numbers)[number]) => {
    const [one, other] = Object.entries(users);
    if (one === undefined || other === undefined) throw new Error("two users are compared");
    expect(await safetyNumber([one, other])).toEqual({ digits: number, qr });
    expect(await safetyNumber([other, one])).toEqual({ digits: number, qr });
  };
  const [first, ...others] = numbers;
  test("of two users", () => isComputed(first as (typeof numbers)[number]));
  test.each(others)("$number", { tags: "deep" }, isComputed); // each is 20,000 digests
});

describe("links", () => {
  interface Known {
    offer: Record<"curve25519" | "device" | "ed25519" | "label" | "one_time_key", string>;
    code: string;
  }
  const { links, groups, typed, no_codes } = vectors<{
    links: Known[];
    groups: string;
    typed: string[];
    no_codes: string[];
  }>("links");
  const [first] = links;
  test.each(links)("an offer has the code $code", async ({ offer, code }) => {
    const { one_time_key: oneTimeKey, ...rest } = offer;
    expect(await codeOf({ ...rest, oneTimeKey })).toBe(code);
  });
  test.each(typed)("%j is read as the code", (text) => expect(codeIn(text)).toBe(first?.code));
  test.each(no_codes)("%j is no code", (text) => expect(() => codeIn(text)).toThrow("no code"));
  test("a code is shown in groups", () => expect(inGroups(first?.code ?? "")).toBe(groups));
});

describe("what is sealed for a new device", () => {
  const sender = "S".repeat(43);
  const key = (letter: string) => letter.repeat(43);
  const confirmation = {
    code: "A".repeat(32),
    user: "ravi",
    device: "web-1",
    by: "phone",
    refreshToken: "a.refresh-token",
    devices: new Map([
      ["phone", { curve25519: sender, ed25519: key("E"), verified: true }],
      ["tablet", { curve25519: key("T"), ed25519: key("F"), verified: false }],
    ]),
  };
  const opened = (text: string, by = sender) => read(text, confirmation.code, "web-1", by);
  test("is read as it was written", () => {
    expect(opened(write(confirmation))).toEqual(confirmation);
  });
  test.each<Record<string, unknown>>([
    { code: "B".repeat(32) },
    { device: "other" },
    { v: 2 },
    { v: true },
    { kind: "text" },
    { user: null },
    { user: "Ravi" },
    { from: "laptop" },
    { refresh_token: "" },
    { devices: {} },
    { devices: [] },
    { devices: { "a#b": { curve25519: sender, ed25519: key("E"), verified: true } } },
    { devices: { phone: { curve25519: sender, ed25519: key("E") } } },
  ])("is rejected with %j", (change) => {
    const document: object = JSON.parse(write(confirmation));
    expect(() => opened(JSON.stringify({ ...document, ...change }))).toThrow("does not belong");
  });
  test("is by the device that it names", () => {
    expect(() => opened(write(confirmation), key("X"))).toThrow("does not belong");
  });
  test.each(["", "[]", "null", "{"])("is a document, which %j is not", (text) => {
    expect(() => opened(text)).toThrow("does not belong");
  });
});

describe("emoji", () => {
  const { indices, commitment, table } = vectors<{
    indices: { bytes: string; indices: number[] }[];
    table: [string, string][];
    commitment: { start: Document; key: string; commitment: string };
  }>("emoji");
  test.each(indices)("$bytes", ({ bytes, indices: expected }) => {
    const found = emojiOf(Uint8Array.from(Buffer.from(bytes, "hex")));
    expect(found.map((emoji) => EMOJI.indexOf(emoji))).toEqual(expected);
  });
  test("the table is the one that Python has", () => {
    expect(EMOJI.map(({ picture, name }) => [picture, name])).toEqual(table);
  });
  test("there are 64, no two alike", () => {
    expect(new Set(EMOJI.map(({ picture }) => picture)).size).toBe(64);
    expect(new Set(EMOJI.map(({ name }) => name)).size).toBe(64);
  });
  test("the commitment is over the key and the start", async () => {
    const ratchets = await loadRatchets(new Uint8Array(32));
    const text = commitment.key + canonical(commitment.start);
    expect(ratchets.sha256(text)).toBe(commitment.commitment);
  });
});

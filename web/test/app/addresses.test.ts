import { expect, test } from "vitest";
import { partsOf } from "../../src/app/model/addresses.ts";

const addressesIn = (text: string) =>
  partsOf(text).flatMap(({ href }) => (href === undefined ? [] : [href]));

test.each([
  ["see https://example.org/a?b=c#d", ["https://example.org/a?b=c#d"]],
  ["HTTP://EXAMPLE.ORG", ["HTTP://EXAMPLE.ORG"]],
  ["https://example.org. And then", ["https://example.org"]],
  ["is it https://example.org/?!", ["https://example.org/"]],
  ["(https://example.org/a)", ["https://example.org/a"]],
  ["https://example.org/Tea_(drink)", ["https://example.org/Tea_(drink)"]],
  ["(as https://example.org/Tea_(drink).)", ["https://example.org/Tea_(drink)"]],
  ["»https://example.org/ä/日本«", ["https://example.org/ä/日本"]],
  [
    "http://a.example https://b.example\nhttps://c.example",
    ["http://a.example", "https://b.example", "https://c.example"],
  ],
  ['<a href="https://example.org">', ["https://example.org"]],
  ["https://xn--80ak6aa92e.com", ["https://xn--80ak6aa92e.com"]],
])("%j has the addresses %j", (text, addresses) => {
  expect(addressesIn(text)).toEqual(addresses);
});

test.each([
  ["javascript:alert(1)"],
  ["data:text/html,hey"],
  ["file:///etc/passwd"],
  ["https://"],
  ["https://."],
  ["https://bank.example@elsewhere.example/"],
  ["https://bank.example:443@elsewhere.example/"],
  ["nothing at all"],
  [""],
])("%j has none", (text) => {
  expect(addressesIn(text)).toEqual([]);
});

test("a sign that turns the direction ends an address", () => {
  expect(addressesIn("https://example.org/\u202Egpj.exe")).toEqual(["https://example.org/"]);
});

test("the parts are the text, whatever it is", () => {
  for (const text of [
    "",
    "a https://b.example c",
    "https://b.example.",
    "https://@ https://c.example",
  ])
    expect(
      partsOf(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
});

/** Responses that are not as the protocol says: an error of the client's own, whatever they are. */

import { afterEach, expect, test, vi } from "vitest";
import { Api } from "../src/client/api.ts";
import { ApiError } from "../src/client/errors.ts";

afterEach(() => vi.unstubAllGlobals());

function responding(response: unknown, status = 200): Api {
  const body = typeof response === "string" ? response : JSON.stringify(response);
  vi.stubGlobal("fetch", async () => new Response(body, { status }));
  const tokens = { access: "access", refresh: "refresh" };
  return new Api(
    "",
    tokens,
    () => 0,
    async () => {},
  );
}

type Act = (api: Api) => Promise<unknown>;

const CALLS: readonly [string, Act, readonly unknown[]][] = [
  ["signIn", (api) => api.signIn("ravi", "secret"), [{}, { access_token: "a", refresh_token: 1 }]],
  [
    "changePassword",
    (api) => api.changePassword("ravi", "old", "new"),
    [{}, { access_token: "a", refresh_token: 1 }],
  ],
  ["account", (api) => api.account(), [{}, { items: [{}] }, { items: [], cursor: 1 }]],
  ["refresh", (api) => api.refresh(), [{}, { access_token: null }]],
  ["devices", (api) => api.devices("raju"), [{}, { devices: null }, { devices: [] }]],
  [
    "uploadKeys",
    (api) => api.uploadKeys("web", { one_time_keys: {} }),
    [{}, { remaining: "7" }, { remaining: -1_000_000_000 }, { remaining: 1.5 }],
  ],
  ["claim", (api) => api.claim(["raju/web"]), [{}, { keys: null }, { keys: "none" }]],
  ["direct", (api) => api.direct("raju"), [{}, { chat: "c" }, { chat: "c", members: [1] }]],
  ["group", (api) => api.group([]), [{ members: [] }, { chat: 1, members: [] }]],
  [
    "chats",
    (api) => api.chats(),
    [
      {},
      { chats: {} },
      { chats: [null] },
      { chats: [{ chat: "c", kind: "group" }] },
      { chats: [], cursor: 7 },
    ],
  ],
  ["changeMembers", (api) => api.changeMembers("c", [], []), [{}, { members: {} }]],
  ["ticket", (api) => api.ticket("web"), [{}, { ticket: "t" }, { ticket: "t", url: 1 }]],
];
const MALFORMED = CALLS.flatMap(([name, act, responses]) =>
  ["", "null", "[]", "no JSON", ...responses].map((response) => ({ name, act, response })),
);

test.each(MALFORMED)("$name: $response", async ({ act, response }) => {
  await expect(act(responding(response))).rejects.toBeInstanceOf(ApiError);
});

test.each([
  ["an error without a body", ""],
  ["an error that is no JSON", "<html>"],
  ["an error that is no error", { error: "what?" }],
])("%s is known by its status", async (_, response) => {
  await expect(responding(response, 404).devices("raju")).rejects.toMatchObject({
    code: "bad_request",
    status: 404,
  });
});

test("one entry that is none costs the others nothing", async () => {
  const good = { keys: { curve25519: "c", ed25519: "e" }, signature: "s" };
  const bad = {
    a: null,
    b: {},
    c: { ...good, keys: { ed25519: "e" } },
    d: { ...good, signature: 1 },
  };
  const was = { device: "tablet", ...good, until: 7 };
  const former = [null, {}, { ...was, until: "7" }, { ...was, keys: {} }, was];
  const listing = await responding({ devices: { ...bad, phone: good }, former }).devices("raju");
  expect([...listing.devices]).toEqual([["phone", good]]);
  expect(listing.former).toEqual([was]);
  const key = { id: "i", key: "k", signature: "s" };
  const keys = { x: null, y: { ...key, id: 1 }, "raju/web": { ...key, fallback: true } };
  const claimed = await responding({ keys }).claim(["raju/web"]);
  expect([...claimed]).toEqual([["raju/web", { ...key, fallback: true }]]);
});

test("names stay names in an address", async () => {
  const api = responding({ devices: {} });
  const fetched = vi.fn(globalThis.fetch);
  vi.stubGlobal("fetch", fetched);
  await api.devices("../tokens?x=");
  expect(fetched.mock.calls[0]?.[0]).toBe("/api/users/..%2Ftokens%3Fx%3D/devices");
});

/** What the backend would be asked, and the responses that it gives in turn. */
function recording(...responses: unknown[]): { api: Api; asked: string[] } {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { method, body }: RequestInit) => {
    asked.push(`${method} ${url} ${body ?? ""}`.trimEnd());
    const response = responses.shift();
    if (response instanceof Error) throw response;
    return new Response(JSON.stringify(response));
  });
  const tokens = { access: "access", refresh: "refresh" };
  const api = new Api(
    "",
    tokens,
    () => 0,
    async () => {},
  );
  return { api, asked };
}

test("signing out takes the device and the refresh token with it", async () => {
  const { api, asked } = recording({ signed_out: true }, { signed_out: true });
  await api.signOut("web");
  await api.signOut("web", true);
  expect(asked).toEqual([
    'POST /api/sign-out {"device":"web","refresh_token":"refresh"}',
    'POST /api/sign-out {"everywhere":true,"device":"web","refresh_token":"refresh"}',
  ]);
});

test("a group is founded by one request, however often its response is lost", async () => {
  const founded = { chat: "c", members: ["ravi"] };
  const { api, asked } = recording(new TypeError("lost"), founded, founded, founded);
  for (const _ of [1, 2]) await api.group([]);
  const ids = asked.map((line) => /"request_id":"([\w-]{16,64})"/.exec(line)?.[1]);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[1]).not.toBe(ids[2]);
  await api.group([], "kept-by-the-caller");
  expect(asked.at(-1)).toContain('"request_id":"kept-by-the-caller"');
});

test("a new password gives new tokens", async () => {
  const { api } = recording({ access_token: "a", refresh_token: "r", expires_in: 60 });
  await api.changePassword("ravi", "old", "new");
  expect(api.tokens).toEqual({ access: "a", refresh: "r" });
});

test("the account's items come in pages", async () => {
  const item = (name: string) => ({ table: "Users", item: { item: name } });
  const { api, asked } = recording({ items: [item("a")], cursor: "a" }, { items: [item("b")] });
  expect(await api.account()).toEqual([item("a"), item("b")]);
  expect(asked).toEqual(["GET /api/account", "GET /api/account?cursor=a"]);
});

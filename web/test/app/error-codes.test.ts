/** What each error code of the protocol leads to: none ends silently, or in what the server says. */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import { sendingFiles } from "../../src/app/views/file.ts";
import { LinkBar } from "../../src/app/views/link-bar.ts";
import { reasonIn, whyFailed } from "../../src/app/views/ui.ts";
import { de } from "../../src/app/words/de.ts";
import { en } from "../../src/app/words/en.ts";
import { ApiError, type ChatClient, type Event, State } from "../../src/client/index.ts";
import { Client, synced } from "../engine-scene.ts";
import { said } from "./drawn.ts";
import { made, sessionWith, uiOf } from "./view-scene.ts";

const SAID = "what the server says";
const schema = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../../lambdas/protocol/${path}`, import.meta.url), "utf8"))
    .properties;
const CODES: readonly (keyof typeof en.errors)[] = schema("server/error.json").code.enum;
/** Of what the page tries again by itself: its user has not to do so. */
const waits = (code: (typeof CODES)[number]) =>
  code === "rate_limited" || code === "internal" ? en.goesOn[code] : en.errors[code];

test("each has a sentence in each language, those of frames as those of responses", () => {
  expect(schema("rest/error.response.json").error.properties.code.enum).toEqual(CODES);
  for (const { errors } of [en, de]) expect(Object.keys(errors).sort()).toEqual(CODES.toSorted());
});

test.each(CODES)("a request that is rejected with %s is reported in a sentence", (code) => {
  expect(reasonIn(new ApiError(code, SAID, 400))).toBe(en.errors[code]);
  expect(whyFailed(`${code}: ${SAID}`)).toBe(en.errors[code]);
  const link = { at: "waiting", until: 0, notBefore: 0, rejected: { code, message: SAID } };
  const { session } = sessionWith([], { link });
  const shown = said(made(new LinkBar(), { ui: uiOf().ui, session }).render());
  expect(shown).toContain(code === "conflict" ? en.tooManyDevices : waits(code));
  expect(shown).not.toContain(SAID);
});

test.each(CODES)("an upload that gets %s and waits says so, and one that is over why", (code) => {
  const shown = (final: boolean) => {
    const upload = { messageId: "m1", name: "a.png", done: 0, size: 1, final };
    const files = { sendingIn: () => [{ ...upload, reason: `${code}: ${SAID}` }] };
    return said(sendingFiles("c1", sessionWith([], { files }).session, () => {}));
  };
  expect(shown(false)).toContain(waits(code));
  expect(shown(true)).toContain(en.errors[code]);
});

describe("a text that gets", () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.made();
  });
  afterEach(() => client.store.close());

  test.each(CODES)("%s has failed with a sentence, or is sent again", async (code) => {
    await client.direct();
    await client.online(synced(0));
    const id = await client.write("hello");
    await client.receive({ type: "error", code, message: SAID, message_id: id, action: "send" });
    const failed = client.events("state").filter(({ state }) => state === State.FAILED);
    const shown = failed.map(({ reason = "" }) => whyFailed(reason));
    const waits = code === "rate_limited" || code === "internal";
    expect(shown).toEqual(waits ? [] : [en.errors[code]]);
    expect(client.events("server_error")).toHaveLength(code === "rate_limited" ? 1 : 0);
    await client.after(60_000);
    expect(client.sent("send")).toHaveLength(waits ? 2 : 1);
  });
});

test("a limit of texts is shown until there is news of one, and nothing else that nobody typed", () => {
  let tell: (event: Event) => void = () => {};
  const client = { user: "raju", messages: {}, listen: (hears: typeof tell) => (tell = hears) };
  const session = new Session(client as unknown as ChatClient, {} as Drafts);
  const shown = () => {
    const given = sessionWith([], { problem: session.problem }).session;
    return said(made(new LinkBar(), { ui: uiOf().ui, session: given }).render());
  };
  const error = { type: "server_error", code: "rate_limited", message: SAID } as const;
  tell({ ...error, action: "typing" });
  expect(shown()).not.toContain(en.goesOn.rate_limited);
  const state = { type: "state", chat: "c1", messageId: "m1", text: "", reason: "" } as const;
  for (const ends of [
    { ...state, state: State.SENT, seq: 1 },
    { ...state, state: State.FAILED, seq: undefined },
    { type: "caught_up", complete: true },
  ] as const) {
    tell({ ...error, action: "send" });
    expect(shown()).toContain(en.goesOn.rate_limited);
    tell(ends);
    expect(shown()).not.toContain(en.goesOn.rate_limited);
  }
});

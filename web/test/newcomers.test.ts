/** Who comes into a group, or is made later, reads what comes and not what was. */

import { describe, expect, test } from "vitest";
import { State } from "../src/client/core/ticks.ts";
import { ClientError } from "../src/client/errors.ts";
import type { TestClient } from "./backend.ts";
import { ask, placeOf } from "./chats.ts";
import {
  backend,
  connect,
  crash,
  eventsOf,
  frames,
  got,
  later,
  shows,
  texts,
  until,
  useBackend,
  user,
} from "./scene.ts";

useBackend();

const HOUR = 3_600_000;

describe("who comes is never sent what was", () => {
  /** A group in which an old text stands, and a quiet backend. */
  async function scene() {
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const mira = await connect("mira/phone");
    const chat = await ravi.client.chats.group([user("raju")]);
    const id = await ravi.client.send(chat, "old secret");
    await got(raju, "old secret");
    await ravi.client.devices.of(mira.client.user); // it is no new device
    backend.quiet = true;
    return { ravi, raju, mira, chat, id };
  }

  async function getsNothing(
    { ravi, mira, chat, id }: Awaited<ReturnType<typeof scene>>,
    secret = "old secret",
  ): Promise<void> {
    await ask(mira, ravi, chat, id);
    await ravi.client.send(chat, "from now on");
    await got(mira, "from now on");
    expect(shows(mira, secret)).toEqual([]);
  }

  const join = (chat: string, one: TestClient) => backend.putInto(chat, one.client.user, "now");

  test("not when the backend notified nobody in between", async () => {
    const all = await scene();
    later(HOUR);
    for (const lie of ["GET chats", "synced"]) {
      backend.lies.set(lie, (truth) => {
        if (lie === "GET chats") return { chats: [{ ...all, kind: "group", members: [] }] };
        const place = (truth.chats as Record<string, object>)[all.chat];
        return { ...truth, chats: { [all.chat]: { ...place, members: {} } } };
      });
    }
    await all.ravi.client.chats.refresh();
    await all.ravi.client.sync();
    backend.lies.clear();
    join(all.chat, all.mira);
    await all.ravi.client.sync();
    await getsNothing(all);
  });

  test("not when the backend dates texts into the future", { tags: "deep" }, async () => {
    backend.later(1_000 * HOUR); // for it alone
    const all = await scene();
    later(HOUR);
    join(all.chat, all.mira);
    await all.ravi.client.sync();
    await getsNothing(all);
  });

  test("not when a receipt of the new member comes before its name", { tags: "deep" }, async () => {
    const all = await scene();
    later(HOUR);
    join(all.chat, all.mira);
    const receipt = { type: "receipt", chat: all.chat, user: user("mira"), delivered: 1, read: 0 };
    backend.sockets.get(all.ravi.name)?.deliver(receipt);
    await until(async () => (await placeOf(all.ravi, all.chat)).members.length === 3);
    await all.ravi.client.sync();
    await getsNothing(all);
  });

  test("not when this device had tried to add the member before, without success", {
    tags: "deep",
  }, async () => {
    const all = await scene();
    backend.lies.set("POST chats", () => [500, { error: { code: "internal", message: "no" } }]);
    const adding = all.ravi.client.chats.changeMembers(all.chat, { add: [user("mira")] });
    await expect(adding).rejects.toThrow(ClientError);
    backend.lies.clear();
    const id = await all.ravi.client.send(all.chat, "later secret");
    await got(all.raju, "later secret");
    later(HOUR);
    join(all.chat, all.mira);
    await all.ravi.client.sync();
    await getsNothing({ ...all, id }, "later secret");
  });

  test("not when a sync without the new member comes while this device adds it", {
    tags: "deep",
  }, async () => {
    const all = await scene();
    backend.lies.set("POST chats", async (truth) => {
      const members = { [user("ravi")]: {}, [user("raju")]: {} };
      const place = { seq: 0, after: 0, complete_to: 0, missing: [], members };
      const synced = { type: "synced", chats: { [all.chat]: place }, more: false };
      backend.sockets.get(all.ravi.name)?.deliver(synced);
      const before = eventsOf(all.ravi, "caught_up").length;
      await until(() => eventsOf(all.ravi, "caught_up").length > before);
      return truth;
    });
    await all.ravi.client.chats.changeMembers(all.chat, { add: [user("mira")] });
    await getsNothing(all);
  });

  test("not when this device adds the member while the text is under way", {
    tags: "deep",
  }, async () => {
    const all = await scene();
    backend.loseAccepted = 1;
    backend.stuck = true;
    const id = await all.ravi.client.send(all.chat, "sealed for raju");
    await got(all.raju, "sealed for raju");
    await all.ravi.client.chats.changeMembers(all.chat, { add: [user("mira")] });
    await crash(all.ravi);
    backend.stuck = false;
    const ravi = await connect("ravi/phone");
    await until(
      async () => (await ravi.client.messages.history(all.chat)).at(-1)?.state !== State.WAITING,
    );
    await getsNothing({ ...all, ravi, id }, "sealed for raju");
  });

  test("what was written before somebody was added, and not sealed yet, reaches them", {
    tags: "deep",
  }, async () => {
    const { ravi, mira, chat } = await scene();
    backend.stuck = true;
    ravi.client.cut();
    await until(() => eventsOf(ravi, "disconnected").length > 0);
    await ravi.client.send(chat, "written offline");
    await ravi.client.chats.changeMembers(chat, { add: [user("mira")] });
    await crash(ravi);
    backend.stuck = false;
    await connect("ravi/phone");
    await got(mira, "written offline");
  });

  test("nor by this device what the group is called, for whom somebody else has added", async () => {
    const { ravi, raju, mira, chat } = await scene();
    await ravi.client.writing.setName(chat, "Trip");
    await until(async () => (await placeOf(raju, chat)).name === "Trip");
    join(chat, mira);
    await ravi.client.sync();
    const before = frames().length;
    await ravi.client.send(chat, "from now on");
    await got(mira, "from now on");
    expect((await placeOf(mira, chat)).name).toBeUndefined();
    expect(
      frames()
        .slice(before)
        .filter(({ to }) => to === undefined),
    ).toHaveLength(1);
  });

  test("within a minute it is: it may have come before the text", async () => {
    const all = await scene();
    join(all.chat, all.mira);
    await all.ravi.client.sync();
    await ask(all.mira, all.ravi, all.chat, all.id);
    await got(all.mira, "old secret");
  });

  test("nor is a device that is made later", { tags: "deep" }, async () => {
    const { ravi, raju, chat, id } = await scene();
    later(HOUR);
    // It asks for nothing that is older than itself, unless the backend dates it anew.
    const anew = (truth: object) => ({ ...truth, sent_at: Date.now() });
    backend.lies.set("message", anew);
    backend.lies.set("messages", (truth) => {
      return { ...truth, messages: (truth.messages as object[]).map(anew) };
    });
    const ghost = await connect("raju/ghost");
    await ravi.client.sync();
    await ask(ghost, ravi, chat, id);
    await ravi.client.send(chat, "to both");
    await got(ghost, "to both");
    await got(raju, "to both");
    expect(shows(ghost, "old secret")).toEqual([]);
    expect(await texts(raju, chat)).toContain("old secret");
  });
});

describe("names that mean something to an object", () => {
  test("are members like any other", async () => {
    const ravi = await connect("ravi/phone");
    const first = await backend.client("__proto__/phone", {});
    const second = await backend.client("constructor/phone", {});
    const chat = await ravi.client.chats.group(["__proto__"]);
    await ravi.client.send(chat, "hello");
    await got(first, "hello");
    backend.putInto(chat, "constructor", "now");
    await ravi.client.sync();
    const both = [user("ravi"), "__proto__", "constructor"].sort();
    expect((await placeOf(ravi, chat)).members).toEqual(both);
    backend.refusing.add(second.name);
    await ravi.client.send(chat, "hello both");
    await got(first, "hello both");
    backend.refusing.clear();
    await ravi.client.send(chat, "once more");
    await got(second, "hello both");
    for (const one of [first, second]) await one.client.abort();
  });

  test("make nobody a member who is none", { tags: "deep" }, async () => {
    const ravi = await connect("ravi/phone");
    const quick = { settings: { askAfter: [100] } };
    const proto = await backend.client("__proto__/tablet", quick);
    const late = await backend.client("read/phone", quick);
    const chat = await ravi.client.chats.group(["__proto__"]);
    const id = await ravi.client.send(chat, "old secret");
    await got(proto, "old secret");
    backend.quiet = true;
    later(HOUR);
    backend.putInto(chat, "read", "now");
    await ravi.client.sync();
    await ask(late, ravi, chat, id);
    await ravi.client.send(chat, "from now on");
    await got(late, "from now on");
    expect(shows(late, "old secret")).toEqual([]);
    for (const one of [proto, late]) await one.client.abort();
  });
});

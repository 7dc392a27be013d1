/** What must not stop a client, or not more of it than has to: whole clients and faults around them. */

import { describe, expect, test, vi } from "vitest";
import { SEND_LIMIT_BYTES } from "../src/client/core/frames.ts";
import { ulid } from "../src/client/core/ids.ts";
import { ClientError, NotAMember } from "../src/client/errors.ts";
import * as tables from "../src/client/store/tables.ts";
import type { TestClient } from "./backend.ts";
import { hold, pair, sentTo } from "./chats.ts";
import {
  backend,
  changeStore,
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

/** A text of raju's phone as the backend shows it; nobody can open it. */
const unreadable = (chat: string) => ({
  action: "send" as const,
  message_id: ulid(Date.now()),
  chat,
  alg: "megolm.v1",
  payload: "AAAA.AAAA",
});

describe("a page's mistakes", () => {
  test("a listener that throws is reported, and keeps nothing from the others", async () => {
    const { ravi, raju, chat } = await pair();
    const reported: unknown[] = [];
    const plain = globalThis.queueMicrotask;
    vi.stubGlobal("queueMicrotask", (act: () => void) =>
      plain(() => {
        try {
          act();
        } catch (error) {
          reported.push(error);
        }
      }),
    );
    const mistake = new Error("a view's mistake");
    ravi.client.listen((event) => {
      if (event.type === "message") throw mistake;
    });
    const after: string[] = [];
    ravi.client.listen(({ type }) => after.push(type));
    await raju.client.send(chat, "hello");
    await until(() => after.includes("message"));
    expect(reported).toEqual([mistake]);
    await ravi.client.send(chat, "still here");
    await got(raju, "still here");
  });

  test.each([
    ["history up to nothing", (one: TestClient) => one.client.messages.history("chat", 5, 0)],
    [
      "history up to no number",
      (one: TestClient) => one.client.messages.history("chat", 5, Number.NaN),
    ],
    ["half a message of history", (one: TestClient) => one.client.messages.history("chat", 0.5)],
    ["read up to no number", (one: TestClient) => one.client.messages.markRead("chat", Number.NaN)],
    ["read to the end of all", (one: TestClient) => one.client.messages.markRead("chat", 1 / 0)],
    ["read up to before the start", (one: TestClient) => one.client.messages.markRead("chat", -1)],
  ])("%s is rejected, and the client goes on", async (_, act) => {
    const ravi = await connect("ravi/phone");
    await expect(act(ravi)).rejects.toThrow(RangeError);
    expect(await ravi.client.chats.all()).toEqual([]);
    expect(eventsOf(ravi, "disconnected")).toEqual([]);
  });
});

describe("a backend's faults", () => {
  test("however many texts can't be read, what asks for them fits into frames", {
    tags: "deep",
  }, async () => {
    const { ravi, raju, chat } = await pair();
    await ravi.client.send(chat, "1");
    await raju.client.send(chat, "2");
    await got(ravi, "2");
    const before = backend.sent.length;
    backend.quiet = true;
    const count = 150;
    const arrive = hold(ravi);
    backend.post(raju.name, ...Array.from({ length: count }, () => unreadable(chat)));
    await until(() => arrive.messages() >= count);
    arrive();
    const asks = () =>
      frames()
        .slice(before)
        .filter(({ to }) => to?.[raju.name] !== undefined);
    await until(() => asks().length >= Math.ceil(count / 100));
    expect(Math.max(...backend.sent.map((text) => text.length))).toBeLessThan(SEND_LIMIT_BYTES / 3);
    await ravi.client.send(chat, "go on");
    await until(() => shows(raju, "go on").length > 0); // behind what was asked for
  });

  test("a text that is shown as another message is asked for: that one's may be there", async () => {
    const { ravi, raju, chat } = await pair();
    await crash(raju);
    await ravi.client.send(chat, "hello");
    await until(() => eventsOf(ravi, "state").length > 0);
    await backend.renameLast(chat, ulid(Date.now()));
    const again = await connect("raju/phone");
    const reasons = eventsOf(again, "message").map(({ unreadable }) => unreadable);
    expect(reasons).toEqual(["false_sender"]);
    await until(() => frames().some(({ to }) => to?.[ravi.name] !== undefined));
  });

  const isAskedAgain = async (route: string, lie: Record<string, unknown>) => {
    const { ravi, raju, chat } = await pair();
    await crash(ravi);
    await changeStore(ravi, async (work) => {
      const known = await work.get(tables.chats, chat);
      if (known !== undefined) work.put(tables.chats, { ...known, kind: undefined });
    });
    const again = await connect("ravi/phone");
    let lies = 0;
    backend.lies.set(route, () => {
      lies += 1;
      return lie;
    });
    await again.client.send(chat, "patience");
    await until(() => lies > 0);
    backend.lies.clear();
    await got(raju, "patience");
    expect(eventsOf(again, "disconnected")).toEqual([]);
  };
  const MALFORMED = "a malformed response to %s is asked for again, and a text goes out then";
  test.each([["GET users", { devices: null }]])(MALFORMED, isAskedAgain);
  test.each([
    ["POST keys", { keys: 7 }],
    ["GET chats", { chats: null }],
  ])(MALFORMED, { tags: "deep" }, isAskedAgain);

  test("a malformed response is an error of the client's own for who asked", async () => {
    const { ravi } = await pair();
    backend.lies.set("GET users", () => ({ devices: 7 }));
    await expect(ravi.client.devices.of(user("raju"))).rejects.toBeInstanceOf(ClientError);
  });

  test("a member whom the directory does not know keeps the others from nothing", async () => {
    const { ravi, raju } = await pair();
    await backend.signUp(user("gone"));
    const group = await ravi.client.chats.group([user("raju"), user("gone")]);
    backend.lies.set("GET users", (truth) =>
      Object.keys(truth.devices as object).length > 0
        ? truth
        : [404, { error: { code: "not_found", message: "no such user" } }],
    );
    await ravi.client.send(group, "to who is there");
    await got(raju, "to who is there");
  });

  test("a device without a key is asked for one again with each text, and not in between", async () => {
    const raju = await connect("raju/phone");
    const ravi = await connect("ravi/phone", { claimAgain: 123_456 });
    const chat = await ravi.client.chats.direct(user("raju"));
    backend.refusing.add(raju.name);
    for (const n of [1, 2, 3]) {
      await ravi.client.send(chat, `${n}`);
      await until(() => backend.refused >= n);
      for (const _ of [1, 2, 3]) await ravi.client.sync();
      expect(backend.refused).toBe(n);
    }
  });

  test("what is to be asked for is, also if the clock jumps over that moment", async () => {
    const [ravi, mira] = [await connect("ravi/phone"), await connect("mira/phone")];
    const raju = await connect("raju/phone", { askAfter: [3_000] });
    const chat = await ravi.client.chats.direct(user("raju"));
    await raju.client.send(user("mira"), "of another chat");
    await got(mira, "of another chat");
    const before = eventsOf(raju, "caught_up").length;
    backend.post(ravi.name, unreadable(chat));
    await until(() => eventsOf(raju, "caught_up").length > before);
    expect(eventsOf(raju, "message")).toHaveLength(1);
    await raju.client.chats.all(); // what that has set off is through
    later(3_600_000);
    await raju.client.send(user("mira"), "and on");
    await got(mira, "and on");
    await until(() => sentTo(ravi).length > 0);
  });

  test("a key that was rejected for good goes out again ahead of the next text", async () => {
    const ravi = await connect("ravi/phone");
    const raju = await connect("raju/phone", { askAfter: [1e9] });
    const chat = await ravi.client.chats.group([user("raju")]);
    backend.failSend = 1;
    await ravi.client.send(chat, "without the key");
    await until(() => raju.events.some(({ type }) => type === "message"));
    await ravi.client.send(chat, "with the key");
    await got(raju, "with the key");
    expect(shows(raju, "without the key").map(({ type }) => type)).toEqual(["message_readable"]);
    expect(shows(raju, "with the key").map(({ type }) => type)).toEqual(["message"]);
    expect(frames().map(({ alg }) => alg.split(".")[0])).toEqual([
      ...["olm", "megolm"], // the key and the text
      ...["olm", "olm", "megolm"], // its copy, the key, and the next text
    ]);
  });

  test("a text that was rejected for good is to be sent to nobody any more", async () => {
    const { ravi, raju, chat } = await pair();
    const laptop = await connect("raju/laptop");
    await until(() => eventsOf(ravi, "devices_changed").length > 0);
    backend.refusing.add(laptop.name);
    backend.failSend = 1;
    const id = await ravi.client.send(chat, "too much");
    await until(() => eventsOf(ravi, "state").some((event) => event.reason !== undefined));
    backend.refusing.clear();
    await ravi.client.send(chat, "less");
    await got(laptop, "less");
    await crash(ravi);
    await changeStore(ravi, async (work) => {
      expect((await work.all(tables.toDevice)).map(({ messageId }) => messageId)).not.toContain(id);
    });
    expect(shows(raju, "too much")).toEqual([]);
  });
});

describe("who was removed from a group", () => {
  test("can read it, gets an error when writing, and is shown it again when put back", async () => {
    const { ravi, raju } = await pair();
    const group = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(group, "welcome");
    await got(raju, "welcome");
    await ravi.client.chats.changeMembers(group, { remove: [user("raju")] });
    await until(() => eventsOf(raju, "chat_left").length > 0);
    await crash(raju);
    const again = await connect("raju/phone");
    await again.client.chats.refresh();
    const left = async () =>
      (await again.client.chats.all()).find((each) => each.chat === group)?.left;
    expect(await left()).toBe(true);
    expect(await texts(again, group)).toEqual(["welcome"]);
    const before = backend.frames.length;
    await again.client.messages.markRead(group, 1);
    await again.client.messages.typing(group);
    await expect(again.client.send(group, "hello?")).rejects.toThrow(NotAMember);
    await again.client.sync();
    const sent = backend.frames.slice(before).filter(({ device }) => device === again.name);
    expect(sent.filter(({ chat }) => chat === group)).toEqual([]);
    await ravi.client.chats.changeMembers(group, { add: [user("raju")] });
    await ravi.client.send(group, "back");
    await got(again, "back");
    await until(async () => (await left()) === false); // a text may come before the list of members
    await again.client.send(group, "thank you");
    await got(ravi, "thank you");
  });
});

describe("a receipt that is rejected", () => {
  test("is not sent again, and shows that the user is no longer in the chat", async () => {
    const { ravi, raju } = await pair();
    const group = await ravi.client.chats.group([user("raju")]);
    await ravi.client.send(group, "welcome");
    await got(raju, "welcome");
    await backend.takeOut(group, user("raju"));
    await raju.client.messages.markRead(group, 1);
    await until(() => eventsOf(raju, "chat_left").length > 0);
    const receipts = () =>
      backend.frames.filter((each) => each.device === raju.name && each.action === "receipt")
        .length;
    const before = receipts();
    raju.client.cut();
    await until(() => eventsOf(raju, "connected").length > 1);
    await raju.client.sync();
    expect(receipts()).toBe(before);
    expect(eventsOf(raju, "chat_left")).toHaveLength(1);
  });
});

describe("the end", () => {
  test.each(["with", "after"])("who is displaced stays away, whatever came %s it", async (when) => {
    const { ravi, raju, chat } = await pair();
    await raju.client.send(chat, "hello");
    await got(ravi, "hello");
    const socket = backend.sockets.get(ravi.name);
    backend.lies.set("GET users", () => [503, { error: { code: "internal", message: "no" } }]);
    const comes = (seq = 99, device = "new") => {
      const logged = { seq, sender: user("raju"), device, frame: unreadable(chat) };
      socket?.deliver(backend.message(logged, ravi.name));
    };
    if (when === "with") {
      comes(2, "phone"); // what comes while it is taken waits together
      socket?.deliver({ type: "displaced" });
      comes();
    } else {
      const stop = ravi.client.listen(({ type }) => {
        if (type !== "message") return;
        stop();
        comes();
      });
      for (const seq of [2, 3]) comes(seq, "phone");
      socket?.deliver({ type: "displaced" });
    }
    await until(() => eventsOf(ravi, "disconnected").length > 0);
    expect(eventsOf(ravi, "displaced")).toHaveLength(1);
    expect(eventsOf(ravi, "disconnected").map(({ retryIn }) => retryIn)).toEqual([undefined]);
  });

  test("a client closes at once while a connection opens", async () => {
    const ravi = await connect("ravi/phone");
    const before = backend.tried;
    backend.stuck = true;
    ravi.client.cut();
    await until(() => backend.tried > before);
    let closed = false;
    void ravi.client.close().then(() => {
      closed = true;
    });
    await until(() => closed);
  });
});

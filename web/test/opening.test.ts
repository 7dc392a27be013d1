/** Real ratchets over a real store: what is read, what is refused, and what a crash leaves. */

import { beforeEach, describe, expect, test } from "vitest";
import { sealForGroup } from "../src/client/crypto/sealing.ts";
import { begin } from "../src/client/crypto/sessions.ts";
import * as tables from "../src/client/store/tables.ts";
import { startingWith } from "../src/client/store/tables.ts";
import { TestDevice, textOf } from "./two-devices.ts";

let ravi: TestDevice;
let raju: TestDevice;

beforeEach(async () => {
  ravi = await TestDevice.make("ravi/phone");
  raju = await TestDevice.make("raju/phone");
  await ravi.meet(raju);
  await raju.meet(ravi);
  await ravi.begin(raju);
});

describe("between two devices", () => {
  test("both ways, in and out of order", async () => {
    const first = [
      await ravi.seal(raju, "1"),
      await ravi.seal(raju, "2"),
      await ravi.seal(raju, "3"),
    ];
    for (const at of [2, 0, 1]) {
      expect(textOf(await raju.open(first[at] as never))).toBe(String(at + 1));
    }
    const answer = await raju.seal(ravi, "got them");
    expect(answer.payload?.startsWith("1.")).toBe(true);
    expect(textOf(await ravi.open(answer))).toBe("got them");
    const more = [await ravi.seal(raju, "4"), await ravi.seal(raju, "5")];
    expect(textOf(await raju.open(more[1] as never))).toBe("5");
    expect(textOf(await raju.open(more[0] as never))).toBe("4");
  });

  test("both began at the same time, and each reads the other", async () => {
    await raju.begin(ravi);
    const [a, b] = [await ravi.seal(raju, "from ravi"), await raju.seal(ravi, "from raju")];
    expect(textOf(await raju.open(a))).toBe("from ravi");
    expect(textOf(await ravi.open(b))).toBe("from raju");
    expect(textOf(await raju.open(await ravi.seal(raju, "again")))).toBe("again");
    expect(textOf(await ravi.open(await raju.seal(ravi, "and again")))).toBe("and again");
  });

  test("at most five sessions are kept, and the newest works", async () => {
    for (let n = 0; n < 7; n++) {
      await ravi.begin(raju);
      expect(textOf(await raju.open(await ravi.seal(raju, `${n}`)))).toBe(`${n}`);
    }
    const range = startingWith("chat", "ravi/phone");
    expect(await raju.store.all(tables.olmSessions, undefined, range)).toHaveLength(5);
    expect(textOf(await raju.open(await ravi.seal(raju, "on")))).toBe("on");
  });

  test("what is written goes over the session that last opened something", async () => {
    const made = async () => {
      const before = await ravi.store.all(tables.olmSessions);
      await ravi.begin(raju);
      const known = before.map(({ id }) => id);
      return (await ravi.store.all(tables.olmSessions)).find(({ id }) => !known.includes(id))?.id;
    };
    const first = await raju.open(await ravi.seal(raju, "over the first"));
    expect(textOf(first)).toBe("over the first");
    const [old] = await raju.store.all(tables.olmSessions);
    const answer = await raju.seal(ravi, "over the first as well");
    const second = await made();
    await raju.open(await ravi.seal(raju, "over the second"));
    const rows = await raju.store.all(tables.olmSessions);
    expect(rows.map(({ id }) => id).sort()).toEqual([old?.id, second].sort());
    await ravi.open(answer);
    await raju.open(await ravi.seal(raju, "over the first again"));
    const used = (await raju.store.all(tables.olmSessions)).toSorted((a, b) => b.opened - a.opened);
    expect(used.map(({ id }) => id)).toEqual([old?.id, second]);
    expect(used[0]?.made).toBe(old?.made);
  });

  test("a one-time key serves once", async () => {
    const mira = await TestDevice.make("mira/phone");
    await raju.meet(mira);
    await mira.meet(raju);
    const key = await raju.oneTimeKey();
    for (const each of [ravi, mira]) {
      await each.store.transaction((work) => begin(work, each.self, "once", raju.recipient, key));
    }
    expect(textOf(await raju.open(await ravi.seal(raju, "first", "once")))).toBe("first");
    expect((await raju.open(await mira.seal(raju, "second", "once"))).unreadable).toBe("damaged");
  });

  test("a crash between opening and saving loses nothing and opens nothing twice", async () => {
    const message = await ravi.seal(raju, "once");
    expect(textOf(await raju.openAndCrash(message))).toBe("once");
    expect(textOf(await raju.open(message))).toBe("once");
    expect((await raju.open(message)).unreadable).toBe("damaged");
    const later = await ravi.seal(raju, "twice");
    expect(textOf(await raju.openAndCrash(later))).toBe("twice");
    expect(textOf(await raju.open(later))).toBe("twice");
  });

  test("state survives a restart", async () => {
    const phone = await TestDevice.make("mira/phone", "restart");
    await phone.meet(ravi);
    await ravi.meet(phone);
    await ravi.begin(phone);
    const early = await ravi.seal(phone, "early");
    expect(textOf(await phone.open(await ravi.seal(phone, "late")))).toBe("late");
    await phone.store.close();
    const again = await TestDevice.make("mira/phone", "restart");
    expect(again.self.keys).toEqual(phone.self.keys);
    expect(textOf(await again.open(early))).toBe("early");
  });
});

describe("rejected", () => {
  test("the same message again, on the session it began", async () => {
    const message = await ravi.seal(raju, "once");
    await raju.open(message);
    expect((await raju.open({ ...message, messageId: "x" })).unreadable).toBe("damaged");
  });

  test("a message to the fallback key again, when its session is gone, and in another chat", async () => {
    await ravi.begin(raju, "other", true);
    const message = await ravi.seal(raju, "once", "other");
    expect(textOf(await raju.open(message))).toBe("once");
    expect((await raju.open({ ...message, chat: "third" })).unreadable).toBe("replayed");
    const [session] = await raju.store.all(tables.olmSessions, undefined, startingWith("other"));
    await raju.store.transaction(async (work) =>
      work.delete(tables.olmSessions, ["other", "ravi/phone", session?.id ?? ""]),
    );
    expect((await raju.open(message)).unreadable).toBe("replayed");
  });

  test.each([
    ["in another chat", { chat: "elsewhere" }],
    ["under another id", { messageId: "another" }],
  ])("a first message shown %s, and nothing of it stays", async (_, changes) => {
    const message = await ravi.seal(raju, "hello");
    expect((await raju.open({ ...message, ...changes })).unreadable).toBe("false_sender");
    expect(textOf(await raju.open(message))).toBe("hello");
  });

  test("a message that another device passes off as its own", async () => {
    const mira = await TestDevice.make("mira/phone");
    await raju.meet(mira);
    const message = await ravi.seal(raju, "hello");
    const stolen = { ...message, sender: "mira", senderDevice: "phone" };
    expect((await raju.open(stolen)).unreadable).toBe("damaged");
    expect(textOf(await raju.open(message))).toBe("hello");
  });

  test.each([
    ["no payload", { payload: undefined }, "no_payload"],
    ["no Olm payload", { payload: "hello" }, "damaged"],
    ["a payload of nothing", { payload: "0.AAAA" }, "damaged"],
    ["a message of a session that is not here", { payload: "1.AAAA" }, "no_session"],
    ["another algorithm", { alg: "olm.v9" }, "unknown_algorithm"],
    ["a stranger", { sender: "mira" }, "unknown_device"],
  ])("%s", async (_, changes, why) => {
    const message = await ravi.seal(raju, "hello");
    expect((await raju.open({ ...message, ...changes })).unreadable).toBe(why);
  });

  test("what comes from an identity that nobody has accepted, until somebody does", async () => {
    const other = await TestDevice.make("ravi/phone");
    await other.meet(raju);
    const [known] = await raju.store.all(tables.knownDevices);
    if (known === undefined) throw new Error("ravi is not known");
    const changed = { ...known, pending: other.self.keys };
    await raju.store.transaction(async (work) => work.put(tables.knownDevices, changed));
    await other.begin(raju);
    const message = await other.seal(raju, "it is me");
    expect((await raju.open(message)).unreadable).toBe("identity_changed");
    const before = await ravi.seal(raju, "from before");
    expect(textOf(await raju.open(before))).toBe("from before");
    const accepted = { ...changed, keys: other.self.keys, pending: undefined };
    await raju.store.transaction(async (work) => work.put(tables.knownDevices, accepted));
    expect(textOf(await raju.open(message))).toBe("it is me");
  });
});

describe("in a group", () => {
  test("whoever has the key reads, in any order, and from the index it was given at", async () => {
    const mira = await TestDevice.make("mira/phone");
    await mira.meet(ravi);
    await ravi.meet(mira);
    await ravi.begin(mira);
    await raju.open(await ravi.share(raju));
    const one = await ravi.sealForAll("1");
    await mira.open(await ravi.share(mira));
    const two = await ravi.sealForAll("2");
    expect(textOf(await raju.open(two))).toBe("2");
    expect(textOf(await raju.open(one))).toBe("1");
    expect(textOf(await mira.open(two))).toBe("2");
    expect((await mira.open(one)).unreadable).toBe("damaged");
  });

  test("the same ciphertext as another message is rejected, as the same one it is read", async () => {
    await raju.open(await ravi.share(raju));
    const message = await ravi.sealForAll("once");
    expect(textOf(await raju.open(message))).toBe("once");
    expect((await raju.open({ ...message, messageId: "other" })).unreadable).toBe("replayed");
    expect(textOf(await raju.open(message))).toBe("once");
  });

  test("nobody speaks through another's session", async () => {
    const mira = await TestDevice.make("mira/phone");
    await raju.meet(mira);
    await mira.meet(raju);
    await mira.begin(raju);
    const key = await ravi.share(raju);
    await raju.open(key);
    const message = await ravi.sealForAll("hello");
    const stolen = { ...message, sender: "mira", senderDevice: "phone" };
    expect((await raju.open(stolen)).unreadable).toBe("no_session");
    // not even one who has the key, and hands it on as its own
    const group = await ravi.store.get(tables.outboundGroups, "chat");
    const content = {
      kind: "room_key" as const,
      session_id: group?.id ?? "",
      key: ravi.self.ratchets.groupKey(group?.pickle ?? ""),
    };
    await raju.open(await mira.seal(raju, content));
    const next = await ravi.sealForAll("on");
    const again = { ...next, sender: "mira", senderDevice: "phone" };
    expect((await raju.open(again)).unreadable).toBe("false_sender");
    expect(textOf(await raju.open(next))).toBe("on");
  });

  test("of two keys of a session the one that opens more counts, whichever comes last", async () => {
    const early = await ravi.share(raju);
    const first = await ravi.sealForAll("first");
    const late = await ravi.share(raju);
    const second = await ravi.sealForAll("second");
    await raju.open(late);
    expect(textOf(await raju.open(second))).toBe("second");
    expect((await raju.open(first)).unreadable).toBe("damaged");
    await raju.open(early);
    expect(textOf(await raju.open(first))).toBe("first");
    await raju.open(await ravi.share(raju));
    expect(textOf(await raju.open(first))).toBe("first");
  });

  test("a key that names another session is rejected", async () => {
    await ravi.share(raju);
    const group = await ravi.store.get(tables.outboundGroups, "chat");
    const key = ravi.self.ratchets.groupKey(group?.pickle ?? "");
    const bad = await ravi.seal(raju, { kind: "room_key", session_id: "another", key });
    const before = await raju.store.all(tables.olmSessions);
    expect((await raju.open(bad)).unreadable).toBe("damaged");
    expect(await raju.store.all(tables.olmSessions)).toEqual(before);
  });

  test("what is no text is let pass: all else is for one device", async () => {
    await raju.open(await ravi.share(raju));
    const text = await ravi.sealForAll("a text");
    const payload = await ravi.store.transaction(async (work) => {
      const group = await work.get(tables.outboundGroups, "chat");
      if (group === undefined) throw new Error("there is no group session");
      const place = { chat: "chat", messageId: "another" };
      return sealForGroup(work, ravi.self, place, group, { kind: "request", of: ["x"] });
    });
    const message = { ...text, messageId: "another", payload };
    expect(await raju.open(message)).toEqual({ content: undefined });
  });
});

describe("identities that were", () => {
  test("of a device that has another one by now open what they sent, and nothing else", async () => {
    const [text, key] = [await ravi.seal(raju, "1"), await ravi.share(raju)];
    const inGroup = await ravi.sealForAll("2");
    const request = await ravi.seal(raju, { kind: "request", of: ["x"] });
    const anew = await TestDevice.make("ravi/phone");
    await raju.meet(anew);
    expect((await raju.open(text)).unreadable).toBeDefined();
    await raju.meet(anew, [ravi.self.keys]);
    expect(textOf(await raju.open(text))).toBe("1");
    await raju.open(key);
    expect(textOf(await raju.open(inGroup))).toBe("2");
    expect(await raju.open(request)).toEqual({ content: undefined });
    const range = startingWith("chat", "ravi/phone");
    expect(await raju.store.all(tables.olmSessions, undefined, range)).toEqual([]);
    await anew.meet(raju);
    await anew.begin(raju);
    expect(textOf(await raju.open(await anew.seal(raju, "3")))).toBe("3");
  });
  test("are no reason why what the present one sends can't be read", async () => {
    const anew = await TestDevice.make("ravi/phone");
    await raju.meet(anew, [ravi.self.keys]);
    await anew.meet(raju);
    await anew.begin(raju);
    await raju.open(await anew.share(raju));
    const text = await anew.sealForAll("1");
    expect(textOf(await raju.open(text))).toBe("1");
    expect((await raju.open({ ...text, messageId: "another" })).unreadable).toBe("replayed");
    const group = await anew.store.get(tables.outboundGroups, "chat");
    expect(group?.messages).toBe(1); // after so many there is a new session
  });
});

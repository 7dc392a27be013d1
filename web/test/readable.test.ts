/** Texts that are readable however many chats two people have, and whoever wrote them is gone. */

import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../src/client/core/settings.ts";
import { State } from "../src/client/core/ticks.ts";
import * as tables from "../src/client/store/tables.ts";
import {
  changeStore,
  connect,
  crash,
  eventsOf,
  got,
  shows,
  texts,
  until,
  useBackend,
  user,
  wrongBy,
} from "./scene.ts";

useBackend();

const DAY = 86_400_000;

describe("every text is readable", () => {
  test.each([-DAY, DAY])("by clocks that are wrong by %i ms", async (wrong) => {
    wrongBy(wrong);
    const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
    const chat = await ravi.client.chats.direct(raju.client.user);
    await ravi.client.send(chat, "1");
    await got(raju, "1");
    await raju.client.send(chat, "2");
    await got(ravi, "2");
    await crash(raju);
    await changeStore(raju, async (work) => {
      for (const { chat, device, id } of await work.all(tables.olmSessions)) {
        work.delete(tables.olmSessions, [chat, device, id]);
      }
    });
    const again = await connect("raju/phone");
    const id = await ravi.client.send(chat, "3");
    await got(again, "3");
    expect(eventsOf(again, "message_readable")).toHaveLength(1);
    const delivered = () =>
      eventsOf(ravi, "state").some((one) => one.messageId === id && one.state === State.DELIVERED);
    await until(delivered);
  });

  test("in sixteen common groups with two new devices, at once", { tags: "deep" }, async () => {
    const { keysLow, keysWanted } = DEFAULTS;
    const enough = { keysLow, keysWanted }; // one for each group and device that writes there
    const [ravi, raju] = [await connect("ravi/phone", enough), await connect("raju/phone", enough)];
    const groups: string[] = [];
    for (let n = 0; n < 16; n += 1) groups.push(await ravi.client.chats.group([user("raju")]));
    const laptops = [await connect("ravi/laptop", enough), await connect("raju/laptop", enough)];
    for (const { client } of laptops) await client.sync();
    await Promise.all(groups.map((chat, n) => ravi.client.send(chat, `text ${n}`)));
    for (const device of [raju, ...laptops]) {
      for (const n of groups.keys()) await got(device, `text ${n}`);
    }
  });

  test.each(["direct", "group"])(
    "of a device that was removed before, in a %s chat",
    { tags: "deep" },
    async (kind) => {
      const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
      const chat =
        kind === "direct"
          ? await ravi.client.chats.direct(raju.client.user)
          : await ravi.client.chats.group([raju.client.user]);
      await ravi.client.send(chat, "before");
      await got(raju, "before");
      await raju.client.send(chat, "too");
      await got(ravi, "too");
      await crash(ravi);
      const laptop = await connect("raju/laptop");
      await laptop.client.sync();
      const id = await laptop.client.send(chat, "by the laptop");
      await until(() => eventsOf(laptop, "state").some(({ messageId }) => messageId === id));
      await raju.client.devices.remove("laptop");
      const back = await connect("ravi/phone");
      await got(back, "by the laptop");
      expect(eventsOf(back, "device_added").map(({ device }) => device)).toEqual(["laptop"]);
      await back.client.send(chat, "after");
      await got(raju, "after");
      expect(await texts(back, chat)).toEqual(["before", "too", "by the laptop", "after"]);
      expect(shows(laptop, "after")).toEqual([]);
    },
  );
});

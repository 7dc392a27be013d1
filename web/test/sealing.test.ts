/** One content for many devices: frames under the limit, each with an id of its own. */

import { expect, test } from "vitest";
import { SEND_LIMIT_BYTES } from "../src/client/core/frames.ts";
import { isText } from "../src/client/core/ids.ts";
import { utf8Length } from "../src/client/crypto/padding.ts";
import { pack, roomFor } from "../src/client/crypto/sealing.ts";
import { TestDevice, textOf } from "./two-devices.ts";

const ID = "01JDB2F6Y8W6X1T9N5R3Q7P0AB";

async function devices(count: number): Promise<[TestDevice, TestDevice[]]> {
  const sender = await TestDevice.make("ravi/phone");
  const others: TestDevice[] = [];
  for (let n = 0; n < count; n++) {
    const other = await TestDevice.make(`raju/device-number-${n}`);
    await sender.meet(other);
    await other.meet(sender);
    await sender.begin(other);
    others.push(other);
  }
  return [sender, others];
}

test.each([
  ["a word", 1, 12, 1],
  ["a page", 3_000, 12, 3],
  ["all that fits", 15_900, 3, 3],
])("%s", async (_, length, count, frames) => {
  const [sender, others] = await devices(count);
  const text = "x".repeat(length);
  const parcel = {
    chat: "chat",
    hidden: false,
    first: { messageId: ID, content: { kind: "text" as const, text } },
    further: () => ({
      messageId: crypto.randomUUID(),
      content: { kind: "copy" as const, of: ID, text, sent_at: 1 },
    }),
  };
  const packed = await sender.store.transaction((work) =>
    pack(
      work,
      sender.self,
      parcel,
      others.map((other) => other.recipient),
    ),
  );
  expect(packed).toHaveLength(frames);
  expect(packed.flatMap((each) => each.devices)).toEqual(others.map((other) => other.self.name));
  expect(packed.map(({ messageId }) => isText(messageId))).toEqual(packed.map((_, at) => at === 0));
  for (const { frame, messageId, devices } of packed) {
    expect(utf8Length(frame)).toBeLessThan(SEND_LIMIT_BYTES);
    const { to, message_id } = JSON.parse(frame) as {
      to: Record<string, string>;
      message_id: string;
    };
    expect(message_id).toBe(messageId);
    for (const other of others.filter(({ self }) => devices.includes(self.name))) {
      const opened = await other.open({
        type: "message",
        chat: "chat",
        seq: 1,
        messageId,
        sender: "ravi",
        senderDevice: "phone",
        sentAt: 0,
        alg: "olm.v1",
        payload: to[other.self.name],
      });
      if (messageId === ID) expect(textOf(opened)).toBe(text);
      else expect(opened).toEqual({ content: { kind: "copy", of: ID, text, sent_at: 1 } });
    }
  }
});

test("what is too large for a frame is known before it is sealed", async () => {
  const [{ self }] = await devices(0);
  const size = (length: number) => {
    const copy = { kind: "copy" as const, of: ID, text: "x".repeat(length), sent_at: Date.now() };
    return roomFor(self, copy).size;
  };
  expect(size(16_000)).toBeLessThan(SEND_LIMIT_BYTES);
  expect(size(20_400)).toBeGreaterThan(SEND_LIMIT_BYTES);
});

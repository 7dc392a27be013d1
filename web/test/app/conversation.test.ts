/** An open chat: what is loaded of it, and what is read again when something happens in it. */

import { expect, test, vi } from "vitest";
import { Conversation } from "../../src/app/model/conversation.ts";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { ChatClient, Event, StoredMessage } from "../../src/client/index.ts";

const CHAT = "c1";

/** A device with these messages, as its history shows them. */
class Device {
  readonly user = "raju";
  readonly rows: StoredMessage[] = [];
  /** What happens while the history is being read. */
  meanwhile: ((chat: string) => void) | undefined;
  #heard: (event: Event) => void = () => {};

  get client(): ChatClient {
    return this as unknown as ChatClient;
  }

  write(count: number, what: Partial<StoredMessage> = {}, placed = true): void {
    for (let n = 0; n < count; n++) {
      const at = this.rows.length + 1;
      const messageId = `m${at}`;
      const reference = { by: "ravi/phone", id: messageId };
      const seq = placed ? at : undefined;
      const row = { chat: CHAT, seq, messageId, reference, sender: "ravi", text: "", ...what };
      this.rows.push(row as StoredMessage);
    }
  }

  tell(event: Event): void {
    this.#heard(event);
  }

  listen(hears: (event: Event) => void): () => void {
    this.#heard = hears;
    return () => {};
  }

  async chats() {
    return [];
  }

  async watermarks() {
    return new Map();
  }

  async history(chat: string, limit: number, before?: number): Promise<StoredMessage[]> {
    const rows = this.rows.filter(({ seq }) => before === undefined || (seq ?? before) < before);
    this.meanwhile?.(chat);
    return rows.slice(-limit).map((row) => ({ ...row }));
  }
}

const ids = ({ messages }: Conversation) => messages.map(({ messageId }) => messageId);
const changed = (messageId: string): Event => ({
  type: "message_changed",
  chat: CHAT,
  sender: "ravi/phone",
  messageId,
  what: "deletion",
  by: "ravi",
});

test.each([
  [0, 59],
  [0, 60],
  [0, 161],
  [1, 60],
  [250, 0],
  [250, 160],
  [161, 161],
])("%d messages, and %d that wait for their place, are loaded in full", async (placed, waiting) => {
  const device = new Device();
  device.write(placed);
  device.write(waiting, {}, false);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  await conversation.loadUntil(() => false);
  const all = device.rows.map(({ messageId }) => messageId);
  expect([ids(conversation), conversation.complete]).toEqual([all, true]);
  conversation.refresh("tail");
  await conversation.older(); // in its turn
  expect(ids(conversation)).toEqual(all);
});

test("what was loaded stays, however much waits for its place, and what is older can be loaded", async () => {
  const device = new Device();
  device.write(400);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  await conversation.older();
  device.write(100, {}, false);
  conversation.refresh("tail");
  await vi.waitFor(() => expect(ids(conversation)).toHaveLength(260));
  expect(conversation.complete).toBe(false);
});

test("a quote of what is not loaded changes with it, wherever the reply stands", async () => {
  for (const below of [0, 100]) {
    const device = new Device();
    device.write(300);
    const of = { by: "ravi/phone", id: "m1" };
    const quoting = (text: string | undefined) => ({
      reply: { of, sender: "ravi", text, here: true, deleted: text === undefined },
    });
    device.write(1, quoting("secret"));
    device.write(below);
    const conversation = await Conversation.open(device.client, CHAT, 0);
    if (below > 0) await conversation.older();
    const shown = () => conversation.messages.find(({ reply }) => reply !== undefined)?.reply?.text;
    expect(shown()).toBe("secret");
    device.rows[300] = { ...(device.rows[300] as StoredMessage), ...quoting(undefined) };
    conversation.heard(changed("m1"));
    await vi.waitFor(() => expect(shown()).toBeUndefined());
  }
});

test("what happens to the newest messages reads the newest only", async () => {
  const device = new Device();
  device.write(300);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  await conversation.older();
  const history = vi.spyOn(device, "history");
  conversation.heard(changed("m300"));
  conversation.heard({ type: "typing", chat: CHAT, user: "ravi" } as Event);
  await vi.waitFor(() => expect(history).toHaveBeenCalled());
  expect(history.mock.calls).toEqual([[CHAT, 60]]);
});

test("only a reply answers a message", async () => {
  const device = new Device();
  device.write(1);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  const [message] = conversation.messages as [StoredMessage];
  expect(conversation.answered).toBeUndefined();
  conversation.compose({ what: "edit", message });
  expect(conversation.answered).toBeUndefined();
  conversation.compose({ what: "reply", message });
  expect(conversation.answered).toEqual({ by: "ravi/phone", id: "m1" });
});

test("what comes while a chat is being opened is shown, and not taken for read", async () => {
  const device = new Device();
  device.write(3);
  const session = new Session(device.client, {} as Drafts);
  const before = performance.now();
  device.meanwhile = () => {
    device.meanwhile = undefined;
    device.write(1);
    device.tell({ type: "message", chat: CHAT, own: false, sender: "ravi" } as Event);
  };
  await session.openChat(CHAT);
  const { open } = session;
  if (open === undefined) throw new Error("it is not open");
  await vi.waitFor(() => expect(ids(open)).toEqual(["m1", "m2", "m3", "m4"]));
  expect(open.lastArrival).toBeGreaterThanOrEqual(before);
});

test("the chat that was asked for last is the one that is open", async () => {
  for (const last of ["c2", undefined]) {
    const device = new Device();
    const session = new Session(device.client, {} as Drafts);
    let later: Promise<void> | undefined;
    device.meanwhile = (chat) => {
      if (chat === CHAT) later ??= session.openChat(last);
    };
    await session.openChat(CHAT);
    await later;
    expect(session.open?.chat).toBe(last);
  }
});

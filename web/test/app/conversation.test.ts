/** An open chat: what is loaded of it, and what is read again when something happens in it. */

import { describe, expect, test, vi } from "vitest";
import { Conversation } from "../../src/app/model/conversation.ts";
import type { Drafts } from "../../src/app/model/drafts.ts";
import { Session } from "../../src/app/model/session.ts";
import type { ChatClient, Event, MemberMarks, StoredMessage } from "../../src/client/index.ts";

const CHAT = "c1";

/** A device with these messages, as its history shows them. */
class Device {
  readonly user = "raju";
  readonly rows: StoredMessage[] = [];
  /** Of the chat, in the list of chats. */
  summary: { readonly read: number; readonly unread: number } | undefined;
  marks = new Map<string, MemberMarks>();
  /** Reading the history fails so often. */
  failures = 0;
  /** What happens while the history is being read. */
  meanwhile: ((chat: string) => void) | undefined;
  #heard: (event: Event) => void = () => {};

  get client(): ChatClient {
    const { user } = this;
    const chats = { all: () => this.chats(), watermarks: () => this.watermarks() };
    const history = (...given: Parameters<Device["history"]>) => this.history(...given);
    const listen = (hears: (event: Event) => void) => this.listen(hears);
    return { user, chats, messages: { history }, listen } as unknown as ChatClient;
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
    return this.summary === undefined ? [] : [{ chat: CHAT, ...this.summary }];
  }

  async watermarks() {
    return new Map(this.marks);
  }

  async history(chat: string, limit: number, before?: number): Promise<StoredMessage[]> {
    const rows = this.rows.filter(({ seq }) => before === undefined || (seq ?? before) < before);
    this.meanwhile?.(chat);
    if (this.failures-- > 0) throw new Error("the store can't be read");
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
      reply: { of, sender: "ravi", text, file: undefined, here: true, deleted: text === undefined },
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

test("only a reply refers to a message", async () => {
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

test("what was written here or on another tab is shown in the open chat before it is accepted", async () => {
  const device = new Device();
  const session = new Session(device.client, {} as Drafts);
  await session.openChat(CHAT);
  const { open } = session;
  if (open === undefined) throw new Error("it is not open");
  await open.older(); // what it reads first is read
  device.write(1, {}, false);
  session.changedElsewhere({ type: "wrote", chat: CHAT, what: "tail" });
  await vi.waitFor(() => expect(ids(open)).toEqual(["m1"]));
  const refresh = vi.spyOn(open, "refresh");
  session.changedElsewhere({ type: "wrote", chat: CHAT, what: "all" });
  session.changedElsewhere({ type: "wrote", chat: "c2", what: "all" });
  expect(refresh.mock.calls).toEqual([["all"]]);
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

const said = (sender: string): Event =>
  ({ type: "message", chat: CHAT, own: sender === "raju", sender, messageId: "m0" }) as Event;
const marked = (user: string, read: number): Event => ({
  type: "watermarks",
  chat: CHAT,
  user,
  delivered: read,
  read,
});

describe("the line above what is unread", () => {
  /** Of 400 messages these two are the user's own. */
  async function opened(read: number, unread: number): Promise<Conversation> {
    const device = new Device();
    device.write(390);
    device.write(2, { sender: "raju" });
    device.write(8);
    device.summary = { read, unread };
    return Conversation.open(device.client, CHAT, 0);
  }

  test.each([
    ["above the first one that is not read", 393, 7, "m394"],
    ["not above an own one", 390, 8, "m393"],
    ["nowhere where all is read", 400, 0, undefined],
    ["nowhere where nothing counts as unread", 393, 0, undefined],
    ["far above what is shown at first", 100, 298, "m101"],
  ])("stands %s", async (_where, read, unread, messageId) => {
    const conversation = await opened(read, unread);
    const line = messageId && { messageId, count: unread };
    expect(conversation.unread).toEqual(line);
  });

  test("goes once another device has read that message, and does not come back", async () => {
    const conversation = await opened(393, 7);
    const line = { messageId: "m394", count: 7 };
    conversation.heard(marked("ravi", 400));
    conversation.heard(marked("raju", 393));
    expect(conversation.unread).toEqual(line);
    const drawn = vi.fn();
    conversation.watch(drawn);
    conversation.heard(marked("raju", 394));
    expect([conversation.unread, drawn.mock.calls.length]).toEqual([undefined, 1]);
    conversation.heard(marked("raju", 1));
    expect(conversation.unread).toBeUndefined();
  });
});

test("what others write is counted and has its time, what the user writes has neither", async () => {
  const device = new Device();
  device.write(1);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  conversation.heard(said("raju"));
  conversation.heard(marked("ravi", 1));
  expect([conversation.arrived, conversation.lastArrival]).toEqual([0, 0]);
  const before = performance.now();
  conversation.heard(said("ravi"));
  conversation.heard(said("meena"));
  expect(conversation.arrived).toBe(2);
  expect(conversation.lastArrival).toBeGreaterThanOrEqual(before);
});

test("how far the members are is read when it is opened, and when somebody gets further", async () => {
  const device = new Device();
  device.write(3);
  device.marks.set("ravi", { delivered: 2, read: 1 });
  const conversation = await Conversation.open(device.client, CHAT, 0);
  expect(conversation.marks.get("ravi")).toEqual({ delivered: 2, read: 1 });
  device.marks.set("ravi", { delivered: 3, read: 3 });
  conversation.heard(marked("ravi", 3));
  await vi.waitFor(() => expect(conversation.marks.get("ravi")?.read).toBe(3));
});

test("the newest has the highest seq, whatever waits for its place", async () => {
  const device = new Device();
  device.write(3);
  device.write(2, {}, false);
  expect((await Conversation.open(device.client, CHAT, 0)).newest).toBe(3);
  expect((await Conversation.open(new Device().client, CHAT, 0)).newest).toBe(0);
});

test("what happens above the newest is read although they are being read again already", async () => {
  const device = new Device();
  device.write(300);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  await conversation.older();
  device.rows[200] = { ...(device.rows[200] as StoredMessage), deleted: true };
  conversation.refresh("tail");
  conversation.heard(changed("m201"));
  const shown = () => conversation.messages.find(({ messageId }) => messageId === "m201");
  await vi.waitFor(() => expect(shown()?.deleted).toBe(true));
});

test("a page that can't be read is read by the next call", async () => {
  const device = new Device();
  device.write(120);
  const conversation = await Conversation.open(device.client, CHAT, 0);
  device.failures = 1;
  await expect(conversation.older()).rejects.toThrow("can't be read");
  await conversation.older();
  expect([ids(conversation)[0], conversation.complete]).toEqual(["m1", true]);
});

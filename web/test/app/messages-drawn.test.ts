/** How messages are drawn and put into words: who, what, when, and what became of them. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Fetched } from "../../src/app/model/files.ts";
import type { Session } from "../../src/app/model/session.ts";
import { fileOf, sendingFiles } from "../../src/app/views/file.ts";
import { continues, isFirstOfDay, messageRow, type Row } from "../../src/app/views/message.ts";
import { type Hands, reactions, textOf } from "../../src/app/views/message-body.ts";
import { messageInfo, stateOf } from "../../src/app/views/message-info.ts";
import { messageMenu } from "../../src/app/views/message-menu.ts";
import { ticks } from "../../src/app/views/parts.ts";
import type { Ui } from "../../src/app/views/ui.ts";
import { en } from "../../src/app/words/en.ts";
import { type Attachment, FileGone, State, type StoredMessage } from "../../src/client/index.ts";
import { actions, drawn, said } from "./drawn.ts";

const NOON = new Date(2026, 10, 29, 12, 0).getTime();
const MINUTE = 60_000;
const FILE = { id: "f1", kind: "picture", name: "a.png", size: 2_000_000 } as Attachment;

let fetched: Fetched | undefined;
let request: boolean;
const session = {
  user: "raju",
  registeredAt: 0,
  nameOf: (user: string) => (user === "ravi" ? "Ravi K." : user),
  pictureOf: () => undefined,
  entry: () => ({ kind: "direct", left: false }),
  isRequest: () => request,
  files: { of: () => fetched, sendingIn: () => [] },
} as unknown as Session;
const hands: Hands = { openMenu: vi.fn(), show: vi.fn(), picture: vi.fn(), react: vi.fn() };

beforeEach(() => {
  fetched = undefined;
  request = false;
  vi.clearAllMocks();
});

const message = (more: Partial<StoredMessage> = {}) =>
  ({
    chat: "c1",
    seq: 1,
    messageId: "m1",
    sender: "ravi",
    senderDevice: "phone",
    sentAt: NOON,
    text: "Hey",
    kind: "text",
    reactions: [],
    ...more,
  }) as StoredMessage;
const own = (more: Partial<StoredMessage> = {}) =>
  message({ sender: "raju", state: State.SENT, ...more });
const row = (of: StoredMessage, more: Partial<Row> = {}): Row => ({
  message: of,
  before: undefined,
  named: false,
  firstOfDay: false,
  unread: undefined,
  active: false,
  found: false,
  ...more,
});
const rowOf = (of: StoredMessage, more: Partial<Row> = {}) =>
  drawn(messageRow(row(of, more), session, hands));

describe("the sign of what became of a message", () => {
  test.each([
    [State.FAILED, 0],
    [State.WAITING, 0],
    [State.SENT, 1],
    [State.DELIVERED, 2],
    [State.READ, 2],
  ] as const)("of state %d has %d ticks, and is said", (state, count) => {
    const sign = drawn(ticks(state));
    const strokes = sign.match(/M\d+ \d+l3.5 3.5|M8.5 12l.5.5/g) ?? [];
    expect(strokes).toHaveLength(count);
    expect(sign).toContain(`state-${state}`);
    expect(said(ticks(state))).toBe(en.state[state]);
  });
  test("of each state is another one for people", () => {
    const shown = [State.FAILED, State.WAITING, State.SENT, State.DELIVERED, State.READ];
    expect(new Set(shown.map((state) => en.state[state])).size).toBe(shown.length);
  });
});

describe("a row", () => {
  const labelOf = (markup: string) =>
    /role="article" aria-label=([^>]*?) tabindex/.exec(markup)?.[1];

  test.each([
    [message(), "Ravi K., Hey, 12:00"],
    [own({ state: State.READ, edited: true }), `You, Hey, 12:00, ${en.edited}, ${en.state[4]}`],
    [own({ sentAt: undefined, state: State.WAITING }), `You, Hey, ${en.state[1]}`],
    [message({ deleted: true, edited: true, text: "" }), `Ravi K., ${en.deleted}, 12:00`],
    [message({ state: State.READ }), "Ravi K., Hey, 12:00"],
  ])("is read as who, what, when and how far: %#", (of, expected) => {
    expect(labelOf(rowOf(of))?.replace(/\s(AM|PM)/, "")).toBe(expected);
  });
  test("has ticks for one's own messages alone", () => {
    expect(rowOf(own())).toContain("ticks state-2");
    expect(rowOf(message({ state: State.READ }))).not.toContain("ticks");
  });
  test("shows why a message has failed, and of no other one", () => {
    const reason = "too_large: no";
    expect(rowOf(own({ state: State.FAILED, reason }))).toContain(
      en.failedReason(en.errors.too_large),
    );
    expect(rowOf(own({ state: State.SENT, reason }))).not.toContain("failed-reason");
  });
  test("has the line above what is unread, and the day, where they belong", () => {
    expect(rowOf(message(), { unread: 3 })).toContain(en.unreadLine(3));
    expect(rowOf(message())).not.toMatch(/unread-line|class="day"/);
    const sentAt = Date.now() - 24 * 60 * MINUTE;
    expect(rowOf(message({ sentAt }), { firstOfDay: true })).toMatch(
      new RegExp(`class="day"[^Y]*${en.yesterday}<`),
    );
  });
  test("has the sender's name in a group, above the first of several", () => {
    const named = (more: Partial<Row>) => rowOf(message(), more).includes('class="sender');
    expect(named({ named: true })).toBe(true);
    expect(named({ named: true, before: message() })).toBe(false);
    expect(named({ named: true, before: message(), unread: 1 })).toBe(true);
    expect(named({ named: true, before: message(), firstOfDay: true })).toBe(true);
    expect(named({})).toBe(false);
  });
  test("is that of one device: two may take the same id", () => {
    expect(rowOf(message({ senderDevice: "desk" }))).toContain("data-key=ravi/desk/m1>");
  });
  test("that can't be read shows so, also where it is deleted", () => {
    const of = message({ unreadable: "no_session", deleted: true });
    expect(said(messageRow(row(of), session, hands))).toContain(en.undecryptable.waiting);
  });
  test("can be reached with Tab where it is the active one", () => {
    expect(rowOf(message(), { active: true })).toContain("tabindex=0");
    expect(rowOf(message())).not.toContain("tabindex=0");
  });
  test("shows that it disappears, and that it was edited, as long as it is there", () => {
    expect(rowOf(message({ expires: 60 }))).toContain(en.disappears);
    expect(rowOf(message({ edited: true }))).toContain(`<span>${en.edited}</span>`);
    expect(rowOf(message({ edited: true, deleted: true }))).not.toContain(`<span>${en.edited}`);
  });
  test("of what somebody did to the chat is no bubble, unless it is deleted", () => {
    const renamed = { kind: "chat_name", content: { kind: "chat_name", name: "Trip" } } as const;
    expect(rowOf(message(renamed))).toContain("chat-notice");
    expect(rowOf(message({ ...renamed, unreadable: "damaged" }))).not.toContain("chat-notice");
  });
  test("leads to an address in its text in a tab of its own", () => {
    const text = "see https://example.org.";
    const link =
      'see <a href=https://example.org target="_blank" rel="noopener noreferrer" dir="ltr"' +
      ">https://example.org</a>.";
    expect(rowOf(message({ text }))).toContain(link);
    expect(rowOf(message({ text: "javascript:alert(1)" }))).not.toContain("<a ");
  });
  test("shows the answered message as it is, deleted, or not here", () => {
    const of = { by: "raju/web", id: "m0" };
    const reply = (quote: object) => ({ of, sender: "raju", ...quote });
    const quoted = (quote: object) =>
      said(messageRow(row(message({ reply: reply(quote) as never })), session, hands));
    expect(quoted({ text: "tea?", here: true })).toContain(`${en.you} tea?`);
    expect(quoted({ text: "", file: FILE, here: true })).toContain(
      `${en.you} ${en.fileSaid.picture}`,
    );
    expect(quoted({ text: undefined, here: true, deleted: true })).toContain(en.deleted);
    expect(quoted({ text: undefined, here: false })).toContain(en.quoteNotHere);
  });
});

test.each([
  ["the first of all", undefined, NOON, true],
  ["the next day", NOON - 13 * 60 * MINUTE, NOON, true],
  ["the same day", NOON - 11 * 60 * MINUTE, NOON, false],
  ["the same day of another month", new Date(2026, 9, 29, 12).getTime(), NOON, true],
  ["what waits for its place", NOON, undefined, false],
])("%s begins a day: %s, %s: %s", (_what, before, at, first) => {
  const earlier = before === undefined ? undefined : message({ sentAt: before });
  expect(isFirstOfDay(message({ sentAt: at }), earlier)).toBe(first);
});

test.each([
  ["within five minutes", message({ sentAt: NOON - 5 * MINUTE + 1 }), true],
  ["after five minutes", message({ sentAt: NOON - 5 * MINUTE }), false],
  ["by somebody else", message({ sender: "meena" }), false],
  ["the first of all", undefined, false],
])("what is written %s stands with what is before: %#", (_what, before, together) => {
  expect(continues(message(), before)).toBe(together);
});

test.each<[Partial<StoredMessage>, string]>([
  [{}, "Hey"],
  [{ deleted: true, text: "" }, en.deleted],
  [{ unreadable: "no_session", text: undefined }, en.undecryptable.waiting],
  [{ unreadable: "damaged", deleted: true }, en.undecryptable.broken],
  [{ kind: "timer", content: { kind: "timer", seconds: 0 } }, en.timerOff("Ravi K.")],
  [{ kind: "timer", content: { kind: "timer", seconds: 3_600 } }, en.timerOn("Ravi K.", "1 hour")],
  [
    { kind: "chat_name", content: { kind: "chat_name", name: "Trip" } },
    en.renamed("Ravi K.", "Trip"),
  ],
  [{ kind: "chat_picture", sender: "raju" }, en.newPicture(en.you)],
  [{ kind: "file", text: "", content: { kind: "file", file: FILE } }, en.fileSaid.picture],
  [
    { kind: "file", text: "look", content: { kind: "file", file: FILE } },
    `${en.fileSaid.picture}, look`,
  ],
  [
    { kind: "file", text: "", content: { kind: "file", file: { ...FILE, kind: "file" } } },
    `${en.fileSaid.file}: a.png`,
  ],
  [{ kind: "unreadable" }, en.undecryptable.broken],
  [{ kind: "unknown", text: "" }, en.unknownKind],
])("%j is written as: %s", (of, expected) => {
  expect(textOf(message(of), session)).toBe(expected);
});

test("a reaction is pressed where it is one's own, and taken back by pressing it", () => {
  const of = message({
    reactions: [
      { user: "ravi", emoji: "👍" },
      { user: "raju", emoji: "👍" },
      { user: "ravi", emoji: "❤️" },
    ],
  });
  const shown = reactions(of, session, hands);
  expect(drawn(shown).match(/aria-pressed=\w+/g)).toEqual([
    "aria-pressed=true",
    "aria-pressed=false",
  ]);
  expect(said(shown)).toBe("👍 2 ❤️");
  expect(drawn(shown)).toContain("title=Ravi K., raju ");
  for (const press of actions(shown)) press();
  expect(vi.mocked(hands.react).mock.calls).toEqual([
    [of, null],
    [of, "❤️"],
  ]);
});

describe("what can be done with a message", () => {
  const { reply, copyText, edit, messageInfo: info, deleteMessage } = en;
  const menuOf = (of: StoredMessage) => messageMenu(of, {} as never, session, {} as Ui);

  test.each<[string, StoredMessage, string[], boolean]>([
    ["a text", message(), [reply, copyText], true],
    ["an own text", own(), [reply, copyText, edit, info, deleteMessage], true],
    ["an own file", own({ kind: "file" }), [reply, info, deleteMessage], true],
    [
      "an own text that failed",
      own({ state: State.FAILED }),
      [copyText, info, deleteMessage],
      false,
    ],
    ["an own text that is deleted", own({ deleted: true }), [info], false],
    ["what can't be read", message({ unreadable: "no_session" }), [], true],
    ["a notice", own({ kind: "timer" }), [info], false],
  ])("of %s", (_what, of, labels, react) => {
    const menu = menuOf(of);
    expect(menu.items.map(({ label }) => label)).toEqual(labels);
    expect((menu.emoji ?? []).length > 0).toBe(react);
  });
  test("is to react to it once, and to take that back by the same", async () => {
    const react = vi.fn(async (_: StoredMessage, emoji: string | null) => emoji);
    const ui = { run: (act: () => Promise<unknown>) => void act() } as Ui;
    const of = message({ reactions: [{ user: "raju", emoji: "👍" }] });
    const menu = messageMenu(of, {} as never, { ...session, react } as unknown as Session, ui);
    expect(menu.chosen).toBe("👍");
    for (const emoji of ["👍", "❤️"]) menu.react?.(emoji);
    expect(react.mock.calls.map(([, emoji]) => emoji)).toEqual([null, "❤️"]);
  });
  test("of a chat that was left is to copy it", () => {
    const left = { ...session, entry: () => ({ left: true }) } as unknown as Session;
    const menu = messageMenu(own(), {} as never, left, {} as Ui);
    expect(menu.items.map(({ label }) => label)).toEqual([copyText, info]);
  });
  test("is to reply to it, to edit it, and to copy it, of which a failure is reported", async () => {
    const writeText = vi.fn(async () => Promise.reject(new Error("not allowed")));
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const run = vi.fn((act: () => Promise<unknown>) => void act().catch(() => {}));
    const [compose, of] = [vi.fn(), own()];
    const menu = messageMenu(of, { compose } as never, session, { run } as unknown as Ui);
    for (const { label, run } of menu.items) if (label !== info && label !== deleteMessage) run();
    vi.unstubAllGlobals();
    expect(compose.mock.calls).toEqual(["reply", "edit"].map((what) => [{ what, message: of }]));
    expect([writeText.mock.calls, run.mock.calls.length]).toEqual([[["Hey"]], 1]);
  });
  test("in a request is to copy it", () => {
    request = true;
    expect(menuOf(message()).items.map(({ label }) => label)).toEqual([copyText]);
    expect(menuOf(message()).emoji).toEqual([]);
  });
});

test.each([
  [undefined, State.SENT],
  [1, State.READ],
  [2, State.READ],
  [3, State.DELIVERED],
  [4, State.DELIVERED],
  [5, State.SENT],
])("a message at %s is, with a member who has 4 and read 2, in state %d", (seq, state) => {
  expect(stateOf(seq, { delivered: 4, read: 2 })).toBe(state);
});

test("later marks do not count for what a block hid, or was there before a member", () => {
  const marks = { delivered: 4, read: 4, joinedAfter: 1, undelivered: [[3, 3]] } as const;
  expect([1, 2, 3, 4].map((seq) => stateOf(seq, marks))).toEqual([
    undefined,
    State.READ,
    State.SENT,
    State.READ,
  ]);
});

test("how far a message is with each member: the user and others' messages are not in it", () => {
  const marks = new Map([
    ["raju", { delivered: 9, read: 9 }],
    ["ravi", { delivered: 1, read: 1 }],
    ["meena", { delivered: 1, read: 0 }],
    ["mira", { delivered: 0, read: 0 }],
    ["lena", { delivered: 1, read: 1, joinedAfter: 1 }],
  ]);
  const open = { chat: "c1", marks, messages: [message({ messageId: "m0" }), own()] };
  const info = (id: string) =>
    said(messageInfo({} as Ui, { ...session, open } as unknown as Session, id));
  const words = info("m1").replace(/^.*?(?=Read by|Delivered)/s, "");
  const places = [en.readBy, "Ravi K.", en.deliveredTo, "meena", en.notYet, "mira"].map((text) =>
    words.indexOf(text),
  );
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places).not.toContain(-1);
  expect(words).not.toContain("raju");
  expect(words).not.toContain("lena");
  expect(info("m0")).toBe(said(en.messageInfo));
});

describe("a file", () => {
  const shown = (file: Partial<Attachment>, text = "") => {
    const content = { kind: "file", file: { ...FILE, ...file } } as const;
    return drawn(fileOf(message({ kind: "file", text, content }), session, hands.picture));
  };

  test("that is a picture has its thumbnail until it is here, in the shape that it will have", () => {
    const looks = { thumbnail: "/9j/abc", width: 30, height: 20 };
    expect(shown(looks)).toContain(
      "class=blurred src=data:image/jpeg;base64,/9j/abc width=30 height=20",
    );
    fetched = { at: "here", url: "blob:1", drawn: true };
    expect(shown(looks)).toContain("class= src=blob:1 width=30 height=20");
  });
  test.each([
    ["/9j/abc", "jpeg"],
    ["iVBORw0KGgo", "png"],
    ["UklGRabc", "webp"],
  ])("whose thumbnail begins as %s has the type of that: %s", (thumbnail, type) => {
    expect(shown({ thumbnail })).toContain(`src=data:image/${type};base64,${thumbnail} `);
  });
  test("that nobody should decode is never drawn, whatever it is called", () => {
    fetched = { at: "here", url: "blob:1", drawn: false };
    expect(shown({})).not.toContain("<img");
    expect(shown({})).toContain("href=blob:1 download=a.png");
  });
  test("that is spoken can be listened to once it is here, and shows how long it is before", () => {
    expect(shown({ kind: "voice", duration: 67_400 })).toContain("1:07");
    fetched = { at: "here", url: "blob:1", drawn: true };
    expect(shown({ kind: "voice" })).toContain("<audio controls src=blob:1");
  });
  test("shows how large it is, how far it is loaded, and why it is not", () => {
    expect(shown({ kind: "file" })).toContain("2 MB");
    expect(shown({ kind: "file" })).toContain(`class="file-name">${FILE.name}<`);
    fetched = { at: "loading", done: 500, size: 2_000 };
    expect(shown({ kind: "file" })).toContain("25%");
    fetched = { at: "failed", error: new FileGone() };
    expect(shown({ kind: "file" })).toContain(`role="alert">${en.fileGone}`);
  });
  test("has its caption below", () => {
    expect(shown({}, "look")).toContain('dir="auto">look');
    expect(shown({}, "https://example.org")).toContain("<a href=https://example.org");
    expect(shown({})).not.toContain('dir="auto"');
  });
  test("on its way is cancelled by its own button", () => {
    const each = (messageId: string, reason?: string) => ({
      messageId,
      name: messageId,
      done: 1,
      size: 2,
      reason,
    });
    const files = { sendingIn: () => [each("m1"), each("m2", "no network")] };
    const cancel = vi.fn();
    const shownFiles = sendingFiles("c1", { ...session, files } as unknown as Session, cancel);
    expect(said(shownFiles)).toContain("m2 no network");
    actions(shownFiles)[1]?.();
    expect(cancel.mock.calls).toEqual([["m2"]]);
    expect(drawn(sendingFiles("c1", session, cancel))).toBe("");
  });
});

/** The pane about a chat: who is offered what, and what that asks the backend for. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatEntry } from "../../src/app/model/chat-entries.ts";
import { ChatInfo } from "../../src/app/views/chat-info.ts";
import type { Menu } from "../../src/app/views/ui.ts";
import { en } from "../../src/app/words/en.ts";
import { ApiError } from "../../src/client/index.ts";
import { actions, drawn, enter, press, said, settled, shownAfter } from "./drawn.ts";
import { entry, made, NOON, sessionWith, uiOf } from "./view-scene.ts";

const ADMINS = { add: "admins", remove: "admins", rename: "admins" };
let menus: Menu[];

beforeEach(() => {
  menus = [];
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => vi.useRealTimers());

/** The pane of a group of raju, ravi and meena, or of another chat. */
function pane(of: Partial<ChatEntry> = {}, listed?: object, more: object = {}) {
  const asked: string[] = [];
  const note =
    (what: string) =>
    async (...given: unknown[]) =>
      void asked.push(`${what} ${JSON.stringify(given)}`);
  const people = Object.fromEntries(
    ["mute", "leave", "block", "forget", "changeAdmins"].map((what) => [what, note(what)]),
  );
  const chats = {
    changeMembers: note("members"),
    direct: async (user: string) => {
      asked.push(`direct ${user}`);
      return "d1";
    },
  };
  const members = ["raju", "ravi", "meena"];
  const chat = entry("c1", { kind: "group", members, timer: 0, ...of } as Partial<ChatEntry>);
  const { session } = sessionWith([chat], {
    listed: new Map(listed === undefined ? [] : [["c1", listed]]),
    describe: note("describe"),
    refreshPeople: async () => void asked.push("refresh"),
    known: async (chat: string) => void asked.push(`known ${chat}`),
    client: { people, chats },
    ...more,
  });
  const page = uiOf();
  Object.assign(page.ui, { choose: (menu: Menu) => void menus.push(menu) });
  const view = made(new ChatInfo(), { ui: page.ui, session, chat: "c1" });
  return { ...page, asked, draw: () => view.render() };
}

test.each([
  ["all may", undefined, true],
  ["all may", { rules: { rename: "members" } }, true],
  ["only admins may", { rules: ADMINS, admins: ["ravi"] }, false],
  ["the user is an admin", { rules: ADMINS, admins: ["raju"] }, true],
])("a group can be renamed where %s: %#", (_, listed, may) => {
  expect(said(pane({}, listed).draw()).includes(en.rename)).toBe(may);
});

test("a new name is sent without the blanks around it", async () => {
  const { draw, questions, asked } = pane({ name: "Trip" });
  press(draw(), en.rename);
  expect(questions[0]?.field?.value).toBe("Trip");
  await questions[0]?.run(" Tour ");
  expect(asked).toEqual(['describe ["c1",{"name":"Tour"}]']);
});

test.each([
  [0, NOON / 1_000 + 3_600],
  [1, NOON / 1_000 + 8 * 3_600],
  [2, 99_999_999_999],
])("the mute that stands in place %i of the menu ends at %i", async (at, until) => {
  const { draw, asked } = pane();
  press(draw(), en.mute);
  menus[0]?.items[at]?.run();
  await settled();
  expect(asked).toEqual([`mute ["c1",${until}]`, "refresh", "known c1"]);
});

test("what is muted can be heard again", async () => {
  const { draw, asked } = pane({}, undefined, { isMuted: () => true });
  press(draw(), en.unmute);
  await settled();
  expect(asked[0]).toBe('mute ["c1",0]');
});

describe("with a member", () => {
  const { startChat, makeAdmin, dismissAdmin, remove } = en;

  test.each([
    ["an admin, with a member", ["raju"], "ravi", [startChat, makeAdmin, remove]],
    ["an admin, with another one", ["raju", "ravi"], "ravi", [startChat, dismissAdmin, remove]],
    ["a member, with an admin", ["ravi"], "ravi", [startChat]],
    ["a member, with a member", ["ravi"], "meena", [startChat]],
  ])("%s, can do this", (_, admins, user, labels) => {
    press(pane({}, { admins, rules: ADMINS }).draw(), en.actionsFor(user));
    expect(menus[0]?.items.map(({ label }) => label)).toEqual(labels);
  });
  test.each([
    [startChat, ["direct ravi", "known d1"]],
    [makeAdmin, ['changeAdmins ["c1",{"appoint":["ravi"]}]', "refresh", "known c1"]],
    [remove, ['members ["c1",{"remove":["ravi"]}]', "refresh", "known c1"]],
  ])("%s does so, and the pane is up to date", async (label, does) => {
    const { draw, asked } = pane({}, { admins: ["raju"], rules: ADMINS });
    press(draw(), en.actionsFor("ravi"));
    menus[0]?.items.find((item) => item.label === label)?.run();
    await settled();
    expect(asked).toEqual(does);
  });
  test.each([true, false])("a chat begins, and is shown to who waits for it: %s", async (waits) => {
    const { draw, ui, went } = pane();
    press(draw(), en.actionsFor("ravi"));
    menus[0]?.items[0]?.run();
    if (!waits) ui.route = { at: "settings" };
    await settled();
    expect(went).toEqual(waits ? [{ at: "chat", chat: "d1" }] : []);
  });
  test("who takes no messages of strangers is named as such", async () => {
    const direct = () => Promise.reject(new ApiError("forbidden", "", 403));
    const { draw, ui } = pane({}, undefined, { client: { chats: { direct } } });
    const errors: string[] = [];
    const run = (act: () => Promise<unknown>) =>
      void act().catch((each) => errors.push(each.message));
    Object.assign(ui, { run });
    press(draw(), en.actionsFor("ravi"));
    menus[0]?.items[0]?.run();
    await settled();
    expect(errors).toEqual([en.notWelcome("ravi")]);
  });
  test("nothing can be done by who has left", () => {
    expect(drawn(pane({ left: true }).draw())).not.toContain(en.actionsFor("ravi"));
    expect(drawn(pane({ left: true }).draw())).not.toContain(en.addMembers);
  });
});

test("who is added is named as users are, and those who are invited are shown", async () => {
  const { draw, questions, asked } = pane({}, { invited: ["mira"] });
  expect(said(draw())).toContain(`mira ${en.invited}`);
  press(draw(), en.addMembers);
  await expect(questions[0]?.run("lena, Mr. X")).rejects.toThrow(en.userNameRule);
  expect(asked).toEqual([]);
  await questions[0]?.run("Lena, kiran");
  expect(asked).toEqual(['members ["c1",{"add":["lena","kiran"]}]', "refresh", "known c1"]);
});

test("messages disappear after the time that is chosen, also after one that is not offered", async () => {
  const { draw, asked } = pane({ timer: 90 });
  expect(drawn(draw()).match(/<option value=\d+ \.selected=true>/g)).toEqual([
    "<option value=90 .selected=true>",
  ]);
  enter(draw(), "change", "3600", actions(draw(), "change").length - 1);
  await settled();
  expect(asked).toEqual(['describe ["c1",{"timer":3600}]']);
});

test("rules are shown to admins alone, and where none was made with what holds", async () => {
  expect(said(pane({}, { admins: ["ravi"] }).draw())).not.toContain(en.rules);
  const { draw, asked } = pane({}, { admins: ["raju"], rules: { remove: "admins" } });
  const chosen = drawn(draw()).match(/value=(members|admins) \.selected=true/g);
  expect(chosen?.map((each) => each.slice(6, 12))).toEqual(["member", "admins", "member"]);
  enter(draw(), "change", "admins", actions(draw(), "change").length - 1);
  await settled();
  expect(asked[0]).toBe('changeAdmins ["c1",{"rules":{"rename":"admins"}}]');
});

test.each([
  ["the time after which messages disappear", "3600", "0", 3],
  ["a rule", "admins", "members", 2],
])("%s that could not be changed is shown as it is", async (_, chosen, holds, fromEnd) => {
  const failing = { listed: { admins: ["raju"] }, error: new TypeError("away") };
  const { draw, ui } = pane({}, failing.listed, {
    describe: () => Promise.reject(failing.error),
    client: { people: { changeAdmins: () => Promise.reject(failing.error) } },
  });
  const errors: unknown[] = [];
  const run = (act: () => Promise<unknown>) => void act().catch((each) => errors.push(each));
  Object.assign(ui, { run });
  const at = actions(draw(), "change").length - 1 - fromEnd;
  expect(await shownAfter(draw(), chosen, at)).toBe(holds);
  expect(errors).toEqual([failing.error]);
});

test.each([
  [new Set<string>(), en.block, "block"],
  [new Set(["ravi"]), en.unblock, "forget"],
])("of two one can block the other, and take that back: %#", async (blocked, label, does) => {
  const { draw, asked } = pane({ kind: "direct" }, undefined, { blocked });
  press(draw(), label);
  await settled();
  expect(asked).toEqual([`${does} ["ravi"]`, "refresh", "known c1"]);
});

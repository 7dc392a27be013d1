/** Forms: what is sent, what is said of a failure, and what stays after it. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import type { Session } from "../../src/app/model/session.ts";
import { LinkDevice } from "../../src/app/views/link-device.ts";
import { NewChat } from "../../src/app/views/new-chat.ts";
import { SettingsView } from "../../src/app/views/settings.ts";
import { SignIn } from "../../src/app/views/sign-in.ts";
import { Ui } from "../../src/app/views/ui.ts";
import { en } from "../../src/app/words/en.ts";
import { ApiError, Unreachable } from "../../src/client/index.ts";
import {
  changeOf,
  drawn,
  enter,
  Fields,
  press,
  said,
  settled,
  shownAfter,
  submit,
} from "./drawn.ts";
import { made, sessionWith, uiOf } from "./view-scene.ts";

const UNAUTHORIZED = new ApiError("unauthorized", "no", 401);
const FORBIDDEN = new ApiError("forbidden", "a temporary one", 403);
const LIMITED = new ApiError("rate_limited", "", 429, 900);
const BAD = new ApiError("bad_request", "weak", 400);
let asked: string[];
let failure: Error | undefined;
const note =
  (what: string) =>
  async (...given: unknown[]) => {
    asked.push(`${what} ${JSON.stringify(given)}`);
    if (failure !== undefined) throw failure;
  };

beforeEach(() => {
  [asked, failure] = [[], undefined];
  vi.stubGlobal("FormData", Fields);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("location", { hash: "", origin: "https://chat.example", pathname: "/" });
  vi.stubGlobal("localStorage", { getItem: () => null });
});
afterEach(() => vi.unstubAllGlobals());

describe("signing in", () => {
  const scene = () => {
    const app = {
      signIn: note("in"),
      forgotPassword: note("forgot"),
      resetPassword: note("reset"),
    };
    const view = made(new SignIn(), { ui: { app } as never, session: {} as Session });
    Object.assign(view, { querySelector: () => null });
    const send = async (fields: Record<string, string>) => {
      submit(view.render(), { user: "raju", password: "p", ...fields });
      await settled();
    };
    return { draw: () => view.render(), send };
  };

  test("takes a user name however it is typed, and says which ones there are", async () => {
    const { draw, send } = scene();
    await send({ user: " Raju " });
    press(draw(), en.signUp);
    await send({});
    await send({ user: "Mr. X" });
    const as = (fresh: boolean) => `in [{"user":"raju","password":"p"},${fresh}]`;
    expect(asked).toEqual([as(false), as(true)]);
    expect(drawn(draw())).toContain(`role="alert">${en.userNameRule}`);
  });
  test.each([
    ["a wrong password", UNAUTHORIZED, en.signIn, en.wrongPassword],
    ["a weak password", BAD, en.signUp, en.passwordRule],
    ["a name that is taken", new ApiError("conflict", "", 409), en.signUp, en.nameTaken],
    ["a temporary password", FORBIDDEN, en.signIn, en.needsOperator],
    ["a reset that is not offered", FORBIDDEN, en.forgot, en.noMails],
    ["a firewall", new ApiError("bad_request", "Forbidden", 403), en.signIn, en.errors.bad_request],
    ["too many tries", LIMITED, en.signIn, en.tooOften("in 15 minutes")],
  ])("shows what is wrong with %s until another form is shown", async (_, error, form, problem) => {
    const { draw, send } = scene();
    if (form !== en.signIn) press(draw(), form);
    failure = error;
    await send({});
    expect(drawn(draw())).toContain(`role="alert">${problem}`);
    expect(drawn(draw())).toContain("?disabled=false");
    press(draw(), form === en.signIn ? en.forgot : en.signIn);
    expect(drawn(draw())).not.toContain('role="alert"');
  });
  test("with a forgotten password asks for the code that was mailed, and then for a new one", async () => {
    const { draw, send } = scene();
    press(draw(), en.forgot);
    await send({});
    await send({ code: " 123 " });
    expect(asked).toEqual(['forgot ["raju"]', 'reset [{"user":"raju","password":"p"},"123"]']);
    failure = FORBIDDEN; // the code came by mail: it is the account
    await send({ code: "123" });
    expect(drawn(draw())).toContain(`role="alert">${en.needsOperator}`);
  });
});

describe("a new chat", () => {
  const scene = (group: boolean, request = false) => {
    const field = { value: "meena" };
    const ids: string[] = [];
    const client = {
      chats: {
        direct: async (user: string) => {
          await note("direct")(user);
          return "d1";
        },
        group: async (users: string[], name: string, requestId: string) => {
          ids.push(requestId);
          await note("group")(users, name);
          return "g1";
        },
      },
      people: {
        accept: note("accept"),
        contacts: async () =>
          new Map([
            ["ravi", "contact"],
            ["mira", "blocked"],
          ]),
      },
    };
    const known = async (chat: string) => void asked.push(`known ${chat}`);
    const isRequest = () => request;
    const { session } = sessionWith([], { client, known, isRequest });
    const page = uiOf();
    const view = made(new NewChat(), { ui: page.ui, session, group });
    Object.assign(view, { querySelector: () => field });
    view.connectedCallback();
    const says: string[] = [];
    const say = (text: string) => void says.push(text);
    const ui = Object.defineProperty(page.ui, "session", { value: session, writable: true });
    Object.assign(ui, { say });
    const become = (group: boolean) => {
      Object.assign(view, { group });
      view.willUpdate(new Map([["group", !group]]));
    };
    return { ...page, view, become, says, field, ids, draw: () => view.render() };
  };

  test("is one group, however often it is asked for until it is there", async () => {
    const { draw, ids } = scene(true);
    const create = async (name: string, users: string) => {
      submit(draw(), { name, users });
      await settled();
    };
    failure = new Unreachable("no response");
    await create("Trip", "ravi, meena");
    await create("Trip", "meena, ravi");
    await create("Journey", "ravi, meena");
    await create("Journey", "ravi");
    failure = undefined;
    await create("Journey", "ravi");
    await create("Journey", "ravi");
    const numbers = ids.map((id) => [...new Set(ids)].indexOf(id));
    expect(numbers).toEqual([0, 0, 1, 2, 2, 3]);
  });
  test("with somebody who has asked accepts that, and is known before it is shown", async () => {
    const { draw, went } = scene(false, true);
    submit(draw(), { users: "Ravi" });
    await settled();
    expect(asked).toEqual(['direct ["ravi"]', 'accept ["d1"]', "known d1"]);
    expect(went).toEqual([{ at: "chat", chat: "d1" }]);
  });
  test("leads nobody away who went elsewhere meanwhile", async () => {
    const { draw, ui, went } = scene(false);
    submit(draw(), { users: "ravi" });
    ui.route = { at: "settings" };
    await settled();
    expect(asked).toEqual(['direct ["ravi"]', "known d1"]);
    expect(went).toEqual([]);
  });
  test("is offered with contacts, of whom a click takes one more into a group", async () => {
    const { draw, field } = scene(true);
    await settled();
    expect(said(draw())).not.toContain("mira");
    press(draw(), "ravi");
    press(draw(), "ravi");
    expect(field.value).toBe("meena, ravi");
    submit(draw(), { name: " Trip ", users: field.value });
    await settled();
    expect(asked[0]).toBe('group [["meena","ravi"],"Trip"]');
  });
  test.each([
    ["a user who does not exist", false, "not_found", en.noUser("ravi")],
    ["a group of whom not all exist", true, "not_found", en.noUsers("ravi, meena")],
    ["a user who takes no messages", false, "forbidden", en.notWelcome("ravi")],
    ["a group that is not allowed", true, "forbidden", en.errors.forbidden],
  ] as const)("shows what is wrong with %s", async (_, group, code, problem) => {
    const { draw } = scene(group);
    failure = new ApiError(code, "", 400);
    submit(draw(), { users: group ? "ravi, meena" : "ravi" });
    await settled();
    expect(said(draw())).toContain(problem);
  });
  test.each([
    ["of a group", (at: ReturnType<typeof scene>) => at.become(true), [en.failed("away")]],
    [
      "that is gone",
      (at: ReturnType<typeof scene>) => at.view.disconnectedCallback(),
      [en.failed("away")],
    ],
    [
      "of another user",
      (at: ReturnType<typeof scene>) => {
        at.become(true);
        Object.assign(at.ui, { session: undefined });
      },
      [],
    ],
  ])("that failed late does nothing to the form %s", async (_, goes, says) => {
    const at = scene(false);
    failure = new TypeError("away");
    submit(at.draw(), { users: "ravi" });
    goes(at);
    expect(drawn(at.draw())).toContain("?disabled=false");
    await settled();
    expect(at.says).toEqual(says);
    expect(said(at.draw())).not.toContain(en.failed("away"));
  });
  test("that failed is not shown in the form of a group", async () => {
    const { draw, become } = scene(false);
    failure = new TypeError("away");
    submit(draw(), { users: "ravi" });
    await settled();
    expect(said(draw())).toContain(en.failed("away"));
    become(true);
    expect(said(draw())).not.toContain(en.failed("away"));
  });
  test("that failed shows why, and can be tried again", async () => {
    const { draw } = scene(false);
    failure = new ApiError("not_found", "", 404);
    submit(draw(), { users: "nobody" });
    await settled();
    expect(said(draw())).toContain(en.noUser("nobody"));
    expect(drawn(draw())).toContain("?disabled=false");
    failure = undefined;
    submit(draw(), { users: "ravi" });
    expect(said(draw())).not.toContain(en.noUser("nobody"));
    await settled();
    submit(draw(), { users: "Mr. X" });
    await settled();
    expect(said(draw())).toContain(en.userNameRule);
  });
});

describe("the settings", () => {
  const SETTINGS = { receipts: true, presence: "contacts", groups: "nobody", requests: "nobody" };
  const scene = async (settings: object | Error = SETTINGS, persisted = false) => {
    const says: string[] = [];
    const app = {
      notifications: Object.assign(new Model(), {
        state: "off",
        turnOn: note("on"),
        turnOff: note("off"),
      }),
      persisted,
      askToPersist: note("persist"),
      signOut: async (_: Session, everywhere: boolean) => void asked.push(`out ${everywhere}`),
      deleteAccount: async (_: Session, password: string) => {
        asked.push(`gone ${password}`);
        if (failure !== undefined) throw failure;
      },
    };
    const client = {
      device: "web",
      people: {
        settings: async (changes?: object) => {
          if (settings instanceof Error) throw settings;
          return { ...settings, ...changes };
        },
        forget: note("forget"),
      },
      account: Object.fromEntries(
        ["changePassword", "setEmail", "confirmEmail"].map((what) => [what, note(what)]),
      ),
    };
    const { session } = sessionWith([], {
      client,
      profiles: new Map([["raju", { name: "Raju", picture: "pic" }]]),
      setProfile: note("profile"),
      blocked: new Set(["mira"]),
      refreshPeople: async () => void asked.push("refresh"),
    });
    const page = uiOf();
    const ui = Object.assign(page.ui, { app, say: (text: string) => void says.push(text) });
    const view = made(new SettingsView(), { ui, session });
    view.connectedCallback();
    await settled();
    return { ...page, says, app, people: client.people, draw: () => view.render() };
  };

  test.each([
    ["a name", " R. ", '["R.","pic"]'],
    ["no name", " ", '[null,"pic"]'],
  ])("keep the picture when %s is given", async (_, name, profile) => {
    const { draw, says } = await scene();
    submit(draw(), { name });
    await settled();
    expect([asked, says]).toEqual([[`profile ${profile}`], [en.saved]]);
  });
  test("keep the name when the picture is removed", async () => {
    press((await scene()).draw(), en.removePicture);
    await settled();
    expect(asked).toEqual(['profile ["Raju",null]']);
  });
  test("of privacy show what is set now, and what was chosen", async () => {
    const { draw } = await scene();
    const checked = () => /\.checked=(\w+) aria-describedby="receipts/.exec(drawn(draw()))?.[1];
    expect(checked()).toBe("true");
    enter(draw(), "change", false, changeOf(draw(), en.receipts) - 1);
    await settled();
    expect(checked()).toBe("false");
    expect(said((await scene(new TypeError("away"))).draw())).toContain(en.failed("away"));
  });
  test("that could not be changed are shown as they are, with the error", async () => {
    const { draw, ui, people, says } = await scene();
    Object.assign(people, { settings: () => Promise.reject(new TypeError("away")) });
    Object.assign(ui, { run: Ui.prototype.run });
    const checks = changeOf(draw(), en.receipts) - 1;
    expect(await shownAfter(draw(), false, checks)).toBe(true);
    for (const [at, set] of ["contacts", "nobody", "nobody"].entries()) {
      expect(await shownAfter(draw(), "everybody", checks + 1 + at)).toBe(set);
    }
    expect(says).toEqual(Array(4).fill(en.failed("away")));
  });
  test("of notifications show whether they are on, also where the browser denies them", async () => {
    const { draw, app } = await scene();
    const at = changeOf(draw(), en.notify) - 1;
    Object.assign(app.notifications, { state: "off", turnOn: async () => {} });
    expect(await shownAfter(draw(), true, at)).toBe(false);
    const turnOn = async () => void Object.assign(app.notifications, { state: "on" });
    Object.assign(app.notifications, { turnOn });
    expect(await shownAfter(draw(), true, at)).toBe(true);
  });
  test("of notifications turn them on and off, where that is possible", async () => {
    const { draw, app } = await scene();
    const at = changeOf(draw(), en.notify);
    for (const state of ["off", "on"]) {
      Object.assign(app.notifications, { state });
      enter(draw(), "change", "", at - 1);
    }
    expect(asked.map((each) => each.split(" ")[0])).toEqual(["on", "off"]);
    for (const [state, disabled] of [
      ["unsupported", true],
      ["denied", true],
      ["off", false],
    ] as const) {
      Object.assign(app.notifications, { state });
      expect(drawn(draw())).toContain(`?disabled=${disabled} aria-describedby="notify-text"`);
    }
  });
  test("end a block, and show who is still blocked", async () => {
    press((await scene()).draw(), en.unblock);
    await settled();
    expect(asked).toEqual(['forget ["mira"]', "refresh"]);
  });
  test("show that the browser does not keep what is here", async () => {
    const { draw, says } = await scene();
    press(draw(), en.keepThem);
    await settled();
    expect([asked, says]).toEqual([["persist []"], [en.keptNot]]);
  });
  test("change a password that was typed twice, and an address", async () => {
    const { draw, says } = await scene();
    submit(draw(), { present: "old", fresh: "new", again: "nwe" }, 1);
    expect([asked, says]).toEqual([[], [en.differentPasswords]]);
    submit(draw(), { present: "old", fresh: "new", again: "new" }, 1);
    submit(draw(), { email: "r@example.org", password: "old" }, 2);
    submit(draw(), { code: " 123 " }, 3);
    await settled();
    expect(asked).toEqual([
      'changePassword ["old","new"]',
      'setEmail ["r@example.org","old"]',
      'confirmEmail ["123"]',
    ]);
  });
  test.each([
    ["a weak password", 1, BAD, en.passwordRule],
    ["a wrong password", 1, UNAUTHORIZED, en.errors.unauthorized],
    ["a password that an operator has to set", 1, FORBIDDEN, en.needsOperator],
    ["an address where none is used", 2, FORBIDDEN, en.noMails],
    ["a code where none is mailed", 3, FORBIDDEN, en.noMails],
  ])("show what is wrong with %s", async (_, form, error, problem) => {
    const { draw, says, ui } = await scene();
    Object.assign(ui, { run: Ui.prototype.run });
    failure = error;
    submit(draw(), {}, form);
    await settled();
    expect(says).toEqual([problem]);
  });
  test.each([
    [en.signOut, "out false"],
    [en.signOutAll, "out true"],
    [en.deleteAccount, "gone secret"],
  ])("ask before %s", async (label, does) => {
    const { draw, questions } = await scene();
    press(draw(), `${label} </button>`);
    expect([asked, questions[0]?.danger]).toEqual([[], true]);
    await questions[0]?.run("secret");
    expect(asked).toEqual([does]);
    failure = FORBIDDEN;
    if (label === en.deleteAccount) {
      await expect(questions[0]?.run("secret")).rejects.toThrow(en.needsOperator);
    }
  });
});

test("a device is let in by its name and the password, of which a wrong one is reported", async () => {
  const linking = { offer: async () => ({ label: "Chrome" }), confirm: note("confirm") };
  const says: string[] = [];
  const { session } = sessionWith([], { client: { linking } });
  const page = uiOf();
  Object.assign(page.ui, { say: (text: string) => void says.push(text) });
  const view = made(new LinkDevice(), { ui: page.ui, session });
  submit(view.render(), { code: "CODE" });
  await settled();
  const [question] = page.questions;
  expect(question?.text).toBe(en.letInText("Chrome"));
  failure = UNAUTHORIZED;
  await expect(question?.run("wrong")).rejects.toThrow(en.wrongPassword);
  failure = FORBIDDEN;
  await expect(question?.run("temporary")).rejects.toThrow(en.needsOperator);
  failure = undefined;
  await question?.run("right");
  expect(says).toEqual([en.isLetIn("Chrome")]);
});

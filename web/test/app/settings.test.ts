/** The settings: what they show, what a change asks for, and what they show where it fails. */

import { describe, expect, test } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import type { Session } from "../../src/app/model/session.ts";
import { SettingsView } from "../../src/app/views/settings.ts";
import { Ui } from "../../src/app/views/ui.ts";
import { en } from "../../src/app/words/en.ts";
import { changeOf, drawn, enter, press, said, settled, shownAfter, submit } from "./drawn.ts";
import {
  asked,
  asksAnew,
  BAD,
  FORBIDDEN,
  failure,
  failWith,
  note,
  UNAUTHORIZED,
} from "./form-scene.ts";
import { made, sessionWith, uiOf } from "./view-scene.ts";

asksAnew();

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
    failWith(error);
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
    failWith(FORBIDDEN);
    if (label === en.deleteAccount) {
      await expect(questions[0]?.run("secret")).rejects.toThrow(en.needsOperator);
    }
  });
});

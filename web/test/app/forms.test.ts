/** Forms: what is sent, what is said of a failure, and what stays after it. */

import { describe, expect, test } from "vitest";
import type { Session } from "../../src/app/model/session.ts";
import { LinkDevice } from "../../src/app/views/link-device.ts";
import { NewChat } from "../../src/app/views/new-chat.ts";
import { SignIn } from "../../src/app/views/sign-in.ts";
import { en } from "../../src/app/words/en.ts";
import { ApiError, Unreachable } from "../../src/client/index.ts";
import { drawn, press, said, settled, submit } from "./drawn.ts";
import { asked, asksAnew, BAD, FORBIDDEN, failWith, note, UNAUTHORIZED } from "./form-scene.ts";
import { made, sessionWith, uiOf } from "./view-scene.ts";

const LIMITED = new ApiError("rate_limited", "", 429, 900);

asksAnew();

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
    failWith(error);
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
    failWith(FORBIDDEN); // the code came by mail: it is the account
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
    failWith(new Unreachable("no response"));
    await create("Trip", "ravi, meena");
    await create("Trip", "meena, ravi");
    await create("Journey", "ravi, meena");
    await create("Journey", "ravi");
    failWith(undefined);
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
    failWith(new ApiError(code, "", 400));
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
    failWith(new TypeError("away"));
    submit(at.draw(), { users: "ravi" });
    goes(at);
    expect(drawn(at.draw())).toContain("?disabled=false");
    await settled();
    expect(at.says).toEqual(says);
    expect(said(at.draw())).not.toContain(en.failed("away"));
  });
  test("that failed is not shown in the form of a group", async () => {
    const { draw, become } = scene(false);
    failWith(new TypeError("away"));
    submit(draw(), { users: "ravi" });
    await settled();
    expect(said(draw())).toContain(en.failed("away"));
    become(true);
    expect(said(draw())).not.toContain(en.failed("away"));
  });
  test("that failed shows why, and can be tried again", async () => {
    const { draw } = scene(false);
    failWith(new ApiError("not_found", "", 404));
    submit(draw(), { users: "nobody" });
    await settled();
    expect(said(draw())).toContain(en.noUser("nobody"));
    expect(drawn(draw())).toContain("?disabled=false");
    failWith(undefined);
    submit(draw(), { users: "ravi" });
    expect(said(draw())).not.toContain(en.noUser("nobody"));
    await settled();
    submit(draw(), { users: "Mr. X" });
    await settled();
    expect(said(draw())).toContain(en.userNameRule);
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
  failWith(UNAUTHORIZED);
  await expect(question?.run("wrong")).rejects.toThrow(en.wrongPassword);
  failWith(FORBIDDEN);
  await expect(question?.run("temporary")).rejects.toThrow(en.needsOperator);
  failWith(undefined);
  await question?.run("right");
  expect(says).toEqual([en.isLetIn("Chrome")]);
});

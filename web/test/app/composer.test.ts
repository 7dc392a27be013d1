/** What the composer does while something is sent or recorded: which chat it acts on, and the focus. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { en } from "../../src/app/words/en.ts";
import { type StoredMessage, StoreUnavailable, Unreachable } from "../../src/client/index.ts";
import { FakeRecorder, message, reply, scene } from "./composer-scene.ts";

beforeEach(() => {
  FakeRecorder.spoken = "hey";
  vi.stubGlobal("document", { activeElement: null, body: null });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  vi.stubGlobal("MediaRecorder", FakeRecorder);
  const getUserMedia = async () => ({ getTracks: () => [] });
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
});
afterEach(() => vi.unstubAllGlobals());

test.each(["a file", "a text"])(
  "%s that is taken once another chat is open moves nothing there",
  async (what) => {
    const at = scene();
    at.first.compose(reply("answered"));
    await at.settled();
    if (what === "a file") at.attach();
    else {
      at.field.value = "hey";
      at.submit();
    }
    await at.goTo(at.second);
    at.second.compose(reply("kept"));
    await at.settled();
    at.takeFocus();
    at.sending.resolve();
    await at.settled();
    expect(at.sent).not.toHaveBeenCalled();
    expect(at.first.composing).toBeUndefined();
    expect(at.second.composing).toEqual(reply("kept"));
    expect(at.focused()).toBeUndefined();
  },
);

test("a file that is answered is named", async () => {
  const at = scene();
  const file = { kind: "picture", name: "a.png" };
  const message = { sender: "raju", text: "", kind: "file", content: { kind: "file", file } };
  at.first.compose({ what: "reply", message: message as StoredMessage });
  await at.settled();
  expect(at.text()).toContain(en.fileSaid.picture);
});

test("what is taken in the open chat is shown, and a reply that has begun since is kept", async () => {
  const at = scene();
  at.first.compose(reply("answered"));
  await at.settled();
  at.attach();
  at.first.compose(reply("next"));
  await at.settled();
  at.takeFocus();
  at.sending.resolve();
  await at.settled();
  expect(at.sent).toHaveBeenCalledOnce();
  expect(at.first.composing).toEqual(reply("next"));
  expect(at.focused()).toBe("field");
});

test("a file that is not taken once another chat is open is reported beside that chat", async () => {
  const at = scene();
  await at.settled();
  at.attach();
  await at.goTo(at.second);
  at.sending.reject(new Unreachable("no network"));
  await at.settled();
  expect(at.say).toHaveBeenCalledOnce();
  expect(at.text()).not.toContain(at.say.mock.calls[0]?.[0]);
});

test.each(["a file", "a text"])(
  "%s that is not taken once no chat is open is reported, and to nobody else",
  async (what) => {
    for (const [who, reports] of [
      ["the same user", 1],
      ["another one", 0],
    ] as const) {
      const at = scene();
      await at.settled();
      if (what === "a file") at.attach();
      else {
        at.type("hey");
        at.submit();
      }
      at.leave();
      if (who === "another one") Object.assign(at.ui, { session: undefined });
      at.sending.reject(new StoreUnavailable("full"));
      await at.settled();
      expect(at.say).toHaveBeenCalledTimes(reports);
    }
  },
);

test("of several files each that is not taken is named, and the others are sent", async () => {
  const at = scene();
  await at.settled();
  at.attach("b.txt", "away", "c.txt");
  at.sending.resolve();
  await at.settled();
  expect(at.kept).toEqual(["b.txt", "c.txt", "a.txt"]);
  expect(at.text()).toContain(`away: ${en.failed("away")}`);
});

test("a recording ends with the chat that it is for, and the next one's field has the focus", async () => {
  const at = scene();
  await at.settled();
  await at.press(en.record);
  expect(at.focused()).toBe("recording");
  await at.goTo(at.second);
  expect(at.text()).not.toContain(en.recording);
  expect(at.focused()).toBe("field");
});

test("the field has the focus after a recording of nothing", async () => {
  const at = scene();
  await at.settled();
  FakeRecorder.spoken = "";
  await at.press(en.record);
  await at.press(en.sendRecording);
  expect(at.sent).not.toHaveBeenCalled();
  expect(at.focused()).toBe("field");
});

test("a reply that begins while one records is what the recording answers", async () => {
  const at = scene();
  await at.settled();
  await at.press(en.record);
  at.takeFocus();
  at.first.compose(reply("answered"));
  await at.settled();
  expect(at.first.composing).toEqual(reply("answered"));
  expect(at.focused()).toBe("recording");
});

test("no edit begins while one records, and the reply before it stays", async () => {
  const at = scene();
  at.first.compose(reply("answered"));
  await at.settled();
  await at.press(en.record);
  at.takeFocus();
  at.first.compose({ what: "edit", message: message("own") });
  await at.settled();
  expect(at.first.composing).toEqual(reply("answered"));
  expect(at.text()).toContain(en.recordingFirst);
  expect(at.focused()).toBe("recording");
  await at.press(en.discardRecording);
  expect(at.text()).not.toContain(en.recordingFirst);
});

test("each chat has its own draft, and an edit leaves it as it is", async () => {
  const at = scene();
  await at.settled();
  at.type("for the first");
  expect(at.did).toEqual([["typing", "c1"]]);
  await at.goTo(at.second);
  expect(at.field.value).toBe("");
  at.type("");
  expect(at.did).toHaveLength(1); // nobody types there
  await at.goTo(at.first);
  expect(at.field.value).toBe("for the first");
  at.first.compose({ what: "edit", message: message("an own one") });
  await at.settled();
  expect(at.field.value).toBe("an own one");
  at.type("another one");
  expect([at.typed.get("c1"), at.did.length]).toEqual(["for the first", 1]);
  at.key("Escape");
  await at.settled();
  expect([at.first.composing, at.field.value]).toEqual([undefined, "for the first"]);
});

test("Enter sends what it answers, once, and not what an input method has ended", async () => {
  const at = scene();
  at.first.compose(reply("answered"));
  await at.settled();
  at.type("hey \n");
  at.composed(990);
  at.key("Enter", 1_000);
  expect(at.did).toEqual([["typing", "c1"]]);
  at.key("Enter", 2_000);
  at.key("Enter", 3_000);
  expect(at.did.slice(1)).toEqual([["send", "c1", "hey", { id: "answered" }]]);
  at.type("hey \n and more"); // typed on meanwhile
  at.sending.resolve();
  await at.settled();
  expect([at.field.value, at.typed.get("c1")]).toEqual(["and more", "and more"]);
  expect([at.sent.mock.calls.length, at.first.composing]).toEqual([1, undefined]);
  at.key("Enter", 4_000);
  await at.settled();
  expect(at.did.at(-1)).toEqual(["send", "c1", "and more", undefined]);
  expect([at.field.value, at.typed.get("c1")]).toEqual(["", ""]);
});

test("a draft that was sent is gone although another chat is open, whose own stays", async () => {
  const at = scene();
  await at.settled();
  at.type("hey");
  at.key("Enter");
  await at.goTo(at.second);
  at.type("kept");
  at.sending.resolve();
  await at.settled();
  expect([at.typed.get("c1"), at.typed.get("c2"), at.field.value]).toEqual(["", "kept", "kept"]);
});

test("what is typed on stays a draft, also where the chat or the field is another one's by then", async () => {
  for (const goes of ["away", "to an edit"]) {
    const at = scene();
    await at.settled();
    at.type("hey");
    at.key("Enter");
    at.type("hey, and more");
    if (goes === "away") await at.goTo(at.second);
    else at.first.compose({ what: "edit", message: message("own") });
    await at.settled();
    at.sending.resolve();
    await at.settled();
    expect(at.typed.get("c1")).toBe(", and more");
    expect(at.field.value).toBe(goes === "away" ? "" : "own");
  }
});

test.each(["a file", "a text"])(
  "%s that is taken gives the focus back to who waits",
  async (what) => {
    for (const [elsewhere, focused] of [
      [false, "field"],
      [true, undefined],
    ] as const) {
      const at = scene();
      await at.settled();
      at.type("hey");
      if (what === "a file") at.attach();
      else at.key("Enter");
      if (elsewhere) at.focusElsewhere();
      at.takeFocus();
      at.sending.resolve();
      await at.settled();
      expect(at.focused()).toBe(focused);
    }
  },
);

test("an edit that is taken gives the draft back", async () => {
  const at = scene();
  await at.settled();
  at.type("a draft");
  const edited = { what: "edit", message: message("own") } as const;
  at.first.compose(edited);
  await at.settled();
  at.type("own, edited");
  at.submit();
  at.sending.resolve();
  await at.settled();
  expect(at.did.at(-1)).toEqual(["edit", edited.message, "own, edited"]);
  expect([at.field.value, at.typed.get("c1")]).toEqual(["a draft", "a draft"]);
});

test("what could not be kept stays typed and is reported, until it is taken or another chat is open", async () => {
  const at = scene();
  await at.settled();
  at.type("hey");
  at.key("Enter");
  at.sending.reject(new StoreUnavailable("full"));
  await at.settled();
  expect([at.text().includes(en.notKept), at.field.value]).toEqual([true, "hey"]);
  await at.goTo(at.second);
  expect(at.text()).not.toContain(en.notKept);
});

test("files are pasted as files, and texts as texts", async () => {
  const at = scene();
  await at.settled();
  at.paste([]);
  expect(at.did).toEqual([]);
  at.paste([new File(["a"], "a.txt")]);
  expect(at.did).toEqual([["not pasted"]]);
});

test("a file can be chosen twice", async () => {
  const at = scene();
  await at.settled();
  expect(at.attach().value).toBe("");
});

test("a recording ends with the page that it is on", async () => {
  const at = scene();
  await at.settled();
  await at.press(en.record);
  at.view.disconnectedCallback();
  expect(at.text()).not.toContain(en.recording);
});

test("what was wrong is shown until something is taken", async () => {
  const at = scene();
  await at.settled();
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => Promise.reject(new Error()) } });
  await at.press(en.record);
  expect(at.text()).toContain(en.noMicrophone);
  at.type("hey");
  at.key("Enter");
  expect(at.text()).toContain(en.noMicrophone);
  at.sending.resolve();
  await at.settled();
  expect(at.text()).not.toContain(en.noMicrophone);
});

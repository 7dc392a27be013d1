/** What the composer does while something is sent or recorded: which chat it acts on, and the focus. */

import { ReactiveElement } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { Composer } from "../../src/app/views/composer.ts";
import { en } from "../../src/app/words/en.ts";
import { type StoredMessage, StoreUnavailable, Unreachable } from "../../src/client/index.ts";
import { actions, drawn, said } from "./drawn.ts";
import { sessionWith, uiOf } from "./view-scene.ts";

class FakeRecorder extends EventTarget {
  static isTypeSupported = () => true;
  static spoken = "hey";
  readonly mimeType = "audio/mp4";
  readonly stream = { getTracks: () => [] };
  state = "recording";
  start(): void {}
  stop(): void {
    this.state = "inactive";
    queueMicrotask(() => {
      const data = new Blob([FakeRecorder.spoken]);
      this.dispatchEvent(Object.assign(new Event("dataavailable"), { data }));
      this.dispatchEvent(new Event("stop"));
    });
  }
}

type Composing = { what: "reply" | "edit"; message: StoredMessage } | undefined;

const message = (id: string) =>
  ({ messageId: id, sender: "raju", text: id, kind: "text", reference: { id } }) as never;
const reply = (id: string): Composing => ({ what: "reply", message: message(id) });

class Chat extends Model {
  composing: Composing;
  readonly chat: string;
  constructor(chat: string) {
    super();
    this.chat = chat;
  }
  get answered() {
    return this.composing?.what === "reply" ? this.composing.message.reference : undefined;
  }
  compose(composing: Composing): void {
    this.composing = composing;
    this.changed();
  }
}

/** A composer that is drawn as text, with a field that has no focus to take while it is hidden. */
function scene() {
  const sending = Promise.withResolvers<void>();
  const files = Object.assign(new Model(), {
    send: () => sending.promise,
    sendingIn: () => [],
    of: () => undefined,
  });
  const typed = new Map<string, string>();
  const drafts = {
    of: (chat: string) => typed.get(chat) ?? "",
    typed: (chat: string, text: string) => void typed.set(chat, text),
  };
  const did: unknown[][] = [];
  const does =
    (what: string) =>
    (...given: unknown[]) => {
      did.push([what, ...given]);
      return sending.promise;
    };
  const typing = async (chat: string) => void did.push(["typing", chat]);
  const client = { messages: { typing } };
  const send = does("send");
  const { session } = sessionWith([], { files, drafts, client, send, edit: does("edit") });
  const say = vi.fn();
  const ui = Object.assign(uiOf().ui, { say });
  const [first, second] = [new Chat("c1"), new Chat("c2")];
  const sent = vi.fn();
  let focused: "field" | "recording" | undefined;
  let shown = "";
  const field = {
    value: "",
    setSelectionRange: () => {},
    focus: () => {
      if (!shown.includes("composer records")) focused = "field";
    },
  };
  const button = {
    focus: () => {
      if (shown.includes("composer records")) focused = "recording";
    },
  };
  void Composer.observedAttributes; // as where an element is defined: its properties are watched
  const view = new Composer();
  const render = () => (view as unknown as { render(): unknown }).render();
  const update = (changes: Map<string, unknown>) => {
    (ReactiveElement.prototype as unknown as { update(of: object): void }).update.call(
      view,
      changes,
    );
    shown = drawn(render());
  };
  const querySelector = (what: string) => (what === "textarea" ? field : button);
  Object.assign(view, { ui, session, conversation: first, sent, update, querySelector });
  view.connectedCallback();
  const settled = async () => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return {
    ...{ first, second, sent, say, field, sending, settled, typed, did, view },
    type: (text: string) => {
      field.value = text;
      (actions(render(), "input")[0] as (event: object) => void)({});
    },
    key: (key: string, timeStamp = 1_000) => {
      const event = { key, timeStamp, keyCode: 0, preventDefault: () => {} };
      (actions(render(), "keydown")[0] as (event: object) => void)(event);
    },
    /** An input method ends a composition. */
    composed: (timeStamp: number) =>
      (actions(render(), "compositionend")[0] as (event: object) => void)({ timeStamp }),
    paste: (files: File[]) => {
      const event = { clipboardData: { files }, preventDefault: () => did.push(["not pasted"]) };
      (actions(render(), "paste")[0] as (event: object) => void)(event);
    },
    takeFocus: () => {
      focused = undefined;
    },
    focused: () => focused,
    press: async (label: string) => {
      const buttons = [...drawn(render()).matchAll(/<button type="button"[^>]*title=([^>]*?)>/g)];
      const at = buttons.findIndex(([, title]) => title?.includes(label));
      actions(render())[at]?.();
      await settled();
    },
    goTo: async (conversation: Chat) => {
      Object.assign(view, { conversation });
      await settled();
    },
    text: () => said(render()),
    attach: () => {
      const target = { files: [new File(["a"], "a.txt")], value: "C:/a.txt" };
      (actions(render(), "change")[0] as (event: object) => void)({ target });
      return target;
    },
    submit: () => {
      const event = { preventDefault: () => {} };
      (actions(render(), "submit")[0] as (event: object) => void)(event);
    },
  };
}

beforeEach(() => {
  FakeRecorder.spoken = "hey";
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

test("a file that is not taken once another chat is open is said so beside that chat", async () => {
  const at = scene();
  await at.settled();
  at.attach();
  await at.goTo(at.second);
  at.sending.reject(new Unreachable("no network"));
  await at.settled();
  expect(at.say).toHaveBeenCalledOnce();
  expect(at.text()).not.toContain(at.say.mock.calls[0]?.[0]);
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

test("what could not be kept stays typed and is said, until it is taken or another chat is open", async () => {
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

test("what was wrong is said until something is taken", async () => {
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

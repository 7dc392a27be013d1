/** What the composer does while something is sent or recorded: which chat it acts on, and the focus. */

import { ReactiveElement } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { Composer } from "../../src/app/views/composer.ts";
import { en } from "../../src/app/words/en.ts";
import { type StoredMessage, Unreachable } from "../../src/client/index.ts";
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
  const drafts = { of: (chat: string) => typed.get(chat) ?? "", typed: () => {} };
  const { session } = sessionWith([], { files, drafts, send: () => sending.promise });
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
    ...{ first, second, sent, say, field, sending, settled },
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
      const target = { files: [new File(["a"], "a.txt")], value: "" };
      (actions(render(), "change")[0] as (event: object) => void)({ target });
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

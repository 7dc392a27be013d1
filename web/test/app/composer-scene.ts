/** A composer without a page: what is typed, sent and recorded, and where the focus is. */

import { ReactiveElement } from "lit";
import { vi } from "vitest";
import { Model } from "../../src/app/model/model.ts";
import { Composer } from "../../src/app/views/composer.ts";
import type { StoredMessage } from "../../src/client/index.ts";
import { actions, drawn, said } from "./drawn.ts";
import { sessionWith, uiOf } from "./view-scene.ts";

export class FakeRecorder extends EventTarget {
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

export type Composing = { what: "reply" | "edit"; message: StoredMessage } | undefined;

export const message = (id: string) =>
  ({ messageId: id, sender: "raju", text: id, kind: "text", reference: { id } }) as never;
export const reply = (id: string): Composing => ({ what: "reply", message: message(id) });

export class Chat extends Model {
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
export function scene() {
  const sending = Promise.withResolvers<void>();
  const kept: string[] = [];
  const files = Object.assign(new Model(), {
    send: async (_chat: string, { name }: File) => {
      await sending.promise;
      if (name === "away") throw new TypeError(name);
      kept.push(name);
    },
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
  const page = Object.assign(uiOf().ui, { say });
  const ui = Object.defineProperty(page, "session", { value: session, writable: true });
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
  const contains = () => false;
  Object.defineProperty(view, "isConnected", { value: true, writable: true });
  Object.assign(view, { ui, session, conversation: first, sent, update, querySelector, contains });
  view.connectedCallback();
  const settled = async () => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return {
    ...{ ui, kept, first, second, sent, say, field, sending, settled, typed, did, view },
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
    /** Something else on the page has the focus. */
    focusElsewhere: () => vi.stubGlobal("document", { activeElement: {}, body: {} }),
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
    /** Somebody has gone where no chat is open. */
    leave: () => {
      Object.assign(view, { isConnected: false });
      view.disconnectedCallback();
    },
    text: () => said(render()),
    attach: (...names: string[]) => {
      const files = [...names, "a.txt"].map((name) => new File(["a"], name));
      const target = { files, value: "C:/a.txt" };
      (actions(render(), "change")[0] as (event: object) => void)({ target });
      return target;
    },
    submit: () => {
      const event = { preventDefault: () => {} };
      (actions(render(), "submit")[0] as (event: object) => void)(event);
    },
  };
}

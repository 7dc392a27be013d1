/** A session and a page's state as views are given them, and views without a page. */

import type { App } from "../../src/app/model/app.ts";
import type { ChatEntry } from "../../src/app/model/chat-entries.ts";
import type { Link } from "../../src/app/model/link.ts";
import { Model } from "../../src/app/model/model.ts";
import type { Session } from "../../src/app/model/session.ts";
import { type Question, Ui } from "../../src/app/views/ui.ts";
import type { View } from "../../src/app/views/view.ts";
import type { StoredMessage } from "../../src/client/index.ts";

export const NOON = new Date(2026, 10, 29, 12, 0).getTime();

export const entry = (chat: string, more: Partial<ChatEntry> = {}): ChatEntry =>
  ({
    chat,
    kind: "direct",
    members: ["raju", "ravi"],
    unread: 0,
    left: false,
    last: { sender: "ravi", sentAt: NOON, text: "Hey", kind: "text" } as StoredMessage,
    ...more,
  }) as ChatEntry;

/** A session with these chats, of which a test says what is special. */
export function sessionWith(chats: ChatEntry[], more: object = {}) {
  const asked: string[] = [];
  const note = (what: string) => async (of: string) => void asked.push(`${what} ${of}`);
  const verification = {
    compare: async (chat: string, device: string) => void asked.push(`compare ${chat} ${device}`),
    decide: async (device: string, same: boolean) => void asked.push(`${device} ${same}`),
    cancel: note("cancel"),
    accept: note("accept the keys of"),
  };
  const people = {
    block: note("block"),
    decline: note("decline"),
    accept: note("accept"),
    forget: note("forget"),
  };
  const session = Object.assign(new Model(), {
    user: "raju",
    chats,
    requests: [] as ChatEntry[],
    registeredAt: 0,
    invitations: [] as object[],
    blocked: new Set<string>(),
    changedKeys: new Set<string>(),
    presence: new Map<string, object>(),
    comparisons: new Map<string, object>(),
    link: { at: "connected" } as Link,
    storeFailing: false,
    drafts: { of: (_: string) => "" },
    files: new Model(),
    entry: (chat: string) => chats.find((each) => each.chat === chat),
    peer: (chat: string) =>
      chats.find((each) => each.chat === chat && each.kind === "direct") && "ravi",
    nameOf: (user: string) => user,
    pictureOf: (user: string) => `picture of ${user}`,
    typing: (_: string): string[] => [],
    isRequest: (_: string) => false,
    isMuted: (_: string) => false,
    refreshPeople: async () => void asked.push("refresh"),
    known: async () => {},
    connectNow: () => void asked.push("now"),
    accepted: (user: string) => void session.changedKeys.delete(user),
    client: { device: "web", people, verification },
    ...more,
  });
  return { session: session as unknown as Session, asked };
}

/** What views do with the page: where they lead, and what they ask. */
export function uiOf() {
  const went: object[] = [];
  const questions: Question[] = [];
  const failed: unknown[] = [];
  const notifications = Object.assign(new Model(), { updateWaits: false });
  const ui = Object.assign(new Model(), {
    app: { notifications } as unknown as App,
    route: { at: "list" },
    go: (route: object) => void went.push(route),
    ask: (question: Question) => void questions.push(question),
    goAfter: Ui.prototype.goAfter,
    run: (act: () => Promise<unknown>) => void act().catch((error) => failed.push(error)),
  }) as unknown as Ui;
  return { ui, went, questions, failed, notifications };
}

/** Of what Lit calls by itself in a page. */
interface Drawing {
  render(): unknown;
  willUpdate(changes: Map<string, unknown>): void;
}

/** It is drawn when a test asks for it: there is no page to put it into. */
export function made<V extends View>(
  view: V,
  given: { ui: Ui; session: Session } & Record<string, unknown>,
): V & Drawing {
  return Object.assign(view, { performUpdate: () => {}, ...given }) as unknown as V & Drawing;
}

/** Names of chats. */

import type { ChatSummary } from "../../client/index.ts";
import type { Session } from "../model/session.ts";
import { words } from "../words/words.ts";

const NAMED = 3;

/** Its name, the other one of two, or who is in it. */
export function titleOf(chat: ChatSummary, session: Session): string {
  if (chat.name !== undefined && chat.name !== "") return chat.name;
  const others = chat.members.filter((user) => user !== session.user);
  const names = others.map((user) => session.nameOf(user));
  if (names.length > NAMED + 1) {
    return words().andMore(names.slice(0, NAMED).join(", "), names.length - NAMED);
  }
  return names.join(", ") || words().group;
}

/** A group's own picture, or that of the other one of two. */
export function pictureOf(chat: ChatSummary, session: Session): string | undefined {
  if (chat.kind === "group") return chat.picture;
  const peer = session.peer(chat.chat);
  return peer === undefined ? undefined : session.pictureOf(peer);
}

export function isUser(name: string): boolean {
  return /^[a-z0-9_]{3,32}$/.test(name);
}

/** "raju, meena" as typed. */
export function usersIn(typed: string): string[] {
  return [
    ...new Set(
      typed
        .toLowerCase()
        .split(/[\s,;]+/)
        .filter((name) => name !== ""),
    ),
  ];
}

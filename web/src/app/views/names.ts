/** How chats are named. */

import type { ChatSummary } from "../../client/index.ts";
import { words } from "../words/words.ts";

const NAMED = 3;

/** Its name, the other one of two, or who is in it. */
export function titleOf(chat: ChatSummary, me: string): string {
  if (chat.name !== undefined && chat.name !== "") return chat.name;
  const others = chat.members.filter((user) => user !== me);
  if (others.length > NAMED + 1) {
    return words().andMore(others.slice(0, NAMED).join(", "), others.length - NAMED);
  }
  return others.join(", ") || words().group;
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

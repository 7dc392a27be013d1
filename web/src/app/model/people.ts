/** What the backend alone keeps of a user's chats and contacts. */

import type { ChatClient, Invitation, KnownChat } from "../../client/index.ts";

export interface People {
  readonly listed: ReadonlyMap<string, KnownChat>;
  readonly invitations: readonly Invitation[];
  readonly blocked: ReadonlySet<string>;
}

export async function peopleOf({ people }: ChatClient): Promise<People> {
  const [listed, invitations, contacts] = await Promise.all([
    people.chats(),
    people.invitations(),
    people.contacts(),
  ]);
  return {
    listed: new Map(listed.map((each) => [each.chat, each])),
    invitations,
    blocked: new Set([...contacts].flatMap(([user, is]) => (is === "blocked" ? [user] : []))),
  };
}

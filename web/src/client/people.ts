/** People: contacts, requests, invitations, roles and settings of the user. */

import type { Api, KnownChat } from "./api.ts";
import type * as bodies from "./core/bodies.generated.ts";

type Know = (chat: string, members: readonly string[], kind: "direct" | "group") => Promise<void>;

/** Each call is one of the backend, which keeps all of this. Raises ApiError, Unreachable. */
export class People {
  readonly #api: Api;
  readonly #know: Know;
  readonly #left: (chat: string) => Promise<void>;

  /** `left`: the user is in the chat no more. */
  constructor(api: Api, know: Know, left: (chat: string) => Promise<void>) {
    this.#api = api;
    this.#know = know;
    this.#left = left;
  }

  /** The groups that the user is invited to. */
  async invitations(): Promise<readonly bodies.Invitation[]> {
    return this.#api.invitations();
  }

  /** As the backend lists them: with admins, rules, requests, blocks and mutes. */
  async chats(): Promise<KnownChat[]> {
    return this.#api.chats();
  }

  /** Direct chats that somebody who is no contact has begun. */
  async requests(): Promise<KnownChat[]> {
    const chats = await this.#api.chats();
    return chats.filter(({ request, blocked }) => request === true && blocked !== true);
  }

  /** Joins a group that the user is invited to, or accepts a request. */
  async accept(chat: string): Promise<void> {
    const members = await this.#api.accept(chat);
    const listed = (await this.#api.chats()).find((each) => each.chat === chat);
    await this.#know(chat, members, listed?.kind ?? "group");
  }

  /** Refuses an invitation, or a request. */
  async decline(chat: string): Promise<void> {
    await this.#api.decline(chat);
  }

  /** Leaves a group for good: nobody puts the user back. Its history stays here. */
  async leave(chat: string): Promise<void> {
    await this.#api.leave(chat);
    await this.#left(chat);
  }

  /** user -> contact or blocked. */
  async contacts(): Promise<Map<string, string>> {
    return new Map((await this.#api.contacts()).map(({ user, state }) => [user, state]));
  }

  /** Makes the user a contact, without a chat. */
  async add(user: string): Promise<void> {
    await this.#api.setContact(user, "contact");
  }

  /** Hides what the user writes in the direct chat, from now on. */
  async block(user: string): Promise<void> {
    await this.#api.setContact(user, "blocked");
  }

  /** Unblocks the user, or ends being a contact. */
  async forget(user: string): Promise<void> {
    await this.#api.removeContact(user);
  }

  /** No pushes of the chat until then, in epoch seconds; 0 ends it. */
  async mute(chat: string, until: number): Promise<void> {
    await this.#api.mute(chat, until);
  }

  /** Changes who is admin of a group; for add, remove and rename: "members" or "admins". */
  async changeAdmins(chat: string, changes: bodies.AdminsRequest): Promise<bodies.AdminsResponse> {
    return this.#api.changeAdmins(chat, changes);
  }

  /** The user's settings, after these changes. */
  async settings(changes?: bodies.SettingRequest): Promise<bodies.SettingsResponse> {
    return changes === undefined ? this.#api.settings() : this.#api.changeSettings(changes);
  }
}

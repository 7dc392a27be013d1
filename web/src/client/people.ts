/** People: contacts, requests, invitations, roles, settings and whose presence is watched. */

import type { Api, KnownChat } from "./api.ts";
import type { Chats } from "./chats.ts";
import type * as bodies from "./core/bodies.generated.ts";
import type { ThisDevice } from "./this-device.ts";

/** The backend keeps all of this: each call asks it. Raises ApiError, Unreachable. */
export class People {
  readonly #api: Api;
  readonly #device: ThisDevice;
  readonly #chats: Chats;

  constructor(device: ThisDevice, chats: Chats) {
    this.#api = device.api;
    this.#device = device;
    this.#chats = chats;
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
    await this.#chats.know(chat, members, listed?.kind ?? "group");
  }

  /** Declines an invitation, or a request. */
  async decline(chat: string): Promise<void> {
    await this.#api.decline(chat);
  }

  /** Leaves a group for good: nobody puts the user back. Its history stays here. */
  async leave(chat: string): Promise<void> {
    await this.#api.leave(chat);
    await this.#device.driver.step((step, engine) => engine.leave(step, chat));
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

  /** Presence events for these users from now on; makes no request. */
  async watch(users: readonly string[]): Promise<void> {
    await this.#device.driver.step((step, engine) => engine.watch(step, users));
  }
}

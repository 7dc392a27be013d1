/** Chats of a client: direct chats and groups, who is in them, and how far each member is. */

import { isMember, isPair } from "./core/membership.ts";
import { ClientError, Unreachable } from "./errors.ts";
import { type ChatSummary, chatsOf, type MemberMarks, marksOf } from "./store/history.ts";
import type { ThisDevice } from "./this-device.ts";
import type { Writing } from "./writing.ts";

const USER = /^[a-z0-9_]{3,32}$/;

export class Chats {
  readonly #device: ThisDevice;
  readonly #writing: Writing;
  readonly #direct = new Map<string, string>();

  constructor(device: ThisDevice, writing: Writing) {
    this.#device = device;
    this.#writing = writing;
  }

  /** The id of the one direct chat with `user`. Raises ClientError where it is with somebody else. */
  async direct(user: string): Promise<string> {
    const known = this.#direct.get(user);
    if (known !== undefined && !this.#device.driver.engine.left(known)) return known;
    try {
      const { chat, members } = await this.#device.api.direct(user);
      await this.#knowDirect(chat, members, user);
      this.#direct.set(user, chat);
      return chat;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const both = [this.#device.user, user].sort().join();
      const found = (await this.all()).find(
        ({ kind, members, left }) => kind === "direct" && !left && members.join() === both,
      );
      if (found === undefined) throw error;
      return found.chat;
    }
  }

  /**
   * The id of a new group. Its members get the name, as long as they are members. A caller who calls
   * again after an error, with the same `requestId`, gets one group.
   */
  async group(users: readonly string[], name?: string, requestId?: string): Promise<string> {
    const { chat, members } = await this.#device.api.group(users, requestId);
    // Those who were meant come first: then an event says when the backend has put others in.
    const meant = members.length > 0 ? [this.#device.user, ...users] : [];
    await this.know(chat, meant, "group", name);
    await this.know(chat, members, "group");
    if (name !== undefined) await this.#writing.setName(chat, name);
    return chat;
  }

  /** Adds and removes; the members after that. */
  async changeMembers(
    chat: string,
    { add = [], remove = [] }: { add?: readonly string[]; remove?: readonly string[] },
  ): Promise<string[]> {
    const { api, driver } = this.#device;
    // Before the call, whose response may be lost, and after it, for what was accepted meanwhile.
    await driver.step((step, engine) => engine.adding(step, chat, add));
    const members = await api.changeMembers(chat, add, remove);
    await driver.step((step, engine) => engine.adding(step, chat, add));
    await this.know(chat, members, "group");
    return members.toSorted();
  }

  /** Asks the backend for the list of chats: kinds and members, and which are no more. */
  async refresh(): Promise<void> {
    const { api, driver } = this.#device;
    const known = await driver.step(({ ledger }) => ledger.chats());
    const listed = await api.chats();
    for (const { chat, kind, members, request } of listed) {
      await this.know(chat, members, kind, undefined, request);
    }
    const there = new Set(listed.map(({ chat }) => chat));
    await driver.step(async (step, engine) => {
      for (const { chat } of known) if (!there.has(chat)) await engine.leave(step, chat);
    });
  }

  /** All that this device knows; those that the user has `left` too, for they can be read. */
  async all(): Promise<ChatSummary[]> {
    const { driver, store, user } = this.#device;
    return driver.read(() => chatsOf(store, user));
  }

  /** Each member's watermarks, as far as this device knows. */
  async watermarks(chat: string): Promise<ReadonlyMap<string, MemberMarks>> {
    return this.#device.driver.step(async ({ ledger }) => marksOf(await ledger.chat(chat)));
  }

  /** A chat this device knows by that id, or else the direct chat with that user. */
  async idOf(chatOrUser: string): Promise<string> {
    const known = this.#device.driver.engine.knows(chatOrUser) || !USER.test(chatOrUser);
    return known ? chatOrUser : this.direct(chatOrUser);
  }

  /** Takes over what the backend says of a chat. */
  async know(
    chat: string,
    members: readonly string[],
    kind: "direct" | "group",
    name?: string,
    request = false,
  ): Promise<void> {
    const changes = { kind, request, ...(name === undefined ? {} : { name }) };
    await this.#device.driver.step((step, engine) => engine.chatIs(step, chat, members, changes));
  }

  /**
   * Checks that the chat is the direct one with that user, by the response and by what is known of
   * the chat.
   */
  async #knowDirect(chat: string, members: readonly string[], user: string): Promise<void> {
    const both = [this.#device.user, user].sort().join();
    const wrong = new ClientError(`the backend gave ${user} a direct chat of other people`);
    if (members.toSorted().join() !== both) throw wrong;
    const known = await this.#device.driver.step(({ ledger }) => ledger.chat(chat));
    if (isPair(known, this.#device.user) && !isMember(known.members, user)) throw wrong;
    await this.know(chat, members, "direct");
  }
}

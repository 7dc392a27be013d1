/** Chats of a client: who is in them, how far each member is, and their history. */

import { ClientBase, checkCount } from "./base.ts";
import type { Event } from "./core/events.ts";
import { isMember, isPair } from "./core/membership.ts";
import { ClientError, Unreachable } from "./errors.ts";
import { People } from "./people.ts";
import {
  type ChatSummary,
  chatsOf,
  historyOf,
  type MemberMarks,
  marksOf,
  type StoredMessage,
} from "./store/history.ts";

const USER = /^[a-z0-9_]{3,32}$/;

/** The part of ChatClient for chats and their members. */
export abstract class ChatMethods extends ClientBase {
  readonly #direct = new Map<string, string>();
  /** Chats of which is asked what they are. */
  readonly #asked = new Set<string>();

  /** The id of the one direct chat with `user`. Raises ClientError where it is with somebody else. */
  async direct(user: string): Promise<string> {
    const known = this.#direct.get(user);
    if (known !== undefined && !this.driver.engine.left(known)) return known;
    try {
      const { chat, members } = await this.api.direct(user);
      await this.#knowDirect(chat, members, user);
      this.#direct.set(user, chat);
      return chat;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const both = [this.user, user].sort().join();
      const found = (await this.chats()).find(
        ({ kind, members, left }) => kind === "direct" && !left && members.join() === both,
      );
      if (found === undefined) throw error;
      return found.chat;
    }
  }

  /** The id of a new group. Its members get the name, as long as they are members. */
  async group(users: readonly string[], name?: string): Promise<string> {
    const { chat, members } = await this.api.group(users);
    // Those who were meant come first: then an event says when the backend has put others in.
    const meant = members.length > 0 ? [this.user, ...users] : [];
    await this.know(chat, meant, "group", name);
    await this.know(chat, members, "group");
    if (name !== undefined) await this.writing.setName(chat, name);
    return chat;
  }

  /** Adds and removes; the members after that. */
  async changeMembers(
    chat: string,
    { add = [], remove = [] }: { add?: readonly string[]; remove?: readonly string[] },
  ): Promise<string[]> {
    // Before the call, whose response may be lost, and after it, for what was accepted meanwhile.
    await this.driver.step((step, engine) => engine.adding(step, chat, add));
    const members = await this.api.changeMembers(chat, add, remove);
    await this.driver.step((step, engine) => engine.adding(step, chat, add));
    await this.know(chat, members, "group");
    return members.toSorted();
  }

  /** Contacts, requests, invitations, roles and settings. */
  get people(): People {
    return new People(
      this.api,
      (chat, members, kind) => this.know(chat, members, kind),
      (chat) => this.driver.step((step, engine) => engine.leave(step, chat)),
    );
  }

  /** Asks the backend for the list of chats: kinds and members, and which are no more. */
  async refreshChats(): Promise<void> {
    const known = await this.driver.step(({ ledger }) => ledger.chats());
    const listed = await this.api.chats();
    for (const { chat, kind, members, request } of listed) {
      await this.know(chat, members, kind, undefined, request);
    }
    const there = new Set(listed.map(({ chat }) => chat));
    await this.driver.step(async (step, engine) => {
      for (const { chat } of known) if (!there.has(chat)) await engine.leave(step, chat);
    });
  }

  /** All that this device knows; those that the user has `left` too, for they can be read. */
  async chats(): Promise<ChatSummary[]> {
    return this.driver.read(() => chatsOf(this.store, this.user));
  }

  /** Up to where each member of the chat has it delivered and read, as far as this device knows. */
  async watermarks(chat: string): Promise<ReadonlyMap<string, MemberMarks>> {
    return this.driver.step(async ({ ledger }) => marksOf(await ledger.chat(chat)));
  }

  /** The newest messages in order, below seq `before` if that is given. Raises RangeError. */
  async history(chat: string, limit = 50, before?: number): Promise<StoredMessage[]> {
    checkCount(limit, 1);
    checkCount(before ?? 1, 1);
    return this.driver.read(() => historyOf(this.store, chat, limit, before));
  }

  /** A chat this device knows by that id, or else the direct chat with that user. */
  async chatId(chatOrUser: string): Promise<string> {
    const known = this.driver.engine.knows(chatOrUser) || !USER.test(chatOrUser);
    return known ? chatOrUser : this.direct(chatOrUser);
  }

  // -- inside

  protected async know(
    chat: string,
    members: readonly string[],
    kind: "direct" | "group",
    name?: string,
    request = false,
  ): Promise<void> {
    const changes = { kind, request, ...(name === undefined ? {} : { name }) };
    await this.driver.step((step, engine) => engine.chatIs(step, chat, members, changes));
  }

  /** What the backend says of it has to be so, by its response and by what is known of the chat. */
  async #knowDirect(chat: string, members: readonly string[], user: string): Promise<void> {
    const both = [this.user, user].sort().join();
    const wrong = new ClientError(`the backend gave ${user} a direct chat of other people`);
    if (members.toSorted().join() !== both) throw wrong;
    const known = await this.driver.step(({ ledger }) => ledger.chat(chat));
    if (isPair(known, this.user) && !isMember(known.members, user)) throw wrong;
    await this.know(chat, members, "direct");
  }

  /** Asks first what the chat is, if that is not known: only a group has a name and a picture. */
  protected async whenKnown(event: Event & { readonly type: "chat_described" }): Promise<void> {
    const { chat } = event;
    try {
      const { kind } = await this.driver.step(({ ledger }) => ledger.chat(chat));
      if (kind !== undefined || this.#asked.has(chat)) return;
      this.#asked.add(chat);
      await this.refreshChats().finally(() => this.#asked.delete(chat));
    } finally {
      this.feed.publish(event);
    }
  }
}

/** Writing: texts and replies, and what changes messages, chats and the own profile. */

import { DESCRIBING } from "./core/changes.ts";
import { type MessageContent, parse, type Reference, VERSION } from "./core/content.ts";
import { changeId, nameOf, ulid, userOf } from "./core/ids.ts";
import { type Change, newest } from "./core/view.ts";
import type { Driver } from "./driver.ts";
import { CannotWrite, NotAMember } from "./errors.ts";
import { type Rows, writingsOf } from "./store/changes.ts";
import {
  chatsOf,
  messageOf,
  type Profile,
  profileOf,
  settingOf,
  wroteIn,
} from "./store/history.ts";
import type { Store } from "./store/store.ts";
import * as tables from "./store/tables.ts";

type Make = (rows: Rows) => Promise<MessageContent>;

/**
 * All of these return once what was written is on disk, as `ChatClient.send` does, and raise what that
 * raises, CannotWrite where it would have no effect for others, and RangeError for a field that others
 * would reject.
 */
export class Writing {
  readonly #user: string;
  readonly #store: Store;
  readonly #driver: Driver;
  readonly #mayName: (chat: string) => Promise<boolean>;

  /** `mayName`: whether the rules of the group let the user change its name and picture. */
  constructor(
    user: string,
    store: Store,
    driver: Driver,
    mayName: (chat: string) => Promise<boolean>,
  ) {
    this.#user = user;
    this.#store = store;
    this.#driver = driver;
    this.#mayName = mayName;
  }

  /** It disappears after the chat's time, if it has one. */
  async text(chat: string, text: string, reply?: Reference): Promise<string> {
    const messageId = await this.#made(ulid(Date.now()), chat, async (rows) => {
      const timer = await settingOf(rows, chat, "timer");
      return {
        kind: "text",
        text,
        ...(reply && { reply: { by: reply.by, id: reply.id } }),
        ...(timer?.seconds ? { expires: timer.seconds } : {}),
      };
    });
    await this.introduce(chat);
    return messageId;
  }

  /** The fields of a file's message that follow from its chat, as those of a text. */
  async describeFile(chat: string): Promise<{ expires?: number }> {
    const timer = await this.#driver.read(() => settingOf(this.#store, chat, "timer"));
    return timer?.seconds ? { expires: timer.seconds } : {};
  }

  /** Sends this user's profile to a direct chat that does not have its newest version. */
  async introduce(chat: string): Promise<void> {
    const saved = await this.#saved();
    const row = await this.#store.get(tables.chats, chat);
    if (saved === undefined || row?.kind !== "direct") return;
    const { name, picture, at } = saved;
    const has = await this.#hasSent(chat, at);
    if (!has) await this.#send(chat, checked({ kind: "profile", name, picture, at }));
  }

  /** One reaction for each user and message; null takes it back. */
  async react(chat: string, to: Reference, emoji: string | null): Promise<string> {
    return this.#send(chat, checked({ kind: "reaction", of: to, emoji }));
  }

  /** Edits a text that this user wrote. Raises CannotWrite for any other message. */
  async edit(chat: string, of: Reference, text: string): Promise<string> {
    const message = await this.#driver.read(() => messageOf(this.#store, chat, of));
    if (userOf(of.by) !== this.#user || message?.kind !== "text") {
      throw new CannotWrite("you can edit only what you wrote");
    }
    if (message.deleted) throw new CannotWrite("it is deleted");
    return this.#send(chat, checked({ kind: "edit", of, text }));
  }

  /** For everybody; only of what the user wrote. */
  async delete(chat: string, of: Reference): Promise<string> {
    if (userOf(of.by) !== this.#user) throw new CannotWrite("you can delete only what you wrote");
    return this.#send(chat, checked({ kind: "deletion", of }));
  }

  /** What is written from now on disappears after that time; 0: it stays. */
  async setTimer(chat: string, seconds: number): Promise<string> {
    return this.#send(chat, checked({ kind: "timer", seconds }));
  }

  async setName(chat: string, name: string | null): Promise<string> {
    return this.#describe(chat, checked({ kind: "chat_name", name }));
  }

  /** A JPEG, PNG or WebP in unpadded base64, of at most 5,400 bytes. */
  async setPicture(chat: string, picture: string | null): Promise<string> {
    return this.#describe(chat, checked({ kind: "chat_picture", picture }));
  }

  /** Whom the user has written to directly gets it; others with the first text or file. */
  async setProfile(name: string | null, picture: string | null): Promise<void> {
    const before = await this.#saved();
    const at = Math.max(Date.now(), (before?.at ?? 0) + 1);
    const content = checked({ kind: "profile", name, picture, at });
    if (content.kind !== "profile") return;
    await this.#driver.step(({ ledger }) => ledger.keepProfile(content));
    const chats = await this.#driver.read(() => chatsOf(this.#store, this.#user));
    for (const { chat, kind, left } of chats) {
      const open = kind === "direct" && !left;
      if (open && (await this.#wroteIn(chat))) await this.#send(chat, content);
    }
  }

  /** A user's name and picture, as this device knows them. */
  async profile(user: string): Promise<Profile> {
    if (user !== this.#user) return this.#driver.read(() => profileOf(this.#store, user));
    const { name, picture } = (await this.#saved()) ?? {};
    return { user, name: name ?? undefined, picture: picture ?? undefined };
  }

  /** Sends name, picture and timer again: new members can't read messages from before. */
  async repeatForNewcomers(chat: string): Promise<void> {
    for (const content of await this.#repeated(chat)) await this.#send(chat, content);
  }

  /** The same of all chats, and the own profile, for a new device (`user/device`) of this user alone. */
  async repeatForDevice(device: string): Promise<void> {
    const all = await this.#driver.read(() => chatsOf(this.#store, this.#user));
    const saved = await this.#saved();
    let profile = saved && checked({ kind: "profile", ...saved });
    for (const { chat } of all.filter(({ left }) => !left)) {
      for (const content of await this.#repeated(chat)) {
        await this.#sendToDevice(chat, device, content);
      }
      // Where others have it: else the new device would think that they do.
      if (profile === undefined || !(await this.#hasSent(chat, saved?.at ?? 0))) continue;
      await this.#sendToDevice(chat, device, profile);
      profile = undefined;
    }
  }

  /** Gives the own profile to a new device of somebody who has it, and to that alone. */
  async introduceTo(user: string, device: string): Promise<void> {
    const saved = await this.#saved();
    if (saved === undefined) return;
    const all = await this.#driver.read(() => chatsOf(this.#store, this.#user));
    for (const { chat, kind, members } of all) {
      if (kind !== "direct" || !members.includes(user)) continue;
      if (!(await this.#hasSent(chat, saved.at))) continue;
      await this.#sendToDevice(chat, nameOf(user, device), checked({ kind: "profile", ...saved }));
      return;
    }
  }

  async #repeated(chat: string): Promise<MessageContent[]> {
    const again: MessageContent[] = [];
    for (const kind of DESCRIBING) {
      const found = newest(await this.#writings(chat, kind));
      if (found?.seq === undefined) continue;
      const { at = found.seq } = found.content as { at?: number };
      again.push({ ...found.content, at: Math.min(at, found.seq) } as MessageContent);
    }
    return again;
  }

  async #hasSent(chat: string, at: number): Promise<boolean> {
    const sent = await this.#writings(chat, "profile");
    return sent.some(
      ({ user, content }) => user === this.#user && content.kind === "profile" && content.at >= at,
    );
  }

  async #sendToDevice(chat: string, device: string, content: MessageContent): Promise<void> {
    const envelope = { kind: "content", content } as const;
    await this.#driver.step((step, engine) => engine.sendToDevice(step, chat, device, envelope));
  }

  /** The newest own profile, whichever of the user's devices has set it. */
  async #saved(): Promise<tables.SavedProfile | undefined> {
    return (await this.#driver.read(() => this.#store.get(tables.session, tables.ONLY)))?.profile;
  }

  async #describe(chat: string, content: MessageContent): Promise<string> {
    const row = await this.#store.get(tables.chats, chat);
    if (row?.kind === "direct") {
      throw new CannotWrite("only a group has a name and a picture of its own");
    }
    if (!(await this.#mayName(chat))) {
      throw new CannotWrite("only admins may change the name and the picture of this group");
    }
    return this.#send(chat, content);
  }

  #writings(chat: string, kind: string): Promise<Change[]> {
    return this.#driver.read(() => writingsOf(this.#store, chat, kind));
  }

  #wroteIn(chat: string): Promise<boolean> {
    return this.#driver.read(() => wroteIn(this.#store, chat, this.#user));
  }

  #send(chat: string, content: MessageContent): Promise<string> {
    return this.#made(changeId(Date.now()), chat, async () => content);
  }

  /** `make` is called in the step that stores what it makes. */
  async #made(messageId: string, chat: string, make: Make): Promise<string> {
    if (this.#driver.engine.left(chat)) throw new NotAMember();
    await this.#driver.step(async (step, engine) => {
      await engine.send(step, messageId, chat, await make(step.ledger.work));
    });
    return messageId;
  }
}

/** Raises RangeError for a field that others would reject. */
function checked(content: MessageContent): MessageContent {
  const read = parse({ v: VERSION, ...content });
  if (read.kind === content.kind) return read;
  throw new RangeError(`this is no ${content.kind.replace("_", " ")} that can be sent`);
}

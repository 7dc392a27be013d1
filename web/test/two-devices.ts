/** Devices with real ratchets and real stores, and no backend between them. */

import { loadDevice } from "../src/client/account.ts";
import type { Message } from "../src/client/core/frames.ts";
import { partsOf } from "../src/client/core/ids.ts";
import { type Content, MEGOLM, OLM, type Self } from "../src/client/crypto/envelope.ts";
import type { IdentityKeys } from "../src/client/crypto/olm.ts";
import { type Opened, open } from "../src/client/crypto/opening.ts";
import { beginGroup, groupKey, sealFor, sealForGroup } from "../src/client/crypto/sealing.ts";
import { begin, type Recipient } from "../src/client/crypto/sessions.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

let count = 0;

export class TestDevice {
  readonly self: Self;
  readonly store: Store;
  #number = 0;

  private constructor(self: Self, store: Store) {
    this.self = self;
    this.store = store;
  }

  static async make(name: string, state = `device-${count++}`): Promise<TestDevice> {
    const [user, device] = partsOf(name);
    const store = await Store.open(state, tables.VERSION, tables.TABLES);
    const { self } = await loadDevice(store, user, device);
    return new TestDevice(self, store);
  }

  get recipient(): Recipient {
    return { name: this.self.name, keys: this.self.keys };
  }

  /** Trusts the other's identity; `former` ones open what was sent with them. */
  async meet(other: TestDevice, former: readonly IdentityKeys[] = []): Promise<void> {
    const { user, device, keys } = other.self;
    const row = { user, device, keys, pending: undefined, former, verified: false, trustedAt: 0 };
    await this.store.transaction(async (work) => work.put(tables.knownDevices, row));
  }

  /** A key as the directory would hand it out. */
  async oneTimeKey(fallback = false): Promise<string> {
    return this.store.transaction(async (work) => {
      const account = await work.get(tables.account, tables.ONLY);
      if (account === undefined) throw new Error("no account");
      const { ratchets } = this.self;
      let pickle = account.pickle;
      pickle = fallback ? ratchets.addFallbackKey(pickle) : ratchets.addOneTimeKeys(pickle, 1);
      const keys = ratchets.unpublishedKeys(pickle);
      work.put(tables.account, { ...account, pickle: ratchets.markPublished(pickle) });
      const key = fallback ? keys.fallback : keys.oneTime[0];
      if (key === undefined) throw new Error("no key");
      return key.key;
    });
  }

  async begin(other: TestDevice, chat = "chat", fallback = false): Promise<void> {
    const key = await other.oneTimeKey(fallback);
    await this.store.transaction((work) => begin(work, this.self, chat, other.recipient, key));
  }

  /** The message that `other` will get. */
  async seal(other: TestDevice, content: Content | string, chat = "chat"): Promise<Message> {
    const place = { chat, messageId: this.#id() };
    const what = typeof content === "string" ? { kind: "text" as const, text: content } : content;
    const payload = await this.store.transaction((work) =>
      sealFor(work, this.self, place, other.recipient, what),
    );
    return this.#message(place, OLM, payload);
  }

  /** The group's key as a message for `other`. */
  async share(other: TestDevice, chat = "chat"): Promise<Message> {
    const content = await this.store.transaction(async (work) => {
      const known = await work.get(tables.outboundGroups, chat);
      return groupKey(this.self, known ?? beginGroup(work, this.self, chat, 0));
    });
    return this.seal(other, content, chat);
  }

  async sealForAll(text: string, chat = "chat"): Promise<Message> {
    const place = { chat, messageId: this.#id() };
    const payload = await this.store.transaction(async (work) => {
      const group = await work.get(tables.outboundGroups, chat);
      if (group === undefined) throw new Error("no group session");
      return sealForGroup(work, this.self, place, group, { kind: "text", text });
    });
    return this.#message(place, MEGOLM, payload);
  }

  async open(message: Message): Promise<Opened> {
    return this.store.transaction((work) => open(work, this.self, message));
  }

  /** Opens it, and loses what came of it, as a crash before the commit does. */
  async openAndCrash(message: Message): Promise<Opened> {
    let opened: Opened | undefined;
    await this.store
      .transaction(async (work) => {
        opened = await open(work, this.self, message);
        throw new Error("crash");
      })
      .catch(() => {});
    if (opened === undefined) throw new Error("it was not opened");
    return opened;
  }

  #id(): string {
    this.#number += 1;
    return String(this.#number).padStart(26, "0");
  }

  #message({ chat, messageId }: { chat: string; messageId: string }, alg: string, payload: string) {
    const { user, device } = this.self;
    const seq = this.#number;
    return {
      type: "message" as const,
      chat,
      seq,
      messageId,
      sender: user,
      senderDevice: device,
      sentAt: 1_000 * seq,
      alg,
      payload,
    };
  }
}

export function textOf(opened: Opened): string | undefined {
  return opened.unreadable === undefined && opened.content?.kind === "text"
    ? opened.content.text
    : undefined;
}

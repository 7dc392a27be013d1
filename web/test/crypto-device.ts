/** One device with a real engine, ratchets and a store, without a socket. */

import { loadDevice } from "../src/client/account.ts";
import type { ClaimedKey, SignedDevice } from "../src/client/core/bodies.generated.ts";
import type { Request } from "../src/client/core/cipher.ts";
import type { MessageContent, Reference } from "../src/client/core/content.ts";
import { Engine } from "../src/client/core/engine.ts";
import type { Event } from "../src/client/core/events.ts";
import { changeId, partsOf, ulid } from "../src/client/core/ids.ts";
import type { Output } from "../src/client/core/outputs.ts";
import { DEFAULTS } from "../src/client/core/settings.ts";
import type { Step } from "../src/client/core/step.ts";
import { Encryption } from "../src/client/crypto/encryption.ts";
import type { Self } from "../src/client/crypto/envelope.ts";
import { canonical, deviceDocument, keyDocument } from "../src/client/crypto/signing.ts";
import { historyOf } from "../src/client/store/history.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

export const START = 1_700_000_000_000;
const SETTINGS = {
  ...DEFAULTS,
  syncJitter: [1, 1],
  pingBetween: [9e15, 9e15],
  reconnectBetween: [9e15, 9e15],
} as const;
let scenes = 0;

/** What a device knows of its scene. */
interface Surroundings {
  readonly time: number;
  readonly log: readonly unknown[];
  /** The devices of a user, as the directory lists them. */
  listing(user: string): Promise<[device: string, signed: SignedDevice][]>;
  handle(from: Device, frame: Record<string, unknown>): void;
}

/** One device of a user; it runs only where a test or `Scene.settle` lets it. */
export class Device {
  readonly name: string;
  readonly scene: Surroundings;
  readonly self: Self;
  readonly store: Store;
  online = false;
  /** What its connection has brought and it has not taken yet. */
  down: object[] = [];
  wanted: Request[] = [];
  events: Event[] = [];
  #engine: Engine;

  private constructor(scene: Surroundings, self: Self, store: Store) {
    this.scene = scene;
    this.self = self;
    this.store = store;
    this.name = self.name;
    this.#engine = this.#made();
  }

  static async made(scene: Surroundings, name: string): Promise<Device> {
    const [user, device] = partsOf(name);
    const store = await Store.open(`crypto-${scenes++}`, tables.VERSION, tables.TABLES);
    const { self } = await loadDevice(store, user, device);
    const made = new Device(scene, self, store);
    await made.step((step, engine) => engine.restore(step));
    await made.#account((row) => ({ ...row, registeredAt: scene.time }));
    return made;
  }

  #made(): Engine {
    const [user, device] = partsOf(this.name);
    return new Engine(user, device, () => 0.5, SETTINGS);
  }

  async step<T>(act: (step: Step, engine: Engine) => Promise<T> | T): Promise<T> {
    const { time } = this.scene;
    const now = time - START;
    const result = await this.store.transaction(async (work) => {
      const ledger = new Ledger(work, ...partsOf(this.name));
      const cipher = new Encryption(this.self, ledger, now, time);
      return act({ now, time, ledger, cipher }, this.#engine);
    });
    for (const output of this.#engine.outputs()) this.#does(output);
    return result;
  }

  #does(output: Output): void {
    if (output.type === "transmit") this.scene.handle(this, JSON.parse(output.text));
    else if (output.type === "fetch") this.wanted.push(output.request);
    else if (output.type === "event") this.events.push(output.event);
  }

  async connect(): Promise<void> {
    this.online = true;
    await this.step((step, engine) => engine.opened(step));
  }

  async leave(): Promise<void> {
    this.online = false;
    this.down = [];
    await this.step((step, engine) => engine.closed(step));
  }

  /** Only the store is left. */
  async crash(): Promise<void> {
    this.online = false;
    this.down = [];
    this.wanted = [];
    this.#engine = this.#made();
    await this.step((step, engine) => engine.restore(step));
  }

  /** Keys as the directory lists them. */
  async signed(): Promise<SignedDevice> {
    const { ratchets, keys } = this.self;
    const document = canonical(deviceDocument(...partsOf(this.name), keys));
    const pickle = await this.#pickle();
    return { keys, signature: ratchets.sign(pickle, document), introduction: undefined };
  }

  /** A new one-time key, as the directory hands it out. */
  async oneTimeKey(): Promise<ClaimedKey> {
    const { ratchets } = this.self;
    let pickle = ratchets.addOneTimeKeys(await this.#pickle(), 1);
    const [made] = ratchets.unpublishedKeys(pickle).oneTime;
    if (made === undefined) throw new Error("no key");
    const document = canonical(keyDocument(...partsOf(this.name), made.id, made.key, false));
    const signature = ratchets.sign(pickle, document);
    pickle = ratchets.markPublished(pickle);
    await this.#account((row) => ({ ...row, pickle }));
    return { ...made, signature, fallback: false };
  }

  async #account(change: (row: tables.AccountRow) => tables.AccountRow): Promise<void> {
    await this.store.transaction(async (work) => {
      const row = await work.get(tables.account, tables.ONLY);
      if (row !== undefined) work.put(tables.account, change(row));
    });
  }

  async #pickle(): Promise<string> {
    return (await this.store.get(tables.account, tables.ONLY))?.pickle ?? "";
  }

  async send(chat: string, text: string): Promise<string> {
    return this.write(chat, { kind: "text", text }, ulid(this.scene.time + this.scene.log.length));
  }

  /** Something that changes a message or a chat, unless it has an id of a text. */
  async write(chat: string, content: MessageContent, id = changeId(this.scene.time)) {
    await this.step((step, engine) => engine.send(step, id, chat, content));
    return id;
  }

  reference(id: string): Reference {
    return { by: this.name, id };
  }

  /** Its user accepts the identities of `user` that are shown now. */
  async accept(user: string): Promise<void> {
    const listed = new Map((await this.scene.listing(user)).map(([at, { keys }]) => [at, keys]));
    await this.step((step, engine) => engine.accept(step, user, listed));
  }

  async texts(chat: string): Promise<(string | undefined)[]> {
    return (await historyOf(this.store, chat, 1_000)).map(({ text }) => text);
  }

  heard<T extends Event["type"]>(type: T): Extract<Event, { type: T }>[] {
    return this.events.filter((each): each is Extract<Event, { type: T }> => each.type === type);
  }
}

/**
 * The speed of a browser at encrypting and decrypting, and how much longer a message gets. Two
 * devices in one page, each with a database of its own; what a network would add is left out.
 */

import { loadDevice } from "../src/client/account.ts";
import { type Message, send } from "../src/client/core/frames.ts";
import { ulid } from "../src/client/core/ids.ts";
import { type Content, MEGOLM, OLM, type Self } from "../src/client/crypto/envelope.ts";
import { open } from "../src/client/crypto/opening.ts";
import {
  beginGroup,
  groupKey,
  type Place,
  sealFor,
  sealForGroup,
} from "../src/client/crypto/sealing.ts";
import { begin } from "../src/client/crypto/sessions.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

const MESSAGES = 200;
const CHAT = "Qn3jv0dXzq0Yk1mE8a2b9w";
const TEXTS = { "a short text (20 bytes)": 20, "1 KB": 1_000, "10 KB": 10_000 } as const;

export interface Measurements {
  /** Messages a second, each one a committed transaction. */
  readonly rates: readonly { what: string; rate: number }[];
  /** Bytes of a text, and of the `send` frame that carries it to one device. */
  readonly sizes: readonly { what: string; text: number; frame: number }[];
}

interface Device {
  readonly self: Self;
  readonly store: Store;
}

type Algorithm = typeof OLM | typeof MEGOLM;

export async function measure(wasm: string): Promise<Measurements> {
  const ravi = await device("ravi", wasm);
  const raju = await device("raju", wasm);
  await meet(ravi, raju);
  await meet(raju, ravi);
  await converse(ravi, raju);
  const rates: { what: string; rate: number }[] = [];
  const sizes: { what: string; text: number; frame: number }[] = [];
  for (const [name, alg] of [
    ["Olm", OLM],
    ["Megolm", MEGOLM],
  ] as const) {
    const sealed: Message[] = [];
    rates.push({
      what: `${name}: encrypted, with its transaction`,
      rate: await rateOf(async () => sealed.push(await seal(ravi, raju, alg, "x".repeat(20)))),
    });
    rates.push({
      what: `${name}: decrypted, with its transaction`,
      rate: await rateOf(async () => opened(raju, sealed.shift())),
    });
    for (const [what, length] of Object.entries(TEXTS)) {
      const { messageId, payload = "" } = await seal(ravi, raju, alg, "x".repeat(length));
      const sealed = alg === OLM ? { [raju.self.name]: payload } : payload;
      const frame = JSON.stringify(send(messageId, CHAT, alg, sealed, true)).length;
      sizes.push({ what: `${name}: a frame for ${what}`, text: length, frame });
    }
  }
  await ravi.store.close();
  await raju.store.close();
  return { rates, sizes };
}

async function device(user: string, wasm: string): Promise<Device> {
  const name = `measured/${user}/${crypto.randomUUID()}`;
  const store = await Store.open(name, tables.VERSION, tables.TABLES);
  return { store, self: (await loadDevice(store, user, "browser", wasm)).self };
}

async function meet({ store }: Device, { self }: Device): Promise<void> {
  const { user, device, keys } = self;
  const known = { user, device, keys, pending: undefined, verified: false, trustedAt: 0 };
  await store.transaction(async (work) => work.put(tables.knownDevices, known));
}

/** Sessions that both have used, so that what is measured is the middle of a conversation. */
async function converse(ravi: Device, raju: Device): Promise<void> {
  const key = await oneTimeKey(raju);
  await ravi.store.transaction((work) => begin(work, ravi.self, CHAT, recipient(raju), key));
  await opened(raju, await seal(ravi, raju, OLM, "hello"));
  await opened(ravi, await seal(raju, ravi, OLM, "hello"));
  const content = await ravi.store.transaction(async (work) =>
    groupKey(ravi.self, beginGroup(work, ravi.self, CHAT, Date.now())),
  );
  await opened(raju, await sealContent(ravi, raju, content));
}

async function oneTimeKey({ store, self }: Device): Promise<string> {
  return store.transaction(async (work) => {
    const account = await work.get(tables.account, tables.ONLY);
    if (account === undefined) throw new Error("there is no account");
    const pickle = self.ratchets.addOneTimeKeys(account.pickle, 1);
    work.put(tables.account, { ...account, pickle });
    return self.ratchets.unpublishedKeys(pickle).oneTime[0]?.key ?? "";
  });
}

async function seal(from: Device, to: Device, alg: Algorithm, text: string): Promise<Message> {
  if (alg === OLM) return sealContent(from, to, { kind: "text", text });
  const place = newPlace();
  const payload = await from.store.transaction(async (work) => {
    const group = await work.get(tables.outboundGroups, CHAT);
    if (group === undefined) throw new Error("there is no group session");
    return sealForGroup(work, from.self, place, group, { kind: "text", text });
  });
  return message(from, place, alg, payload);
}

async function sealContent(from: Device, to: Device, content: Content): Promise<Message> {
  const place = newPlace();
  const payload = await from.store.transaction((work) =>
    sealFor(work, from.self, place, recipient(to), content),
  );
  return message(from, place, OLM, payload);
}

async function opened({ store, self }: Device, message: Message | undefined): Promise<void> {
  if (message === undefined) throw new Error("there is no message");
  const { unreadable } = await store.transaction((work) => open(work, self, message));
  if (unreadable !== undefined) throw new Error(`not to be read: ${unreadable}`);
}

function recipient({ self }: Device) {
  return { name: self.name, keys: self.keys };
}

function newPlace(): Place {
  return { chat: CHAT, messageId: ulid(Date.now()) };
}

function message({ self }: Device, place: Place, alg: Algorithm, payload: string): Message {
  const { user: sender, device: senderDevice } = self;
  return { type: "message", ...place, seq: 1, sender, senderDevice, sentAt: 0, alg, payload };
}

async function rateOf(once: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let round = 0; round < MESSAGES; round++) await once();
  return (1_000 * MESSAGES) / (performance.now() - started);
}

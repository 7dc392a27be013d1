/**
 * The core in Node, driven by lines of JSON: for tests that need it beside the Python client.
 *
 *     {"id": 1, "client": "ravi/web", "do": "open", "with": [{"api": "...", ...}]}
 *     {"id": 1, "result": ...}   or   {"id": 1, "error": "...", "kind": "Unreachable"}
 *     {"client": "ravi/web", "event": {"type": "message", ...}}
 *
 * IndexedDB is a stand-in in memory here; a client that is aborted and opened again finds its state
 * there as a page would after a reload.
 */

import "fake-indexeddb/auto";
import { createInterface } from "node:readline";
import { partsOf } from "../src/client/core/ids.ts";
import { loadRatchets } from "../src/client/crypto/olm.ts";
import { fromBase64, toBase64 } from "../src/client/crypto/signing.ts";
import {
  type Attachment,
  ChatClient,
  type Event,
  type FileDescription,
  type Options,
  type Reference,
} from "../src/client/index.ts";
import { Ledger } from "../src/client/store/ledger.ts";
import { Store } from "../src/client/store/store.ts";
import * as tables from "../src/client/store/tables.ts";

interface Command {
  readonly id: number;
  readonly client: string;
  readonly do: string;
  readonly with: readonly never[];
}

const clients = new Map<string, ChatClient>();

/** How long a scene waits on a busy machine. */
const WITHIN_MS = 300_000;

type Method = (client: ChatClient, ...given: never[]) => Promise<unknown>;

const METHODS: Readonly<Record<string, Method>> = {
  signUpOrIn: (client) => client.signUpOrIn(),
  connect: (client) => client.connect(WITHIN_MS),
  close: (client) => client.close(),
  abort: (client) => client.abort(),
  cut: async (client) => client.cut(),
  sync: (client) => client.sync(WITHIN_MS),
  addContact: (client, user: string) => client.people.add(user),
  direct: (client, user: string) => client.chats.direct(user),
  group: (client, users: string[]) => client.chats.group(users),
  changeMembers: (client, chat: string, change: object) => client.chats.changeMembers(chat, change),
  send: (client, chat: string, text: string, reply?: Reference) => client.send(chat, text, reply),
  react: (client, chat: string, to: Reference, emoji: string | null) =>
    client.writing.react(chat, to, emoji),
  edit: (client, chat: string, of: Reference, text: string) => client.writing.edit(chat, of, text),
  delete: (client, chat: string, of: Reference) => client.writing.delete(chat, of),
  setTimer: (client, chat: string, seconds: number) => client.writing.setTimer(chat, seconds),
  setName: (client, chat: string, name: string | null) => client.writing.setName(chat, name),
  setProfile: (client, name: string | null, picture: string | null) =>
    client.writing.setProfile(name, picture),
  profile: (client, user: string) => client.writing.profile(user),
  sendFile: (client, chat: string, base64: string, description: FileDescription) =>
    client.messages.sendFile(chat, fromBase64(base64), description),
  fetchFile: async (client, chat: string, file: Attachment) =>
    toBase64(await client.messages.fetchFile(chat, file)),
  markRead: (client, chat: string, seq: number) => client.messages.markRead(chat, seq),
  chats: (client) => client.chats.all(),
  history: (client, chat: string) => client.messages.history(chat, 1_000),
  devices: (client, user: string) => client.devices.of(user),
  removeDevice: (client, device: string) => client.devices.remove(device),
  safetyNumber: (client, user: string) => client.verification.safetyNumber(user),
  accept: async (client, user: string) =>
    client.verification.accept(user, await client.devices.of(user)),
  compareSafetyNumber: (client, user: string, shown: string) =>
    client.verification.compareSafetyNumber(user, shown),
  compare: (client, chat: string, device: string) => client.verification.compare(chat, device),
  decide: (client, device: string, match: boolean) => client.verification.decide(device, match),
};

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function opened(name: string, options: Options): Promise<void> {
  const client = await ChatClient.open(options);
  clients.set(name, client);
  client.listen((event) => {
    write({ client: name, event: shown(event) });
  });
}

/** A comparison as far as a test sees it: the rest of it is keys. */
function shown(event: Event): object {
  if (event.type !== "comparison") return event;
  const { peer, stage, emoji, reason } = event.comparison;
  const names = emoji.map((each) => each.name);
  return { type: event.type, peer: peer.name, stage, emoji: names, reason };
}

/** What a device never gets back: its Olm sessions, as if they had been lost. */
async function loseSessions(name: string): Promise<void> {
  const store = await Store.open(`switchboard/${name}`, tables.VERSION, tables.TABLES);
  const sessions = await store.all(tables.olmSessions);
  await store.transaction(async (work) => {
    for (const { chat, device, id } of sessions) {
      work.delete(tables.olmSessions, [chat, device, id]);
    }
  });
  await store.close();
}

/** As if a message had been shown to the device and could not be read: it will ask for it. */
async function loseText(
  name: string,
  chat: string,
  [sender, senderDevice, messageId]: readonly [string, string, string],
): Promise<void> {
  const [user, device] = partsOf(name);
  const store = await Store.open(`switchboard/${name}`, tables.VERSION, tables.TABLES);
  await store.transaction(async (work) => {
    const ledger = new Ledger(work, user, device);
    const known = await ledger.message(chat, sender, senderDevice, messageId);
    const row =
      known ?? ledger.add({ chat, seq: 1, sender, senderDevice, messageId, sentAt: 0, alg: "" });
    ledger.change(row, { text: undefined, unreadable: "no_session", askAt: 0 });
  });
  await store.close();
}

const Plain = globalThis.WebSocket;

/**
 * On connections from now on: delivers messages up to `most` ms late, so that they overtake each
 * other, but nothing else them; 0 ends it.
 */
function shuffleArrivals(most: number): void {
  globalThis.WebSocket = Plain;
  if (most === 0) return;
  globalThis.WebSocket = class extends Plain {
    override set onmessage(take: (event: MessageEvent) => void) {
      const late = new Map<MessageEvent, ReturnType<typeof setTimeout>>();
      const arrive = (event: MessageEvent) => {
        clearTimeout(late.get(event));
        late.delete(event);
        take(event);
      };
      this.addEventListener("message", (event) => {
        if (event.data.includes('"type":"message"')) {
          late.set(
            event,
            setTimeout(() => arrive(event), Math.random() * most),
          );
          return;
        }
        for (const before of late.keys()) arrive(before);
        take(event);
      });
    }
  };
}

async function carryOut({ client: name, do: what, with: given }: Command): Promise<unknown> {
  if (what === "loseSessions") return loseSessions(name);
  if (what === "loseText") return loseText(name, ...(given as unknown as [string, never]));
  if (what === "shuffleArrivals") return shuffleArrivals(given[0] ?? 0);
  if (what === "open") return opened(name, given[0] as unknown as Options);
  const client = clients.get(name);
  const method = METHODS[what];
  if (client === undefined || method === undefined) throw new Error(`no ${what} for ${name}`);
  return method(client, ...given);
}

async function answer(line: string): Promise<void> {
  const command = JSON.parse(line) as Command;
  try {
    write({ id: command.id, result: (await carryOut(command)) ?? null });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    write({ id: command.id, error: message, kind: name });
  }
}

// libolm's start takes the place of what reads standard input, if that is there already.
await loadRatchets(new Uint8Array(32));
createInterface({ input: process.stdin })
  .on("line", (line) => void answer(line))
  .on("close", () => process.exit(0));

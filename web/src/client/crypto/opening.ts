/** Decryption of a message: its session, the check of its sender, and the state to store. */

import type { Message } from "../core/frames.ts";
import { nameOf } from "../core/ids.ts";
import type { Work } from "../store/store.ts";
import type { Unreadable } from "../store/tables.ts";
import * as tables from "../store/tables.ts";
import {
  type Content,
  EnvelopeError,
  MEGOLM,
  OLM,
  parseMegolm,
  parseOlm,
  type Self,
  unsealed,
} from "./envelope.ts";
import { type Author, authorsOf, retired } from "./identities.ts";
import { type OlmMessage, RatchetError } from "./olm.ts";
import { byUse, next, type OlmSession, superfluous } from "./sessions.ts";

/** `content` is undefined for a kind that this client does not know. */
export type Opened =
  | { readonly content: Content | undefined; readonly unreadable?: never }
  | { readonly unreadable: Unreadable };

class Undecryptable extends Error {
  readonly why: Unreadable;

  constructor(why: Unreadable) {
    super(why);
    this.why = why;
  }
}

/** What it changes is in `work`; of a message that can't be opened it changes nothing. */
export async function open(work: Work, self: Self, message: Message): Promise<Opened> {
  try {
    return { content: await opened(work, self, message) };
  } catch (error) {
    if (error instanceof Undecryptable) return { unreadable: error.why };
    if (error instanceof RatchetError) return { unreadable: "damaged" };
    if (error instanceof EnvelopeError) return { unreadable: "false_sender" };
    throw error;
  }
}

async function opened(work: Work, self: Self, message: Message): Promise<Content | undefined> {
  if (message.payload === undefined) throw new Undecryptable("no_payload");
  if (message.alg !== OLM && message.alg !== MEGOLM) throw new Undecryptable("unknown_algorithm");
  // Of a time that this device does not remember: it has no session with itself.
  if (nameOf(message.sender, message.senderDevice) === self.name)
    throw new Undecryptable("no_session");
  const sender = await work.get(tables.knownDevices, [message.sender, message.senderDevice]);
  if (sender === undefined) throw new Undecryptable("unknown_device");
  let failure: unknown = new Undecryptable("identity_changed");
  for (const [at, author] of authorsOf(sender).entries()) {
    try {
      return await openedOf(work, self, message, message.payload, author);
    } catch (error) {
      if (at === 0) failure = error;
    }
  }
  // It may be fine, by the identity that the directory shows and nobody has accepted.
  if (sender.pending !== undefined) throw new Undecryptable("identity_changed");
  throw failure;
}

/** A former identity asks for nothing any more. */
async function openedOf(
  work: Work,
  self: Self,
  message: Message,
  payload: string,
  author: Author,
): Promise<Content | undefined> {
  const content =
    message.alg === OLM
      ? await olm(work, self, message, payload, author)
      : await megolm(work, self, message, payload, author);
  const asks = content?.kind === "request" || content?.kind === "sas";
  return author.former && asks ? undefined : content;
}

async function olm(
  work: Work,
  self: Self,
  message: Message,
  payload: string,
  { keys, former }: Author,
): Promise<Content | undefined> {
  const olmMessage = parseOlm(payload);
  if (olmMessage === undefined) throw new Undecryptable("damaged");
  const { curve25519, ed25519 } = keys;
  const from = nameOf(message.sender, message.senderDevice);
  // The first is that of new ones.
  const places = former ? [retired(from, keys)] : [from, retired(from, keys)];
  const ranges = places.map((place) => tables.startingWith(message.chat, place));
  const sessions = byUse(
    (
      await Promise.all(ranges.map((range) => work.all(tables.olmSessions, undefined, range)))
    ).flat(),
  );
  const found =
    matching(self, sessions, curve25519, olmMessage) ??
    (await fresh(work, self, curve25519, olmMessage));
  const content = unsealed(found.text, {
    chat: message.chat,
    id: message.messageId,
    from,
    from_key: ed25519,
    to: self.name,
    to_key: self.keys.ed25519,
  });
  if (content?.kind === "room_key") {
    await keepGroup(work, self, message.chat, from, ed25519, content);
  }
  const order = next(sessions);
  const row: OlmSession = {
    chat: message.chat,
    device: found.device ?? places[0] ?? from,
    id: found.id,
    pickle: found.session,
    made: found.made ?? order,
    opened: order,
  };
  found.commit();
  work.put(tables.olmSessions, row);
  const others = sessions.filter((each) => each.id !== row.id && each.device === row.device);
  for (const old of superfluous([...others, row])) {
    work.delete(tables.olmSessions, [old.chat, old.device, old.id]);
  }
  return content;
}

interface Decrypted {
  readonly id: string;
  readonly session: string;
  readonly text: string;
  readonly made: number | undefined;
  /** Where the session stands. */
  readonly device: string | undefined;
  /** What else is to be stored, once the inside has turned out right. */
  readonly commit: () => void;
}

/** With one of the sessions that are there; undefined where a new one has to be made. */
function matching(
  self: Self,
  sessions: readonly OlmSession[],
  curve25519: string,
  message: OlmMessage,
): Decrypted | undefined {
  const { ratchets } = self;
  const decrypt = ({ id, pickle, made, device }: OlmSession): Decrypted => ({
    id,
    made,
    device,
    ...ratchets.decrypt(pickle, message),
    commit: () => {},
  });
  if (message.type === 0) {
    const own = sessions.find((each) => ratchets.matches(each.pickle, curve25519, message.body));
    return own && decrypt(own);
  }
  if (sessions.length === 0) throw new Undecryptable("no_session");
  let failure: unknown;
  for (const session of sessions) {
    try {
      return decrypt(session);
    } catch (error) {
      failure = error; // not of this session, or opened before
    }
  }
  throw failure;
}

async function fresh(
  work: Work,
  self: Self,
  curve25519: string,
  message: OlmMessage,
): Promise<Decrypted> {
  const account = await work.get(tables.account, tables.ONLY);
  if (account === undefined) throw new Undecryptable("no_session");
  const inbound = self.ratchets.inbound(account.pickle, curve25519, message.body);
  // The fallback key would open it again; a session is begun once, whichever chat it is shown in.
  if (await work.get(tables.knownSessions, inbound.id)) throw new Undecryptable("replayed");
  return {
    id: inbound.id,
    made: undefined,
    device: undefined,
    ...self.ratchets.decrypt(inbound.session, message),
    commit: () => {
      work.put(tables.account, { ...account, pickle: inbound.account });
      work.put(tables.knownSessions, { id: inbound.id });
    },
  };
}

/** Of two keys for one session the one that opens more counts. */
async function keepGroup(
  work: Work,
  self: Self,
  chat: string,
  sender: string,
  ed25519: string,
  { session_id, key }: Extract<Content, { kind: "room_key" }>,
): Promise<void> {
  const { group, id, firstIndex } = self.ratchets.inboundGroup(key);
  if (id !== session_id) throw new Undecryptable("damaged");
  const known = await work.get(tables.inboundGroups, [chat, sender, id]);
  if (known !== undefined && known.firstIndex <= firstIndex && known.ed25519 === ed25519) return;
  work.put(tables.inboundGroups, { chat, id, pickle: group, firstIndex, sender, ed25519 });
}

async function megolm(
  work: Work,
  self: Self,
  message: Message,
  payload: string,
  { keys }: Author,
): Promise<Content | undefined> {
  const parsed = parseMegolm(payload);
  if (parsed === undefined) throw new Undecryptable("damaged");
  const { sessionId, body } = parsed;
  const from = nameOf(message.sender, message.senderDevice);
  const group = await work.get(tables.inboundGroups, [message.chat, from, sessionId]);
  if (group === undefined) throw new Undecryptable("no_session");
  if (group.ed25519 !== keys.ed25519) throw new Undecryptable("identity_changed");
  const { group: pickle, text, index } = self.ratchets.groupDecrypt(group.pickle, body);
  const seen = await work.get(tables.seenIndexes, [sessionId, index]);
  if (seen !== undefined && seen.messageId !== message.messageId)
    throw new Undecryptable("replayed");
  const content = unsealed(text, {
    chat: message.chat,
    id: message.messageId,
    from,
    from_key: group.ed25519,
  });
  work.put(tables.inboundGroups, { ...group, pickle });
  work.put(tables.seenIndexes, {
    session: sessionId,
    index,
    messageId: message.messageId,
  });
  // Everything but a text is for one device, and goes to that device alone.
  return content?.kind === "text" || content?.kind === "content" ? content : undefined;
}

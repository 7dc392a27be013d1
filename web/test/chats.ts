/** Chats and frames as the backend has them, and making a device ask for a text. */

import type { TestClient } from "./backend.ts";
import { backend, connect, frames, until, user } from "./scene.ts";

/** ravi's phone and raju's in a direct chat. */
export async function pair(): Promise<{ ravi: TestClient; raju: TestClient; chat: string }> {
  const [ravi, raju] = [await connect("ravi/phone"), await connect("raju/phone")];
  return { ravi, raju, chat: await ravi.client.chats.direct(user("raju")) };
}

export async function placeOf({ client }: TestClient, chat: string) {
  const found = (await client.chats.all()).find((each) => each.chat === chat);
  if (found === undefined) throw new Error(`it has no chat ${chat}`);
  return found;
}

/** Holds back what comes for a client, until the result is called. */
export function hold(
  { name }: TestClient,
  which: (frame: { type?: string }) => boolean = () => true,
) {
  const socket = backend.sockets.get(name);
  if (socket === undefined) throw new Error(`${name} is not connected`);
  const deliver = socket.deliver.bind(socket);
  const held: { type?: string }[] = [];
  socket.deliver = (frame) => {
    if (which(frame)) held.push(frame);
    else deliver(frame);
  };
  const arrive = () => {
    socket.deliver = deliver;
    for (const frame of held) deliver(frame);
  };
  const messages = () => held.filter(({ type }) => type === "message").length;
  return Object.assign(arrive, { messages });
}

export const sentTo = ({ name }: TestClient) =>
  frames().filter(({ to }) => to !== undefined && Object.keys(to).includes(name));

/** The backend shows all an empty place for a text, so that `asker` asks its writer for it. */
export async function ask(
  asker: TestClient,
  writer: TestClient,
  chat: string,
  id: string,
): Promise<void> {
  const before = sentTo(writer).length;
  const empty = { action: "send", chat, alg: "olm.v1", to: {} } as const;
  // The backend knows a text that is sent again only while it is its device's last message.
  const hidden = { ...empty, message_id: crypto.randomUUID() };
  backend.post(writer.name, hidden, { ...empty, message_id: id });
  await until(() => sentTo(writer).length > before);
  const asked = (await backend.messages(chat)).findLast(({ sender, sender_device }) => {
    return `${sender}/${sender_device}` === asker.name;
  });
  const seq = Number(asked?.item.replace("message#", "") ?? 0);
  // What it asks for is decided before the next text is sealed.
  await until(async () => (await placeOf(writer, chat)).watermark >= seq);
}

export const sessions = () =>
  new Set(
    frames()
      .filter(({ alg }) => alg === "megolm.v1")
      .map(({ payload }) => payload?.split(".")[0]),
  );

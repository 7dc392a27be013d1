/** Files: the vectors that the Python client is tested with as well, and whole clients. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Attachment, parseAttachment, safeName } from "../src/client/core/attachment.ts";
import { CHUNK, openFile, paddedFileSize, sealFile, TAG } from "../src/client/crypto/files.ts";
import { fromBase64 } from "../src/client/crypto/signing.ts";
import { FileDamaged, FileGone } from "../src/client/errors.ts";
import type { TestClient } from "./backend.ts";
import { backend, connect, crash, eventsOf, until, useBackend, user } from "./scene.ts";

interface Vectors {
  readonly sizes: { size: number; padded: number; sealed: number; key: string; digest: string }[];
  readonly names: { name: string; safe: string }[];
  readonly attachments: { good: unknown[]; bad: { why: string; value: unknown }[] };
}

const path = new URL("../../protocol/vectors/files.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;
const contentOf = (size: number) =>
  Uint8Array.from({ length: size }, (_, place) => (place % 251) + 1);
const sha256 = async (data: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", data));

describe("the format", () => {
  test.each(vectors.sizes)("$size bytes", async ({ size, padded, sealed, key, digest }) => {
    const content = contentOf(size);
    const made = await sealFile(content, fromBase64(key));
    expect([paddedFileSize(size), made.body.length]).toEqual([padded, sealed]);
    expect(made.digest).toEqual(fromBase64(digest));
    const opened = await openFile(made.body, fromBase64(key), fromBase64(digest), size);
    expect(Buffer.compare(opened, content)).toBe(0);
  });

  test("nothing that was changed is opened, though its digest were right", async () => {
    const key = Uint8Array.from({ length: 32 }, (_, place) => place);
    const size = CHUNK + 5;
    const { body, digest } = await sealFile(contentOf(size), key);
    for (const place of [0, CHUNK + TAG - 1, CHUNK + TAG, body.length - 1]) {
      const changed = body.slice();
      changed[place] = (changed[place] ?? 0) ^ 1;
      await expect(openFile(changed, key, await sha256(changed), size)).rejects.toThrow(
        FileDamaged,
      );
    }
    for (const [other, said] of [
      [body.slice(0, CHUNK + TAG), CHUNK],
      [body, size - 1],
    ] as const) {
      await expect(openFile(other, key, await sha256(other), said)).rejects.toThrow(FileDamaged);
    }
    await expect(openFile(body, key, digest.toReversed(), size)).rejects.toThrow(FileDamaged);
    await expect(openFile(body, key.toReversed(), digest, size)).rejects.toThrow(FileDamaged);
  });

  test.each(vectors.names)("the name $name is $safe", ({ name, safe }) => {
    expect(safeName(name)).toBe(safe);
    expect(safeName(safe)).toBe(safe);
  });

  test("a good attachment is read as it is", () => {
    for (const good of vectors.attachments.good) expect(parseAttachment(good)).toEqual(good);
    expect(safeName("a\ud800.txt")).toBe("a\ufffd.txt");
  });

  test.each(vectors.attachments.bad)("rejected: $why", ({ value }) => {
    expect(() => parseAttachment(value)).toThrow();
  });
});

describe("between two clients", () => {
  useBackend();
  const content = contentOf(1_300_000);

  async function fileOf({ client, events }: TestClient): Promise<[string, Attachment]> {
    const messages = () => events.filter((event) => event.type === "message" && !event.own);
    await until(() => messages().length > 0);
    const [event] = messages();
    if (event?.type !== "message") throw new Error("no message");
    const [message] = await client.messages.history(event.chat, 1);
    if (message?.content?.kind !== "file") throw new Error("no file");
    return [event.chat, message.content.file];
  }

  test("a file arrives whole, whatever fails on the way, and only then its message", async () => {
    const [raju, ravi] = [await connect("raju/phone"), await connect("ravi/phone")];
    await ravi.client.chats.direct(user("raju"));
    await backend.failFiles(503, 503, 403);
    backend.cutFiles = 1;
    const description = { name: "../report.pdf", caption: "please read" };
    const messageId = await ravi.client.messages.sendFile(user("raju"), content, description);
    const [chat, file] = await fileOf(raju);
    expect([file.name, file.type, file.kind]).toEqual(["_report.pdf", "application/pdf", "file"]);
    expect(await backend.fileRequests()).toEqual(["POST", "POST", "POST", "POST"]);
    const progress = eventsOf(ravi, "file_progress").at(-1);
    expect([progress?.messageId, progress?.done]).toEqual([messageId, progress?.size]);
    await backend.failFiles(500);
    backend.cutFiles = 2;
    const seen: number[] = [];
    const got = await raju.client.messages.fetchFile(chat, file, (done) => seen.push(done));
    expect(Buffer.compare(got, content)).toBe(0);
    expect(seen.at(-1)).toBeGreaterThan(content.length);
    expect((await backend.fileRequests()).at(-1)).toMatch(/^GET bytes=\d{6,}-$/);
    expect(await ravi.client.messages.uploads()).toEqual([]);
  });

  test.each([
    ["name", { name: "a.jpg" }],
    ["type", { name: "a", type: "image/png" }],
  ])("what is a picture by its %s alone goes as a file", async (_by, description) => {
    const [raju, ravi] = [await connect("raju/phone"), await connect("ravi/phone")];
    await ravi.client.messages.sendFile(user("raju"), contentOf(100), description);
    const [, file] = await fileOf(raju);
    expect(file.kind).toBe("file");
  });

  test("a reply to a file has which file it refers to", async () => {
    const [raju, ravi] = [await connect("raju/phone"), await connect("ravi/phone")];
    await ravi.client.messages.sendFile(user("raju"), contentOf(100), { name: "a.csv" });
    const [chat] = await fileOf(raju);
    const [asked] = await raju.client.messages.history(chat, 1);
    await raju.client.send(chat, "thanks", asked?.reference);
    const [answer] = await raju.client.messages.history(chat, 1);
    expect(answer?.reply).toMatchObject({ text: "", here: true, file: { name: "a.csv" } });
  });

  test("what waits for its upload survives a reload, and is sent once", async () => {
    const [raju, ravi] = [await connect("raju/phone"), await connect("ravi/phone")];
    const chat = await ravi.client.chats.direct(user("raju"));
    await backend.failFiles(...Array<number>(50).fill(503));
    await ravi.client.messages.sendFile(chat, content, { name: "a.jpg", kind: "picture" });
    await until(async () => (await backend.fileRequests()).length > 0);
    await crash(ravi);
    expect(await backend.messages(chat)).toEqual([]);
    await backend.failFiles();
    await connect("ravi/phone");
    const [, file] = await fileOf(raju);
    expect(file.kind).toBe("picture");
    expect(Buffer.compare(await raju.client.messages.fetchFile(chat, file), content)).toBe(0);
  });

  test("what is cancelled is never sent; what is rejected is reported and given up", async () => {
    const ravi = await connect("ravi/phone");
    const raju = await connect("raju/phone");
    await ravi.client.writing.setProfile("Ravi K.", null); // goes with what is written
    const chat = await ravi.client.chats.direct(user("raju"));
    await backend.failFiles(503, 503, 503);
    const cancelled = await ravi.client.messages.sendFile(chat, content, { name: "a" });
    expect(await ravi.client.messages.cancelUpload(cancelled)).toBe(true);
    expect(await ravi.client.messages.cancelUpload(cancelled)).toBe(false);
    await backend.failFiles(400, 400, 400, 400, 400, 400);
    const refused = await ravi.client.messages.sendFile(chat, content, { name: "b" });
    await until(() => eventsOf(ravi, "file_failed").some(({ final }) => final));
    expect(eventsOf(ravi, "file_failed").map(({ messageId }) => messageId)).toEqual([refused]);
    expect(await backend.messages(chat)).toEqual([]);
    expect(await ravi.client.messages.uploads()).toEqual([]);
    await backend.failFiles();
    await ravi.client.messages.sendFile(chat, contentOf(9), { name: "c" });
    await until(() => eventsOf(raju, "profile_changed").length > 0);
  });

  test("what is cancelled while its upload runs is not sent; what is written is too late", {
    tags: "deep",
  }, async () => {
    const ravi = await connect("ravi/phone");
    await connect("raju/phone");
    const chat = await ravi.client.chats.direct(user("raju"));
    await ravi.client.writing.setProfile("Ravi K.", null); // goes after a message that is written
    const cancels: Promise<boolean>[] = [];
    const stop = ravi.client.listen((event) => {
      if (event.type !== "file_progress" || event.done < event.size) return;
      // before the message is written, and mostly after the upload has ended
      for (let each = 0; each < 100; each++) void ravi.client.messages.history(chat);
      cancels.push(ravi.client.messages.cancelUpload(event.messageId));
      stop();
    });
    await ravi.client.messages.sendFile(chat, content, { name: "a" });
    const second = await ravi.client.messages.sendFile(chat, content, { name: "b" });
    const written = async () => (await backend.messages(chat)).map((each) => each.message_id);
    await until(async () => (await written()).includes(second));
    expect(await Promise.all(cancels)).toEqual([true]);
    expect((await written())[0]).toBe(second);
    expect(await ravi.client.messages.cancelUpload(second)).toBe(false);
  });

  test("what came back as something else is not given out; what expired is gone", async () => {
    const [raju, ravi] = [await connect("raju/phone"), await connect("ravi/phone")];
    await ravi.client.messages.sendFile(user("raju"), content, { name: "a.bin" });
    const [chat, file] = await fileOf(raju);
    await backend.changeFiles();
    await expect(raju.client.messages.fetchFile(chat, file)).rejects.toThrow(FileDamaged);
    await backend.expireFiles();
    await expect(raju.client.messages.fetchFile(chat, file)).rejects.toThrow(FileGone);
  });
});

/**
 * Packs the built page for the backend that serves it: `node build/pack.ts <from> <to>`.
 *
 * Each file is put beside its compressed forms, and described in files.json (lambdas/api/page.py
 * reads it). Compressing here, once, is stronger than what a server can do for each request.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { filesUnder } from "./files.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};
const DESCRIPTION = "files.json";
/** Vite puts a hash of the content into the names that it chooses, and into no others. */
const HASHED = "assets/";
/** A Lambda target may return 1 MB, and what is no text travels in base64, a third longer. */
const MOST_BYTES = 700_000;

type Bodies = Record<string, string>;
type Row = { type: string; hash: string; immutable: boolean; bodies: Bodies };

/** The forms of a file by their encodings; a compressed one only where it saves a tenth. */
function forms(content: Buffer): Record<string, Buffer> {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const compressed = {
    br: brotliCompressSync(content, quality),
    gzip: gzipSync(content, { level: 9 }),
  };
  const smaller = Object.entries(compressed).filter(
    ([, bytes]) => bytes.length < content.length * 0.9,
  );
  return Object.fromEntries([["identity", content], ...smaller]);
}

function row(name: string, content: Buffer, write: (name: string, bytes: Buffer) => void): Row {
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name}: which type is this? Add it to TYPES.`);
  if (content.length > MOST_BYTES) throw new Error(`${name} has more than ${MOST_BYTES} bytes`);
  const bodies: Bodies = {};
  for (const [encoding, bytes] of Object.entries(forms(content))) {
    bodies[encoding] = encoding === "identity" ? name : `${name}.${encoding}`;
    write(bodies[encoding], bytes);
  }
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  return { type, hash, immutable: name.startsWith(HASHED), bodies };
}

/** What is there already stays as it is, and what is not needed any more goes last. */
function pack(from: string, to: string): void {
  const written = new Set([DESCRIPTION]);
  const write = (name: string, bytes: Buffer): void => {
    const path = join(to, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.tmp`, bytes);
    renameSync(`${path}.tmp`, path);
    written.add(name);
  };
  const description: Record<string, Row> = {};
  for (const name of filesUnder(from)) {
    const path = name === "index.html" ? "/" : `/${name}`;
    description[path] = row(name, readFileSync(join(from, name)), write);
  }
  if (description["/"] === undefined) throw new Error(`${from} has no index.html`);
  write(DESCRIPTION, Buffer.from(`${JSON.stringify(description, null, 1)}\n`));
  for (const name of filesUnder(to)) if (!written.has(name)) rmSync(join(to, name));
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: pack.ts <from> <to>");
pack(from, to);

/** Uploads to S3 and downloads from it, by presigned requests. No credentials go along. */

import { ApiError, ClientError, FileDamaged, FileGone, Unreachable } from "./errors.ts";

/** How many bytes of how many. */
export type Progress = (done: number, size: number) => void;

type Bytes = Uint8Array<ArrayBuffer>;

// S3 says 400 as well where the connection was too slow, or ended too early:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
const PASSING = /<Code>(RequestTimeout|IncompleteBody)<\/Code>/;

/** After so long a pause the connection is given up: browsers wait for minutes, or for ever. */
const PAUSE_MS = 30_000;
/** When all bytes are handed to the operating system, which then sends them without notice. */
const RESPONSE_MS = 300_000;

/** S3 rejected the request: its signature has expired, or another part of it is wrong. */
export class Rejected extends ClientError {
  override readonly name = "Rejected";

  constructor(status: number) {
    super(`the file was not taken (${status})`);
  }
}

/** The bytes of a file that have arrived; they stay after an error. */
export class Received {
  readonly bytes: Bytes;
  length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** Raises FileDamaged where more comes than there should be. */
  add(part: Uint8Array): void {
    if (this.length + part.length > this.bytes.length) throw new FileDamaged();
    this.bytes.set(part, this.length);
    this.length += part.length;
  }
}

/**
 * Sends a form. Raises Rejected, Unreachable where there is no response, and ApiError where a later
 * one may help.
 */
export async function put(
  url: string,
  fields: ReadonlyMap<string, string>,
  body: Bytes,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("file", new Blob([body], { type: "application/octet-stream" }), "file");
  const reports = (done: number) => progress(Math.min(done, body.length), body.length);
  const send = typeof XMLHttpRequest === "undefined" ? sendByFetch : sendByRequest;
  const { status, text } = await send(url, form, signal, reports).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  if (status >= 500 || PASSING.test(text))
    throw new ApiError("internal", "S3 did not take it", status);
  if (status >= 300) throw new Rejected(status);
  reports(body.length);
}

/** Fetches what `into` lacks. Raises FileGone, FileDamaged, and as `put`. */
export async function get(
  url: string,
  into: Received,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const headers = into.length > 0 ? { range: `bytes=${into.length}-` } : {};
  const pause = new Pause();
  try {
    const ends = AbortSignal.any([signal, pause.signal]);
    const response = await fetch(url, { method: "GET", headers, signal: ends });
    // 404 is for who may list the bucket; others get 403 for what is not there:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    if (response.status === 403 || response.status === 404) throw new FileGone();
    if (!response.ok) throw new ApiError("internal", "S3 did not give it", 500);
    if (response.status !== 206) into.length = 0;
    const reader = response.body?.getReader();
    for (;;) {
      pause.over();
      const part = await reader?.read();
      if (part === undefined || part.done) return;
      into.add(part.value);
      progress(into.length, into.bytes.length);
    }
  } catch (error) {
    throw error instanceof ClientError ? error : unreachable(url, error);
  } finally {
    pause.end();
  }
}

/** Ends what has paused for too long. */
class Pause {
  readonly #ends = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.over();
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  /** Something has come or gone. */
  over(next = PAUSE_MS): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ends.abort(new Error("nothing comes")), next);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

type Send = (
  url: string,
  form: FormData,
  signal: AbortSignal,
  progress: (done: number) => void,
) => Promise<{ status: number; text: string }>;

/** `fetch` does not report how much of a body is sent. */
const sendByRequest: Send = (url, form, signal, progress) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const failed = (event: Event) => reject(new Error(event.type));
    if (signal.aborted) return reject(new Error("abort"));
    const pause = new Pause();
    request.upload.onprogress = ({ loaded }) => {
      pause.over();
      progress(loaded);
    };
    request.upload.onload = () => pause.over(RESPONSE_MS);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = failed;
    request.ontimeout = failed;
    request.onabort = failed;
    request.onloadend = () => pause.end();
    request.open("POST", url);
    AbortSignal.any([signal, pause.signal]).onabort = () => request.abort();
    request.send(form);
  });

/** Outside of browsers. Whole: Node raises where nobody can catch it when a form's stream is aborted. */
const sendByFetch: Send = async (url, form, signal) => {
  const whole = new Response(form);
  const headers = { "content-type": whole.headers.get("content-type") ?? "" };
  const body = await whole.arrayBuffer();
  const response = await fetch(url, { method: "POST", headers, body, signal });
  return { status: response.status, text: await response.text() };
};

/** The error without the query of the URL: anybody who has that can use it. */
function unreachable(url: string, error: unknown): Unreachable {
  return new Unreachable(`${url.replace(/\?.*/, "")} does not respond: ${String(error)}`);
}

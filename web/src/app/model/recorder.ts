/** A voice message while it is spoken: from the microphone to a file. */

import { Model } from "./model.ts";

/** A longer one is ended, and can be sent; 64 kbit/s make 2.4 MB of it. */
const LONGEST_MS = 5 * 60_000;
const BITS_PER_SECOND = 64_000;
/** What others can play, the best first: Safari has no WebM of its own before version 18.4. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export interface Recording {
  readonly file: File;
  /** In milliseconds. */
  readonly duration: number;
}

export class Recorder extends Model {
  #recorder: MediaRecorder | undefined;
  #parts: Blob[] = [];
  #startedAt = 0;
  #endedAt: number | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;

  static get possible(): boolean {
    return globalThis.MediaRecorder !== undefined && navigator.mediaDevices !== undefined;
  }

  get recording(): boolean {
    return this.#recorder !== undefined;
  }

  get seconds(): number {
    return Math.floor(((this.#endedAt ?? performance.now()) - this.#startedAt) / 1_000);
  }

  /** Raises NotAllowedError and NotFoundError, DOMExceptions of the browser. */
  async start(): Promise<void> {
    if (this.recording) return;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const mimeType = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    const recorder = new MediaRecorder(stream, {
      ...(mimeType !== undefined && { mimeType }),
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    this.#parts = [];
    this.#endedAt = undefined;
    recorder.addEventListener("dataavailable", ({ data }) => this.#parts.push(data));
    recorder.start();
    this.#recorder = recorder;
    this.#startedAt = performance.now();
    this.#ticking = setInterval(() => this.#tick(), 500);
    this.changed();
  }

  /** What was spoken; undefined if nothing was. `name` is without its end. */
  async finish(name: string): Promise<Recording | undefined> {
    const recorder = this.#recorder;
    if (recorder === undefined) return undefined;
    await this.#stop(recorder);
    const duration = Math.round((this.#endedAt ?? 0) - this.#startedAt);
    this.#forget();
    const type = recorder.mimeType.split(";")[0] ?? "";
    const file = new File(this.#parts, `${name}.${type.split("/")[1]}`, { type });
    return file.size === 0 ? undefined : { file, duration };
  }

  cancel(): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    this.#forget();
    void this.#stop(recorder);
  }

  async #stop(recorder: MediaRecorder): Promise<void> {
    this.#endedAt ??= performance.now();
    if (recorder.state !== "inactive") {
      const stopped = new Promise((done) => {
        recorder.addEventListener("stop", done, { once: true });
      });
      recorder.stop();
      await stopped;
    }
    for (const track of recorder.stream.getTracks()) track.stop(); // the browser's sign goes out
  }

  #forget(): void {
    clearInterval(this.#ticking);
    this.#recorder = undefined;
    this.changed();
  }

  #tick(): void {
    const long = performance.now() - this.#startedAt >= LONGEST_MS;
    if (long && this.#recorder !== undefined) void this.#stop(this.#recorder);
    this.changed();
  }
}

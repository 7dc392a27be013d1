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
  /** The attempt to record that waits for the user's permission; `cancel` drops it. */
  #asking: object | undefined;
  #recorder: MediaRecorder | undefined;
  #stopping: Promise<void> | undefined;
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
    if (this.recording || this.#asking !== undefined) return;
    const asking = {};
    this.#asking = asking;
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      if (this.#asking !== asking) return; // nobody waits for it any more
      this.#asking = undefined;
      throw error;
    }
    if (this.#asking !== asking) return release(stream);
    this.#asking = undefined;
    try {
      this.#record(stream);
    } catch (error) {
      release(stream);
      throw error;
    }
  }

  #record(stream: MediaStream): void {
    const mimeType = TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    const recorder = new MediaRecorder(stream, {
      ...(mimeType !== undefined && { mimeType }),
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    this.#parts = [];
    this.#endedAt = this.#stopping = undefined;
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
    if (this.#recorder !== recorder) return undefined; // cancelled meanwhile, or finished already
    const duration = Math.round((this.#endedAt ?? 0) - this.#startedAt);
    this.#forget();
    const type = recorder.mimeType.split(";")[0] ?? "";
    const file = new File(this.#parts, `${name}.${type.split("/")[1]}`, { type });
    return file.size === 0 ? undefined : { file, duration };
  }

  cancel(): void {
    this.#asking = undefined;
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    this.#forget();
    void this.#stop(recorder);
  }

  #stop(recorder: MediaRecorder): Promise<void> {
    this.#stopping ??= this.#end(recorder);
    return this.#stopping;
  }

  async #end(recorder: MediaRecorder): Promise<void> {
    this.#endedAt ??= performance.now();
    if (recorder.state !== "inactive") {
      const stopped = new Promise((done) => {
        recorder.addEventListener("stop", done, { once: true });
      });
      recorder.stop();
      await stopped;
    }
    release(recorder.stream);
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

/** The microphone is off, and the browser's sign of it goes out. */
function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

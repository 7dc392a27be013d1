/** A voice message: the microphone is on while one records, and at no other time. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Recorder } from "../../src/app/model/recorder.ts";

/** The microphones that were given out, and whether each is on. */
let microphones: { on: boolean }[];
/** What the user has been asked for and has not answered. */
let prompts: { allow: () => void; refuse: () => void }[];
let broken: boolean;

class FakeRecorder extends EventTarget {
  static isTypeSupported = () => true;
  readonly mimeType = "audio/mp4";
  readonly stream: MediaStream;
  state = "inactive";

  constructor(stream: MediaStream) {
    super();
    if (broken) throw new Error("no encoder");
    this.stream = stream;
  }

  start(): void {
    this.state = "recording";
  }

  stop(): void {
    this.state = "inactive";
    setTimeout(() => {
      this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob(["hey"]) }));
      this.dispatchEvent(new Event("stop"));
    });
  }
}

function getUserMedia(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const allow = () => {
      const microphone = { on: true };
      microphones.push(microphone);
      const track = { stop: () => Object.assign(microphone, { on: false }) };
      resolve({ getTracks: () => [track] });
    };
    prompts.push({ allow, refuse: () => reject(new Error("not allowed")) });
  });
}

beforeEach(() => {
  [microphones, prompts, broken] = [[], [], false];
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
  vi.stubGlobal("MediaRecorder", FakeRecorder);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const on = () => microphones.filter((each) => each.on).length;

async function recording(): Promise<Recorder> {
  const recorder = new Recorder();
  const started = recorder.start();
  prompts[0]?.allow();
  await started;
  return recorder;
}

test("what was spoken becomes a file, and the microphone is off", async () => {
  const recorder = await recording();
  expect([recorder.recording, on()]).toEqual([true, 1]);
  const spoken = await recorder.finish("voice");
  expect([spoken?.file.name, spoken?.file.size]).toEqual(["voice.mp4", 3]);
  expect([recorder.recording, on()]).toEqual([false, 0]);
});

test("a second press while the browser asks is none", async () => {
  const recorder = new Recorder();
  const started = [recorder.start(), recorder.start()];
  expect(prompts.length).toBe(1);
  prompts[0]?.allow();
  await Promise.all(started);
  recorder.cancel();
  await vi.waitFor(() => expect(on()).toBe(0));
});

test("whoever leaves while the browser asks is not recorded", async () => {
  const recorder = new Recorder();
  const first = recorder.start();
  recorder.cancel();
  const second = recorder.start();
  prompts[1]?.allow();
  await second;
  prompts[0]?.allow();
  await first;
  expect([recorder.recording, on()]).toEqual([true, 1]);
  recorder.cancel();
  await vi.waitFor(() => expect(on()).toBe(0));
});

test("a missing permission is reported, unless nobody waits for it, and one may ask again", async () => {
  const recorder = new Recorder();
  const refused = recorder.start();
  prompts[0]?.refuse();
  await expect(refused).rejects.toThrow("not allowed");
  const left = recorder.start();
  recorder.cancel();
  prompts[1]?.refuse();
  await left;
  expect(prompts.length).toBe(2);
});

test("the microphone is off where the browser can't record", async () => {
  broken = true;
  await expect(recording()).rejects.toThrow("no encoder");
  expect(on()).toBe(0);
});

test("nothing spoken is no file", async () => {
  const recorder = await recording();
  vi.spyOn(FakeRecorder.prototype, "stop").mockImplementation(function (this: FakeRecorder) {
    setTimeout(() => this.dispatchEvent(new Event("stop")));
  });
  expect(await recorder.finish("voice")).toBeUndefined();
  expect(on()).toBe(0);
});

test("after five minutes the microphone is off, what was spoken can be sent, and no time runs on", async () => {
  vi.useFakeTimers();
  const recorder = await recording();
  await vi.advanceTimersByTimeAsync(299_000);
  expect([on(), recorder.seconds]).toEqual([1, 299]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([on(), recorder.seconds, recorder.recording]).toEqual([0, 300, true]);
  const spoken = await recorder.finish("voice");
  expect([spoken?.file.size, spoken?.duration]).toEqual([3, 300_000]);
  expect(vi.getTimerCount()).toBe(0);
});

test("two presses on send make one file, and after a cancellation there is none", async () => {
  const twice = await recording();
  const files = await Promise.all([twice.finish("a"), twice.finish("b")]);
  expect(files.map((each) => each?.file.name)).toEqual(["a.mp4", undefined]);
  prompts = [];
  const cancelled = await recording();
  const finished = cancelled.finish("c");
  cancelled.cancel();
  expect(await finished).toBeUndefined();
  expect(on()).toBe(0);
});

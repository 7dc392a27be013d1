/** Scanning: the camera is on while somebody looks for a code, and at no other time. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { scan } from "../../src/app/model/scanner.ts";

const seams = vi.hoisted(() => ({ load: () => {}, decode: (): string => "the code" }));
vi.mock("qr/decode.js", () => ({
  get default() {
    seams.load();
    return () => seams.decode();
  },
}));

let scanning: AbortController;
/** Of each camera that was given out, whether it is on. */
let cameras: { on: boolean }[];
let video: { srcObject: unknown; play: () => Promise<void>; videoWidth: number };
const now = { given: () => {} }; // the camera to whoever asked

async function getUserMedia(): Promise<unknown> {
  const camera = { on: true };
  cameras.push(camera);
  now.given();
  return { getTracks: () => [{ stop: () => Object.assign(camera, { on: false }) }] };
}

beforeEach(() => {
  [scanning, cameras, now.given] = [new AbortController(), [], () => {}];
  [seams.load, seams.decode] = [() => {}, () => "the code"];
  video = { srcObject: null, play: async () => {}, videoWidth: 640 };
  const context = { canvas: {}, drawImage: () => {}, getImageData: () => {} };
  vi.stubGlobal("document", { createElement: () => ({ getContext: () => context }) });
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
});
afterEach(() => vi.unstubAllGlobals());

const scanned = () => scan(video as unknown as HTMLVideoElement, scanning.signal);
const fails = () => {
  throw new Error("no");
};
const stops = () => scanning.abort();

/** What happens, what comes of it, and whether the camera was on before. */
const ENDS: [string, () => void, string | undefined, boolean][] = [
  ["a code is seen", () => {}, "the code", true],
  ["the decoder can't be loaded", () => Object.assign(seams, { load: fails }), "no", false],
  ["it is stopped while that loads", () => Object.assign(seams, { load: stops }), undefined, false],
  ["it is stopped at the prompt", () => Object.assign(now, { given: stops }), undefined, true],
  ["the picture can't be shown", () => Object.assign(video, { play: fails }), "no", true],
];

test.each(ENDS)("the camera is off after %s", async (_, happens, outcome, wasOn) => {
  happens();
  const result = await scanned().catch((error: Error) => error.message);
  await new Promise((resolve) => setTimeout(resolve)); // for a camera that comes later
  expect([result, video.srcObject]).toEqual([outcome, null]);
  expect(cameras).toEqual(wasOn ? [{ on: false }] : []);
});

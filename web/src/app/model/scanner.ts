/** A camera that looks for a QR code. What it sees stays on this device. */

/** Between two looks: people hold still for longer. */
const LOOK_MS = 120;
/** The longer side of the picture that is read; a larger one only takes longer. */
const PIXELS = 800;

export function hasCamera(): boolean {
  return navigator.mediaDevices?.getUserMedia !== undefined;
}

/**
 * The text of the first code that the camera sees, shown in `video` meanwhile. Undefined once the
 * signal aborts. Throws NotAllowedError and NotFoundError, DOMExceptions of the browser.
 */
export async function scan(
  video: HTMLVideoElement,
  signal: AbortSignal,
): Promise<string | undefined> {
  // larger than the rest of the page, and seldom needed; before the camera, which it would leave on
  // if it could not be loaded
  const { default: decode } = await import("qr/decode.js");
  if (signal.aborted) return undefined;
  const facing = { video: { facingMode: "environment" } };
  const stream = await navigator.mediaDevices.getUserMedia(facing);
  try {
    if (signal.aborted) return undefined;
    video.srcObject = stream;
    await video.play();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    while (!signal.aborted && context !== null) {
      const text = look(video, context, decode);
      if (text !== undefined) return text;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return undefined;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

type Decode = (image: { width: number; height: number; data: Uint8ClampedArray }) => string;

function look(
  video: HTMLVideoElement,
  context: CanvasRenderingContext2D,
  decode: Decode,
): string | undefined {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) return undefined; // no picture yet
  const scale = Math.min(1, PIXELS / Math.max(videoWidth, videoHeight));
  const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
  Object.assign(context.canvas, { width, height });
  context.drawImage(video, 0, 0, width, height);
  try {
    return decode(context.getImageData(0, 0, width, height));
  } catch {
    return undefined; // no code in this picture
  }
}

/** Choosing a picture of a person or a group, and making it as small as a message may carry. */

import { html, nothing, type TemplateResult } from "lit";
import { LONGEST_PICTURE, mayBeDrawn } from "../../client/index.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import type { Ui } from "./ui.ts";

/** Pixels of a side, and qualities, from the best; the first that is small enough is taken. */
const SIDES = [160, 128, 96, 64];
const QUALITIES = [0.8, 0.6, 0.4];
/** Of other types no size is known before they are decoded. */
const PICTURES = "image/jpeg,image/png,image/webp,image/gif";

export function picturePicker(
  ui: Ui,
  present: string | undefined,
  set: (picture: string | null) => void,
): TemplateResult {
  const say = words();
  const chosen = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = "";
    if (file !== undefined) ui.run(async () => set(await smallPicture(file)));
  };
  return html`<label class="action"
      >${icon("picture")} ${say.choosePicture}
      <input class="unseen" type="file" accept=${PICTURES} @change=${chosen} />
    </label>
    ${
      present === undefined
        ? nothing
        : html`<button type="button" class="action" @click=${() => set(null)}>
            ${icon("bin")} ${say.removePicture}
          </button>`
    }`;
}

/** The middle square of it, in unpadded base64. Raises RangeError where it can't be made so small. */
async function smallPicture(file: Blob): Promise<string> {
  const image = await decoded(file);
  if (image === undefined) throw new RangeError(words().notDrawn);
  const least = Math.min(image.width, image.height);
  const square = [(image.width - least) / 2, (image.height - least) / 2, least, least] as const;
  const found = shrunk(image, square);
  if (found === undefined) throw new RangeError(words().pictureTooLarge);
  return found;
}

/** How a picture is shown before it is here; undefined for what the browser can't draw. */
export async function looksOf(
  file: Blob,
): Promise<{ thumbnail?: string; width: number; height: number } | undefined> {
  if (!file.type.startsWith("image/")) return undefined;
  const image = await decoded(file);
  if (image === undefined) return undefined;
  const { width, height } = image;
  const thumbnail = shrunk(image, [0, 0, width, height]);
  return { width, height, ...(thumbnail === undefined ? {} : { thumbnail }) };
}

/** undefined for what is no picture, or has more pixels than are decoded here. */
async function decoded(file: Blob): Promise<ImageBitmap | undefined> {
  if (!mayBeDrawn(new Uint8Array(await file.arrayBuffer()))) return undefined;
  return createImageBitmap(file).catch(() => undefined);
}

/** A part of the image as a JPEG that a message may carry, as good as it goes. */
function shrunk(
  image: ImageBitmap,
  part: readonly [left: number, top: number, width: number, height: number],
): string | undefined {
  const [, , width, height] = part;
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext("2d")?.drawImage(image, ...part, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const base64 = canvas.toDataURL("image/jpeg", quality).split(",")[1] ?? "";
      const unpadded = base64.replace(/=+$/, "");
      if (unpadded.length <= LONGEST_PICTURE && unpadded !== "") return unpadded;
    }
  }
  return undefined;
}

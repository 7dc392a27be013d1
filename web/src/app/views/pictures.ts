/** Choosing a picture of a person or a group, and making it as small as a message may carry. */

import { html, nothing, type TemplateResult } from "lit";
import { LONGEST_PICTURE } from "../../client/index.ts";
import { words } from "../words/words.ts";
import { icon } from "./parts.ts";
import type { Ui } from "./ui.ts";

/** Pixels of a side, and qualities, from the best; the first that is small enough is taken. */
const SIDES = [160, 128, 96, 64];
const QUALITIES = [0.8, 0.6, 0.4];

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
      >${icon("eye")} ${say.choosePicture}
      <input class="unseen" type="file" accept="image/*" @change=${chosen} />
    </label>
    ${
      present === undefined
        ? nothing
        : html`<button type="button" class="action" @click=${() => set(null)}>
            ${icon("close")} ${say.removePicture}
          </button>`
    }`;
}

/** The middle square of it, in unpadded base64. Raises RangeError where it can't be made so small. */
async function smallPicture(file: Blob): Promise<string> {
  const image = await createImageBitmap(file);
  for (const side of SIDES) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const least = Math.min(image.width, image.height);
    const [left, top] = [(image.width - least) / 2, (image.height - least) / 2];
    canvas.getContext("2d")?.drawImage(image, left, top, least, least, 0, 0, side, side);
    for (const quality of QUALITIES) {
      const base64 = canvas.toDataURL("image/jpeg", quality).split(",")[1] ?? "";
      const unpadded = base64.replace(/=+$/, "");
      if (unpadded.length <= LONGEST_PICTURE && unpadded !== "") return unpadded;
    }
  }
  throw new RangeError(words().pictureTooLarge);
}

/** A file in a message: a picture, a voice message, or anything else, with how far it is loaded. */

import { html, nothing, type TemplateResult } from "lit";
import type { Attachment, StoredMessage } from "../../client/index.ts";
import type { Fetched } from "../model/files.ts";
import type { Session } from "../model/session.ts";
import { bytes, lasting, percent } from "../words/times.ts";
import { words } from "../words/words.ts";
import { icon, pictureUrl, round, written } from "./parts.ts";
import { reasonIn, whyFailed } from "./ui.ts";

/** The side in pixels of a picture whose message has no size. */
const SIDE = 240;

export function fileOf(
  message: StoredMessage,
  session: Session,
  show: (message: StoredMessage) => void,
): TemplateResult {
  const { content } = message;
  if (content?.kind !== "file") return html``;
  const { file } = content;
  const fetched = session.files.of(file);
  const caption =
    message.text === "" || message.text === undefined ? nothing : written(message.text);
  const inside =
    file.kind === "picture" && !(fetched?.at === "here" && !fetched.drawn)
      ? picture(file, fetched, () => show(message))
      : file.kind === "voice" && fetched?.at === "here"
        ? html`<audio controls src=${fetched.url} aria-label=${file.name}></audio>`
        : plain(message, file, fetched, session);
  return html`${inside}${caption}`;
}

/** The thumbnail has the picture's shape, so that nothing moves when the picture has come. */
function picture(file: Attachment, fetched: Fetched | undefined, show: () => void): TemplateResult {
  const say = words();
  const { width = SIDE, height = SIDE, thumbnail, name } = file;
  const here = fetched?.at === "here";
  const source = here ? fetched.url : thumbnail === undefined ? undefined : pictureUrl(thumbnail);
  return html`<button type="button" class="picture" aria-label=${say.openPicture(name)} @click=${show}>
    ${
      source === undefined
        ? html`<span class="picture-blank">${icon("picture")}</span>`
        : html`<img class=${here ? "" : "blurred"} src=${source} width=${width} height=${height} alt="" />`
    }
    ${progress(fetched)}
  </button>`;
}

function plain(
  message: StoredMessage,
  file: Attachment,
  fetched: Fetched | undefined,
  session: Session,
): TemplateResult {
  const say = words();
  const about = html`<span class="file-about">
    <bdi class="file-name">${file.name}</bdi>
    <span class="file-size">${long(file)} ${progress(fetched)}</span>
  </span>`;
  if (fetched?.at === "here") {
    return html`<a class="file" href=${fetched.url} download=${file.name}>${icon("down")} ${about}</a>`;
  }
  return html`<button
    type="button"
    class="file"
    aria-label="${say.load}: ${file.name}, ${bytes(file.size)}"
    @click=${() => void session.files.fetch(message)}
  >
    ${icon(file.kind === "voice" ? "microphone" : "file")} ${about}
  </button>`;
}

/** The size or duration of a file, for the decision to load it. */
function long({ kind, size, duration }: Attachment): string {
  return kind === "voice" && duration !== undefined
    ? lasting(Math.round(duration / 1_000))
    : bytes(size);
}

function progress(fetched: Fetched | undefined) {
  if (fetched?.at === "loading") {
    return html`<span role="status">${percent(fetched.done / Math.max(1, fetched.size))}</span>`;
  }
  if (fetched?.at === "failed") return html`<span role="alert">${reasonIn(fetched.error)}</span>`;
  return nothing;
}

/** Own files on their way, above the composer. */
export function sendingFiles(
  chat: string,
  session: Session,
  cancel: (messageId: string) => void,
): TemplateResult | typeof nothing {
  const say = words();
  const files = session.files.sendingIn(chat);
  if (files.length === 0) return nothing;
  return html`<ul class="sending" aria-label=${say.sendingFiles}>
    ${files.map(
      ({ messageId, name, done, size, reason, final }) =>
        html`<li>
          ${icon(reason === undefined ? "up" : "warning")}
          <span class="grows"><bdi>${name}</bdi> ${reason === undefined ? nothing : whyFailed(reason, !final)}</span>
          <progress max=${size} .value=${done} aria-label=${name}></progress>
          ${round("close", `${say.cancel}: ${name}`, () => cancel(messageId))}
        </li>`,
    )}
  </ul>`;
}

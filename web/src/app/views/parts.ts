/** Small pieces that many views have: pictures of people, icons, ticks, headers. */

import { html, nothing, svg, type TemplateResult } from "lit";
import { State } from "../../client/index.ts";
import { partsOf } from "../model/addresses.ts";
import { words } from "../words/words.ts";

const COLOURS = 8;

const ICONS = {
  back: svg`<path d="M15 5l-7 7 7 7" />`,
  send: svg`<path d="M4 12l16-8-6 16-3-7z" />`,
  add: svg`<path d="M12 5v14M5 12h14" />`,
  people: svg`<circle cx="9" cy="8" r="3.5" /><path d="M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.3.8 3.5 2.7 3.5 5.5" />`,
  gear: svg`<circle cx="12" cy="12" r="3" /><path d="M12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M18.7 5.3l-2.1 2.1M7.4 16.6l-2.1 2.1" />`,
  search: svg`<circle cx="11" cy="11" r="6.5" /><path d="M16 16l5 5" />`,
  down: svg`<path d="M5 9l7 7 7-7" />`,
  up: svg`<path d="M5 15l7-7 7 7" />`,
  more: svg`<circle cx="12" cy="5" r="1" /><circle cx="12" cy="12" r="1" /><circle cx="12" cy="19" r="1" />`,
  clip: svg`<path d="M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.5 8.5a2 2 0 0 1-3-3L14 7" />`,
  microphone: svg`<rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21" />`,
  file: svg`<path d="M6 3h8l4 4v14H6zM14 3v4h4" />`,
  pencil: svg`<path d="M4 20l1-4L16 5l3 3L8 19z" />`,
  close: svg`<path d="M6 6l12 12M18 6L6 18" />`,
  mute: svg`<path d="M6 9v4l-2 3h11M18 14V10a6 6 0 0 0-9-5.2M10 20a2.2 2.2 0 0 0 4 0M4 4l16 16" />`,
  lock: svg`<rect x="5" y="11" width="14" height="9" rx="2" /><path d="M8 11V8a4 4 0 0 1 8 0v3" />`,
  shield: svg`<path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z" /><path d="M9 12l2 2 4-4" />`,
  inbox: svg`<path d="M4 13l3-8h10l3 8v6H4zM4 13h5a3 3 0 0 0 6 0h5" />`,
  device: svg`<rect x="3" y="5" width="18" height="12" rx="2" /><path d="M8 21h8" />`,
  warning: svg`<path d="M12 4l9 16H3zM12 10v4M12 17v.5" />`,
  camera: svg`<path d="M4 8h3l2-3h6l2 3h3v11H4z" /><circle cx="12" cy="13" r="3.5" />`,
  clock: svg`<circle cx="12" cy="12" r="8" /><path d="M12 7.5V12l3 2" />`,
  picture: svg`<rect x="3" y="5" width="18" height="14" rx="2" /><circle cx="8.5" cy="10" r="1.5" /><path d="M5 18l5.5-5 3 3 2.5-2.5 4 4" />`,
  reply: svg`<path d="M9 6l-5 5 5 5M4 11h10a6 6 0 0 1 6 6v2" />`,
  leave: svg`<path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4" />`,
  block: svg`<circle cx="12" cy="12" r="8.5" /><path d="M6 6l12 12" />`,
  bin: svg`<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5" />`,
};

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): TemplateResult {
  const mirrored = ["back", "send", "reply", "leave"].includes(name);
  return html`<svg class="icon ${mirrored ? "mirrored" : ""}" viewBox="0 0 24 24" aria-hidden="true">
    ${ICONS[name]}
  </svg>`;
}

/** What such a picture may be, by what its base64 begins with (docs/protocol.md). */
export function pictureUrl(picture: string): string {
  const type = picture.startsWith("/9j/") ? "jpeg" : picture.startsWith("iVBOR") ? "png" : "webp";
  return `data:image/${type};base64,${picture}`;
}

/** The class of a colour that follows from the name. */
export function colourOf(name: string): string {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  return `colour-${sum % COLOURS}`;
}

export interface Avatar {
  readonly group?: boolean;
  readonly online?: boolean;
  /** In base64. */
  readonly picture?: string | undefined;
}

/** A circle with a picture, or with a letter. */
export function avatar(name: string, options: Avatar = {}) {
  const letter = [...name.replace(/^[^\p{L}\p{N}]+/u, "")][0] ?? "?";
  return html`<span class="avatar ${colourOf(name)}" aria-hidden="true"
    >${
      options.picture !== undefined
        ? html`<img src=${pictureUrl(options.picture)} alt="" />`
        : options.group
          ? icon("people")
          : letter.toLocaleUpperCase()
    }${options.online ? html`<span class="dot"></span>` : nothing}</span
  >`;
}

const ONE = svg`<path d="M4 9l3.5 3.5L15 5" />`;
const TWO = svg`<path d="M1 9l3.5 3.5L12 5M8.5 12l.5.5L16.5 5" />`;

/** The state of an own message: ticks, and a text for screen readers. */
export function ticks(state: State): TemplateResult {
  const text = words().state[state];
  if (state === State.FAILED || state === State.WAITING) {
    const sign = icon(state === State.FAILED ? "warning" : "clock");
    return html`<span class="ticks state-${state}">${sign}<span class="unseen">${text}</span></span>`;
  }
  const shape = state === State.SENT ? ONE : TWO;
  return html`<span class="ticks state-${state}"
    ><svg viewBox="0 0 18 17" aria-hidden="true">${shape}</svg
    ><span class="unseen">${text}</span></span
  >`;
}

/** The bar over a pane. `back`: where the arrow leads; on wide screens some panes have none. */
export function header(
  title: unknown,
  options: { back?: () => void; onlyNarrow?: boolean; end?: unknown } = {},
) {
  const { back, onlyNarrow, end } = options;
  const arrow =
    back === undefined
      ? nothing
      : html`<button
          type="button"
          class="round back ${onlyNarrow ? "narrow-only" : ""}"
          aria-label=${words().back}
          @click=${back}
        >
          ${icon("back")}
        </button>`;
  const heading = typeof title === "string" ? html`<h1 class="title">${title}</h1>` : title;
  return html`<header class="bar">${arrow}${heading}<span class="space"></span>${end}</header>`;
}

export function round(name: Icon, label: string, click: () => void, more = "") {
  return html`<button type="button" class="round ${more}" aria-label=${label} title=${label} @click=${click}>
    ${icon(name)}
  </button>`;
}

/** What a pane shows when it has nothing. */
export function empty(name: Icon, title: string, text: string, action: unknown = nothing) {
  return html`<div class="empty">
    <span class="empty-sign">${icon(name)}</span>
    <p class="empty-title">${title}</p>
    <p>${text}</p>
    ${action}
  </div>`;
}

/**
 * A text with its addresses as links; they open in a new tab, without a referrer or access to this
 * page.
 */
export function written(text: string): TemplateResult {
  const parts = partsOf(text).map((part) =>
    part.href === undefined
      ? part.text
      : html`<a href=${part.href} target="_blank" rel="noopener noreferrer" dir="ltr">${part.text}</a>`,
  );
  return html`<div class="text" dir="auto">${parts}</div>`;
}

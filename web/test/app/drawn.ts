/** What a view draws, as text: its markup with all that is put into it, without a browser. */

import { nothing, type TemplateResult } from "lit";

interface Directive {
  readonly values: readonly [items: unknown[], key: unknown, draw: (item: unknown) => unknown];
}

/** In one line. Handlers of events are left out; `actions` has them. */
export function drawn(view: unknown): string {
  return markup(view).replace(/\s+/g, " ").trim();
}

/** The text of it alone, as it is read. */
export function said(view: unknown): string {
  return markup(view)
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** What its handlers of this event do, in the order in which they stand. */
export function actions(view: unknown, event = "click"): (() => unknown)[] {
  if (Array.isArray(view)) return view.flatMap((each) => actions(each, event));
  if (isDirective(view)) return actions(partsOf(view), event);
  if (!isTemplate(view)) return [];
  return view.values.flatMap((value, at) => {
    if (typeof value !== "function") return actions(value, event);
    const here = view.strings[at]?.endsWith(`@${event}=`) === true;
    return here ? [value as () => unknown] : [];
  });
}

function markup(view: unknown): string {
  if (view === nothing || view === undefined || view === null) return "";
  if (typeof view === "function") return "";
  if (Array.isArray(view)) return view.map(markup).join("");
  if (isDirective(view)) return markup(partsOf(view));
  if (!isTemplate(view)) return String(view);
  return view.strings.map((text, at) => text + markup(view.values[at])).join("");
}

function partsOf({ values: [items, , draw] }: Directive): unknown[] {
  return items.map((item) => draw(item));
}

function isTemplate(value: unknown): value is TemplateResult {
  return typeof value === "object" && value !== null && "strings" in value;
}

function isDirective(value: unknown): value is Directive {
  return typeof value === "object" && value !== null && "_$litDirective$" in value;
}

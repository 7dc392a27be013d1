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

/** Presses the first button that says this, or is called so. */
export function press(view: unknown, label: string): unknown {
  const handlers: (() => unknown)[] = [];
  const numbered = (handler: () => unknown) => `§${handlers.push(handler) - 1}`;
  const buttons = markup(view, numbered).match(/<button.*?<\/button>/gs) ?? [];
  const found = buttons.find((each) => each.replace(/\s+/g, " ").includes(label));
  const at = /@click=§(\d+)/.exec(found ?? "")?.[1];
  if (at === undefined) throw new Error(`there is no button ${label}`);
  return handlers[Number(at)]?.();
}

/** What is typed or chosen, as the `at`-th handler of this event is given it. */
export function enter(
  view: unknown,
  event: "input" | "change",
  value: string | boolean,
  at = 0,
): unknown {
  const target = typeof value === "string" ? { value } : { checked: value };
  return (actions(view, event)[at] as (event: object) => unknown)({ target });
}

/** As `enter` with a handler of "change"; what the control shows once that is done. */
export async function shownAfter(
  view: unknown,
  value: string | boolean,
  at: number,
): Promise<unknown> {
  const target: Record<string, unknown> =
    typeof value === "string" ? { value } : { checked: value };
  (actions(view, "change")[at] as (event: object) => unknown)({ target });
  await settled();
  return target.value ?? target.checked;
}

/** The number of the handler of "change" in front of this text. */
export function changeOf(view: unknown, label: string): number {
  return drawn(view)
    .split("@change=")
    .findIndex((part) => part.includes(label));
}

/** Sends the `at`-th form with these fields; `FormData` is `Fields`. */
export function submit(view: unknown, fields: Record<string, string> = {}, at = 0): unknown {
  const target = { fields, reset: () => {} };
  const send = actions(view, "submit")[at] as (event: object) => unknown;
  return send({ target, preventDefault: () => {} });
}

/** Stands in for FormData, which takes an element of a page. */
export class Fields {
  readonly #fields: Readonly<Record<string, string>>;
  constructor({ fields }: { fields: Readonly<Record<string, string>> }) {
    this.#fields = fields;
  }
  get(name: string): string | null {
    return this.#fields[name] ?? null;
  }
}

/** What is under way is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

type Written = (handler: () => unknown) => string;

function markup(view: unknown, handler: Written = () => ""): string {
  if (view === nothing || view === undefined || view === null) return "";
  if (typeof view === "function") return handler(view as () => unknown);
  if (Array.isArray(view)) return view.map((each) => markup(each, handler)).join("");
  if (isDirective(view)) return markup(partsOf(view), handler);
  if (!isTemplate(view)) return String(view);
  return view.strings.map((text, at) => text + markup(view.values[at], handler)).join("");
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

/** Controls whose change is written at once. Where that fails they show what holds, with the error. */

import { html, type TemplateResult } from "lit";
import type { Ui } from "./ui.ts";

/** Writes what the user has changed in the control; `holds` is what it shows where that fails. */
export function write(
  ui: Ui,
  { target }: Event,
  holds: () => string | boolean,
  act: () => Promise<unknown>,
): void {
  ui.run(async () => {
    try {
      await act();
    } catch (error) {
      show(target as HTMLInputElement, holds());
      throw error;
    }
  });
}

/** Lit writes a property only where what is drawn has changed, not where the user has changed it. */
export function show(control: HTMLInputElement, value: string | boolean): void {
  if (typeof value === "string") control.value = value;
  else control.checked = value;
}

/** `change` is given one of the values of `options`, each of which has a name. */
export function select<Value extends string>(
  ui: Ui,
  label: string,
  options: readonly (readonly [Value, string])[],
  holds: () => Value,
  change: (value: Value) => unknown,
): TemplateResult {
  const chosen = (event: Event) => {
    const value = (event.target as HTMLSelectElement).value as Value;
    write(ui, event, holds, async () => change(value));
  };
  return html`<label
    >${label}
    <select @change=${chosen}>
      ${options.map(
        ([value, name]) =>
          html`<option value=${value} .selected=${value === holds()}>${name}</option>`,
      )}
    </select></label
  >`;
}

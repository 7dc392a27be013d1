/** The base of the page's elements: Lit without a shadow root, drawn again when a model changes. */

import { LitElement } from "lit";
import type { Model } from "../model/model.ts";
import type { Session } from "../model/session.ts";
import type { Ui } from "./ui.ts";

/** A property that is handed over by the element above; a change of it draws this one again. */
export const GIVEN = { attribute: false } as const;

/**
 * In the page's own tree: ids for labels and one style sheet reach everything, and a strict policy
 * needs no exception for styles.
 */
export abstract class View extends LitElement {
  static override readonly properties: Record<string, typeof GIVEN> = { ui: GIVEN, session: GIVEN };
  declare ui: Ui;
  declare session: Session;
  readonly #watched = new Map<Model, () => void>();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Draws this element again when one of these changes; of earlier ones no more. */
  protected follow(...models: readonly (Model | undefined)[]): void {
    const wanted = new Set(models.filter((model) => model !== undefined));
    for (const [model, stop] of this.#watched) {
      if (wanted.has(model)) continue;
      stop();
      this.#watched.delete(model);
    }
    for (const model of wanted) {
      if (!this.#watched.has(model))
        this.#watched.set(
          model,
          model.watch(() => this.requestUpdate()),
        );
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.follow();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }
}

/** The user's attention: when they last did something in this page, and whether it is visible. */

import { Model } from "../model/model.ts";

const INPUT = ["pointerdown", "keydown", "wheel", "touchstart", "pointermove"] as const;

class Attention extends Model {
  /** ms of performance.now(); before everything if there was none. */
  lastInput = Number.NEGATIVE_INFINITY;

  constructor() {
    super();
    const used = () => {
      this.lastInput = performance.now();
      this.changed();
    };
    for (const type of INPUT) addEventListener(type, used, { capture: true, passive: true });
    addEventListener("focus", used); // the user came back to the window
    document.addEventListener("visibilitychange", () => this.changed());
  }
}

export const attention = new Attention();

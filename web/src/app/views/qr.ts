/** A QR code, drawn as one path of an SVG, one unit for a module. */

import { html, svg, type TemplateResult } from "lit";
import encode from "qr";

const QUIET = 3; // modules of white around it

/** `label` is what a screen reader says of it. */
export function qrCode(text: string, label: string): TemplateResult {
  const rows = encode(text, "raw", { ecc: "medium", border: QUIET });
  const cells = rows.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  const size = rows.length;
  return html`<div class="qr">
    <svg viewBox="0 0 ${size} ${size}" role="img" aria-label=${label}>
      ${svg`<path d=${cells.join("")} />`}
    </svg>
  </div>`;
}

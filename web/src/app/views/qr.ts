/** A QR code as the path of an SVG, one unit for a module. Short: the library does the rest. */

import qrcode from "qrcode-generator";

export function qr(text: string): { readonly size: number; readonly path: string } {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const cells: string[] = [];
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) cells.push(`M${column} ${row}h1v1h-1z`);
    }
  }
  return { size, path: cells.join("") };
}

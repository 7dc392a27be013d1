/**
 * The icons of the installed app, drawn into a folder from the shapes of src/app/public/icon.svg:
 * `node build/icons.ts <folder>`. iOS and Android take no SVG there, and a picture in the repository
 * would have to be drawn again whenever that one changes.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

type Colour = readonly [red: number, green: number, blue: number, alpha: number];
/** A shape covers a point, in the coordinates of the SVG: 32 by 32. */
type Shape = (x: number, y: number) => boolean;

const SIDE = 32;
const BLUE: Colour = [0x2f, 0x5b, 0xea, 255];
const WHITE: Colour = [255, 255, 255, 255];
const NOTHING: Colour = [0x2f, 0x5b, 0xea, 0];
/** Points in each direction of a pixel, of which the mean is taken. */
const SAMPLES = 4;
/** The part of a maskable icon that is surely shown (w3.org/TR/appmanifest, icon masks). */
const SAFE = 0.8;

const rounded =
  (left: number, top: number, right: number, bottom: number, radius: number): Shape =>
  (x, y) => {
    const dx = Math.max(left + radius - x, 0, x - (right - radius));
    const dy = Math.max(top + radius - y, 0, y - (bottom - radius));
    return Math.hypot(dx, dy) <= radius;
  };
const circle =
  (cx: number, cy: number, radius: number): Shape =>
  (x, y) =>
    Math.hypot(x - cx, y - cy) <= radius;
const tail: Shape = (x, y) => x >= 9 && x <= 14 && y >= 20 && y <= 25.5 - ((x - 9) * 4) / 5;
/** The curve from one circle to the other, 1.4 wide: near a parabola through (16, 17.75). */
const cord: Shape = (x, y) =>
  x >= 11.5 && x <= 20.5 && Math.abs(y - (17.75 - 2.25 * ((x - 16) / 4.5) ** 2)) <= 0.8;
const bubble: Shape = (x, y) => rounded(6, 9.5, 26, 21.5, 2)(x, y) || tail(x, y);
const socket: Shape = (x, y) => circle(11.5, 15.5, 1.7)(x, y) || circle(20.5, 15.5, 1.7)(x, y);

/** `edge`: the corners beyond the rounded square are transparent; else the colour goes to the border. */
function colourAt(x: number, y: number, edge: boolean): Colour {
  if (socket(x, y) || cord(x, y)) return BLUE;
  if (bubble(x, y)) return WHITE;
  return edge && !rounded(0, 0, SIDE, SIDE, 8)(x, y) ? NOTHING : BLUE;
}

function pixels(size: number, edge: boolean, scale: number): Buffer {
  const rows = Buffer.alloc(size * (1 + size * 4)); // each row begins with its filter: none
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0, 0];
      for (let sample = 0; sample < SAMPLES ** 2; sample++) {
        const across = (column + ((sample % SAMPLES) + 0.5) / SAMPLES) / size;
        const down = (row + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) / size;
        const place = (part: number) => ((part - 0.5) / scale + 0.5) * SIDE;
        const colour = colourAt(place(across), place(down), edge);
        for (const [at, value] of colour.entries()) sum[at] = (sum[at] ?? 0) + value;
      }
      const at = row * (1 + size * 4) + 1 + column * 4;
      for (const [channel, value] of sum.entries()) {
        rows[at + channel] = Math.round(value / SAMPLES ** 2);
      }
    }
  }
  return rows;
}

/** w3.org/TR/png-3, 5: the signature, and chunks with their lengths and checksums. */
function png(size: number, edge: boolean, scale: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits for each of red, green, blue and alpha
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const data = deflateSync(pixels(size, edge, scale), { level: 9 });
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND")]);
}

function chunk(type: string, data = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

const [to] = process.argv.slice(2);
if (to === undefined) throw new Error("usage: icons.ts <folder>");
for (const size of [192, 512]) writeFileSync(join(to, `icon-${size}.png`), png(size, true, 1));
writeFileSync(join(to, "icon-maskable-512.png"), png(512, false, SAFE));
writeFileSync(join(to, "apple-touch-icon.png"), png(180, false, 1));

/** The files of a folder, by their paths from it, sorted. Short: what builds the page has it in common. */

import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

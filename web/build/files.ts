/**
 * A list of a folder's files by their paths from it, sorted. Short: all that builds the page uses
 * it.
 */

import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

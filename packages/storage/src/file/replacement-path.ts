import { basename, dirname, join } from "node:path";

/** Where `owner` puts the new content of the file at `path`, until it is complete: a name that nobody else chooses. */
export function replacementPath(path: string, owner: string): string {
  return join(dirname(path), `.${basename(path)}.${owner}.tmp`);
}

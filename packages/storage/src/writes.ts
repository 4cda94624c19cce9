import type { Commit } from "./engine.js";
import type { Watch } from "./store.js";

/** A commit, and whose it is, if that matters. */
export interface CommitWrite {
  readonly commit: Commit;
  readonly by: Watch | undefined;
}

/** What a caller wants to be written: a commit, or a key to be removed, of which it wants to know whether it was there. */
export type Write = CommitWrite | { readonly deletedKey: string };

/** More at once would keep a backend busy for long with one call, or be too long for one text. */
const maxWrites = 1000;
const maxChanges = 10_000;
const maxCharacters = 16 * 1024 * 1024;

/**
 * How many of `waiting` go together. Deletions do with deletions of other keys: what is there is looked up right before,
 * and must not be changed by what is before it in its own group.
 */
export function sizeOfGroup(waiting: readonly { readonly write: Write }[]): number {
  const first = waiting[0]?.write;
  const deletedKeys = new Set<string>();
  let changes = 0;
  let characters = 0;
  for (const [index, { write }] of waiting.entries()) {
    if ("deletedKey" in write) {
      if (index > 0 && (deletedKeys.size === 0 || deletedKeys.has(write.deletedKey))) return index;
      deletedKeys.add(write.deletedKey);
    } else {
      if (first !== undefined && "deletedKey" in first) return index;
      changes += write.commit.expected.size + write.commit.written.size;
      for (const value of write.commit.written.values()) characters += value?.length ?? 0;
    }
    // One that is too large for any group is alone: when it fails, nobody else does.
    if (index > 0 && (changes > maxChanges || characters > maxCharacters)) return index;
    if (index === maxWrites) return index;
  }
  return waiting.length;
}

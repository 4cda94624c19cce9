import type { Commit } from "../engine.js";

/** Above these, Redis would keep everybody else waiting for one script. */
const maxKeys = 5000;
const maxCharacters = 1024 * 1024;

/** Commits that one script makes. */
export interface CommitBatch {
  /** How many commits each of `commits` stands for. */
  readonly sizes: readonly number[];
  readonly commits: readonly Commit[];
}

/** Divides a group of commits into what is sent at once. No commit is divided, so that one alone may be large. */
export function batchesOf(group: readonly Commit[]): CommitBatch[] {
  const batches: Batch[] = [];
  for (const commit of group) {
    let batch = batches.at(-1);
    if (batch === undefined || !batch.hasRoomFor(commit)) {
      batch = new Batch();
      batches.push(batch);
    }
    batch.add(commit);
  }
  return batches;
}

class Batch implements CommitBatch {
  readonly sizes: number[] = [];
  readonly commits: Commit[] = [];
  #keys = 0;
  #characters = 0;
  /** The writes of the last commit, while more may be added to them. */
  #open: Map<string, string | undefined> | undefined;

  hasRoomFor(commit: Commit): boolean {
    const { keys, characters } = sizeOf(commit);
    return this.#keys === 0 || (this.#keys + keys <= maxKeys && this.#characters + characters <= maxCharacters);
  }

  add(commit: Commit): void {
    const { keys, characters } = sizeOf(commit);
    this.#keys += keys;
    this.#characters += characters;
    const isPlain = commit.expected.size === 0 && commit.cleared.length === 0;
    if (isPlain && this.#open !== undefined) {
      // Commits that are made in any case, one after the other, are as good as one.
      for (const [key, value] of commit.written) this.#open.set(key, value);
      this.sizes.push((this.sizes.pop() ?? 0) + 1);
      return;
    }
    this.#open = isPlain ? new Map(commit.written) : undefined;
    this.sizes.push(1);
    this.commits.push(this.#open === undefined ? commit : { ...commit, written: this.#open });
  }
}

/** The arguments of the commit script. */
export function argumentsOf(commits: readonly Commit[]): string[] {
  const given: string[] = [];
  for (const { expected, cleared, written } of commits) {
    const removed: string[] = [];
    for (const [key, value] of written) if (value === undefined) removed.push(key);
    given.push(`${expected.size} ${cleared.length} ${written.size - removed.length} ${removed.length}`);
    for (const key of expected.keys()) given.push(key);
    // The text of a JSON value is never empty.
    for (const value of expected.values()) given.push(value ?? "");
    for (const prefix of cleared) given.push(prefix);
    for (const [key, value] of written) if (value !== undefined) given.push(key, value);
    for (const key of removed) given.push(key);
  }
  return given;
}

function sizeOf({ expected, cleared, written }: Commit): { keys: number; characters: number } {
  let characters = 0;
  for (const texts of [expected, written]) {
    for (const [key, value] of texts) characters += key.length + (value?.length ?? 0);
  }
  return { keys: expected.size + cleared.length + written.size, characters };
}

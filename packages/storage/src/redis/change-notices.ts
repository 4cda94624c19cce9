import type { Commit } from "../engine.js";
import { chance, clock } from "../env.js";

/** More keys than this are not named one by one. */
const maxKeys = 100;

const nothing: readonly string[] = [];

/** What a commit tells all who use the store. */
export interface ChangeNotice {
  readonly number: number;
  readonly text: string;
}

/**
 * What others have changed, from what their commits tell: as long as the connection that brings their notices is known
 * to be alive. Our own commits tell it too, which is ignored, as whoever made one knows; unless it was not known what
 * became of the commit.
 */
export class ChangeNotices {
  readonly #sender = chance.name();
  readonly #maxSilenceMs: number;
  readonly #abandoned = new Set<number>();
  #lastNumber = 0;
  #changed: Set<string> | "all" = "all";
  #isListening = false;
  #heardAtMs = 0;

  constructor(maxSilenceMs: number) {
    this.#maxSilenceMs = maxSilenceMs;
  }

  /** The notice of a group of commits of our own. */
  make(commits: readonly Commit[]): ChangeNotice {
    const number = ++this.#lastNumber;
    return { number, text: `${this.#sender} ${number} ${JSON.stringify(changedKeys(commits))}` };
  }

  /** Whoever made the commits of this notice does not know whether they were, or will be, made. */
  abandon({ number }: ChangeNotice): void {
    this.#abandoned.add(number);
  }

  /** Takes a notice, of our own or of others. */
  hear(text: string): void {
    if (text.startsWith(this.#sender) && !this.#isAbandoned(text)) return;
    const keys = keysIn(text);
    if (keys === "all" || this.#changed === "all") this.#changed = "all";
    else for (const key of keys) this.#changed.add(key);
  }

  #isAbandoned(text: string): boolean {
    return this.#abandoned.size > 0 && this.#abandoned.delete(Number(text.split(" ", 2)[1]));
  }

  /** There was a sign of life from the server. */
  heardSomething(): void {
    this.#heardAtMs = clock.monotonicMs();
  }

  /** From now on all notices arrive. */
  startedListening(): void {
    this.#isListening = true;
    this.#changed = "all";
    this.heardSomething();
  }

  /** From now on notices may be missed. */
  stoppedListening(): void {
    this.#isListening = false;
  }

  /** For how long there was no sign of life. */
  get silenceMs(): number {
    return clock.monotonicMs() - this.#heardAtMs;
  }

  /** What has changed since it was last taken, or "all" when nobody knows. */
  take(): readonly string[] | "all" {
    if (!this.#isListening || this.silenceMs > this.#maxSilenceMs) return "all";
    const changed = this.#changed;
    if (changed === "all") {
      this.#changed = new Set();
      return "all";
    }
    if (changed.size === 0) return nothing;
    this.#changed = new Set();
    return [...changed];
  }
}

function changedKeys(commits: readonly Commit[]): string[] | "all" {
  const keys: string[] = [];
  for (const { cleared, written } of commits) {
    if (cleared.length > 0 || keys.length + written.size > maxKeys) return "all";
    keys.push(...written.keys());
  }
  return keys;
}

/** What cannot be understood is the notice of a later version, or of nobody: then anything may have changed. */
function keysIn(text: string): readonly string[] | "all" {
  try {
    const keys: unknown = JSON.parse(text.replace(/^\S+ \S+ /, ""));
    return Array.isArray(keys) && keys.every((key) => typeof key === "string") ? keys : "all";
  } catch {
    return "all";
  }
}

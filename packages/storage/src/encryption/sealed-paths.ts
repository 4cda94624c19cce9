import type { Awaitable, Sealer } from "./sealer.js";

/** How many paths are remembered: computing one takes as long as encrypting a value. */
const maxRemembered = 10_000;

/**
 * Hides the names in full keys, and in the prefixes of namespaces: `a/b/=k` becomes `<a>/<b>/=<k>` behind a prefix of
 * all. Each name is encrypted for the place that the names before it make: so it looks different in another namespace,
 * and what is in a namespace still begins with the prefix of that.
 */
export class SealedPaths {
  readonly #sealer: Sealer;
  readonly #prefix: string;
  readonly #remembered = new Map<string, string>();

  constructor(sealer: Sealer, prefix: string) {
    this.#sealer = sealer;
    this.#prefix = prefix;
  }

  /** `path` is a full key, or the prefix of a namespace. */
  seal(path: string): Awaitable<string> {
    return path === "" ? this.#prefix : (this.#remembered.get(path) ?? this.#seal(path));
  }

  /**
   * The path whose last step is `sealedStep` in the namespace at `prefix`: a name with its `/`, or a key with its `=`.
   * `undefined` when it was not sealed there.
   */
  async open(prefix: string, sealedStep: string): Promise<string | undefined> {
    const isKey = sealedStep.startsWith("=");
    const step = await this.#sealer.open(prefix, isKey ? sealedStep.slice(1) : sealedStep.slice(0, -1));
    if (step === undefined || isKey !== step.startsWith("=")) return undefined;
    const path = `${prefix}${step}`;
    this.#remember(path, `${await this.seal(prefix)}${sealedStep}`);
    return path;
  }

  /** Step by step, not by recursion: there may be thousands of namespaces in each other. */
  async #seal(path: string): Promise<string> {
    const unknown: string[] = [];
    let outer = path;
    for (; outer !== "" && !this.#remembered.has(outer); outer = outerOf(outer)) unknown.push(outer);
    let sealed = outer === "" ? this.#prefix : (this.#remembered.get(outer) ?? "");
    for (const inner of unknown.toReversed()) {
      const step = inner.slice(outer.length);
      // oxlint-disable-next-line no-await-in-loop
      const name = await this.#sealer.seal(outer, step);
      sealed = this.#remember(inner, `${sealed}${step.startsWith("=") ? `=${name}` : `${name}/`}`);
      outer = inner;
    }
    return sealed;
  }

  #remember(path: string, sealed: string): string {
    this.#remembered.set(path, sealed);
    if (this.#remembered.size > maxRemembered) {
      for (const [oldest] of this.#remembered) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    return sealed;
  }
}

/** Where the last step of a path is made from, which is a key, or the prefix of a namespace, or that of its keys. */
export function outerOf(path: string): string {
  const end = path.indexOf("=");
  if (end >= 0 && end < path.length - 1) return path.slice(0, end);
  return path.slice(0, path.slice(0, -1).lastIndexOf("/") + 1);
}

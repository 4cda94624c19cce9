/** A path with parameters in braces, each of which stands for one segment, as in `/rooms/{roomId}/join`. */
export class PathPattern {
  readonly #segments: readonly string[];

  constructor(pattern: string) {
    this.#segments = pattern.split("/");
  }

  /** The decoded parameters of a percent-encoded path, or `undefined` when it is another path. */
  match(path: string): Map<string, string> | undefined {
    const segments = path.split("/");
    if (segments.length !== this.#segments.length) return undefined;
    const parameters = new Map<string, string>();
    for (const [i, expected] of this.#segments.entries()) {
      const segment = segments[i] ?? "";
      if (expected.startsWith("{")) parameters.set(expected.slice(1, -1), decode(segment));
      else if (expected !== segment) return undefined;
    }
    return parameters;
  }
}

// Bytes that are no UTF-8 become U+FFFD, as homeservers have it, and a stray percent sign stands for itself.
function decode(segment: string): string {
  return segment.replaceAll(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}

/** A value as an error names it: a text in quotes, and of an object only that it is one. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

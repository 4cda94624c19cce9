/** Tells objects, functions among them, from primitive values. */
export function isObject(value: unknown): value is { readonly [property: string]: unknown } {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

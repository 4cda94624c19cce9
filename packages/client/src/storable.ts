/** What nests deeper can be parsed, but not always be written again. */
const maxLevels = 32;

/** Tells whether what came out of JSON can go back into it, as all does but infinite numbers and what nests too deep. */
export function isStorable(value: unknown, levels: number = maxLevels): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isStorable(inner, levels - 1));
}

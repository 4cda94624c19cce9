/** Pairs `keys` with their `values`, and leaves out the keys that have none. */
export function rowsOf(
  keys: readonly string[],
  values: readonly (string | undefined)[],
): [key: string, value: string][] {
  const rows: [string, string][] = [];
  for (const [index, key] of keys.entries()) {
    const value = values[index];
    if (value !== undefined) rows.push([key, value]);
  }
  return rows;
}

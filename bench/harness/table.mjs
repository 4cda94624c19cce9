/** Rows as Markdown, so that they can go into the README as they are. */
export function toTable(rows) {
  const columns = Object.keys(rows[0]);
  const lines = [columns, columns.map(() => "---"), ...rows.map((row) => Object.values(row))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`).join("\n");
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

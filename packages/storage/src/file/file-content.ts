import { Table } from "../table.js";

/**
 * The version of what the file looks like: `{"format":1,"values":{"<full key>":<value>,…}}`, a line for each value, in
 * order.
 */
const format = 1;

export function toFileContent(table: Table): string {
  const lines = table.all().map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return `{"format":${format},"values":{\n${lines.join(",\n")}\n}}\n`;
}

/** Throws an error that says what is wrong when `content` is anything but what `toFileContent` has written. */
export function fromFileContent(content: Uint8Array): Table {
  const { format: found, values } = parse(content);
  if (typeof found === "number" && found > format) {
    throw new Error(`its format is "${found}", and this version knows "${format}"; update @mx/storage`);
  }
  if (found !== format || typeof values !== "object" || values === null) throw damaged();
  const rows = Object.entries(values).map(([key, value]): [string, string] => [key, JSON.stringify(value)]);
  return new Table(rows);
}

function parse(content: Uint8Array): { format?: unknown; values?: unknown } {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): Error {
  return new Error("it is damaged, or not a storage; restore a copy of it, or use another path", { cause });
}

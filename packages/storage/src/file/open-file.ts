import { dirname } from "node:path";
import type { DiskFile } from "./disk.js";
import type { FileSettings, OpenedFile } from "./file-engine.js";
import { firstLine, format } from "./line.js";
import { Log } from "./log.js";
import { LogContent } from "./log-content.js";
import { readLines } from "./read-lines.js";
import { repair } from "./repair.js";
import { Replacement } from "./replacement.js";
import { StorageError } from "../storage-error.js";
import { Table } from "../table.js";

/** Reads the file, or makes one, and repairs it if that was asked for. */
export async function openFile(settings: FileSettings, mayRepair: boolean): Promise<OpenedFile> {
  const { disk, path } = settings;
  let file: DiskFile;
  try {
    file = await disk.open(path, "existing");
  } catch (error) {
    if (isMissing(error)) return replaceBy(new Table(), settings);
    throw error;
  }
  try {
    return await read(file, settings);
  } catch (error) {
    if (!mayRepair || !(error instanceof StorageError) || error.code !== "damaged") throw await closed(file, error);
    const table = await repair(file, disk, path, error).catch(async (failure) => {
      throw await closed(file, failure);
    });
    await file.close();
    return replaceBy(table, settings);
  }
}

/** Makes the file hold `table`: either nothing of it, or all. */
async function replaceBy(table: Table, { disk, path, replacementPath, durability }: FileSettings): Promise<OpenedFile> {
  const replacement = await Replacement.begin(disk, path, replacementPath);
  try {
    await replacement.writeAll(table, new AbortController().signal);
    await replacement.takeOver();
  } catch (error) {
    await replacement.abandon();
    throw error;
  }
  const { file, length, lines } = replacement;
  return { log: new Log(file, length, lines, durability === "power-loss"), table, snapshotLength: length };
}

async function read(file: DiskFile, { disk, path, durability }: FileSettings): Promise<OpenedFile> {
  const fileLength = await file.length();
  await requireFormat(file, path);
  const content = new LogContent(firstLine.length, fileLength);
  for await (const lines of readLines(file, firstLine.length, fileLength)) {
    content.add(lines);
    if (content.damage !== undefined) break;
  }
  content.end();
  if (content.damage !== undefined) throw damaged(path, content.damage);
  const isSynced = durability === "power-loss";
  const log = new Log(file, content.length, content.lines, isSynced);
  if (content.length < fileLength) await log.cutBack();
  // Whoever wrote it may have been killed before the disk had all of it, the name included.
  if (isSynced) {
    await file.sync();
    await disk.syncFolder(dirname(path));
  }
  return { log, table: content.table, snapshotLength: content.snapshotLength ?? 0 };
}

async function requireFormat(file: DiskFile, path: string): Promise<void> {
  const start = Buffer.alloc(64);
  const count = await file.read(start, 0);
  const text = start.toString("latin1", 0, count);
  if (text.startsWith(firstLine)) return;
  const found = Number(/^@mx\/storage (\d+)\n/.exec(text)?.[1]);
  if (found > format) {
    throw new StorageError(
      `Cannot open "${path}": its format is "${found}", and this version knows "${format}"; update @mx/storage`,
      { code: "newer-format" },
    );
  }
  throw damaged(path, count === 0 ? "it is empty" : "it is damaged in its first line, or not a storage");
}

function damaged(path: string, damage: string): StorageError {
  return new StorageError(
    `Cannot open "${path}": ${damage}; restore a copy of it, or open it with the option "repair: true", ` +
      `which keeps this file beside the new one, and takes over all that is not damaged`,
    { code: "damaged" },
  );
}

async function closed(file: DiskFile, error: unknown): Promise<unknown> {
  await file.close().catch(() => undefined);
  return error;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

import { dirname } from "node:path";
import type { Disk, DiskFile } from "./disk.js";
import { salvage } from "./log-content.js";
import { readLines } from "./read-lines.js";
import type { StorageError } from "../storage-error.js";
import { Table } from "../table.js";
import { writeAll } from "./write-all.js";

const bytesPerCopy = 1024 * 1024;

/**
 * What can be read of a damaged file, of which it leaves a copy beside it. A file without a single line of a storage is
 * somebody else's, or nothing is left of it: that throws `damage`.
 */
export async function repair(file: DiskFile, disk: Disk, path: string, damage: StorageError): Promise<Table> {
  const table = new Table();
  let lines = 0;
  for await (const each of readLines(file, 0, await file.length())) lines += salvage(each, table);
  if (lines === 0) throw damage;
  await keepCopy(file, disk, path);
  return table;
}

async function keepCopy(file: DiskFile, disk: Disk, path: string): Promise<void> {
  const copy = await openNew(disk, `${path}.damaged`);
  try {
    const part = Buffer.alloc(bytesPerCopy);
    for (let position = 0; ;) {
      const count = await file.read(part, position);
      if (count === 0) break;
      await writeAll(copy, part.subarray(0, count), position);
      position += count;
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
  await disk.syncFolder(dirname(path));
}

/** The file `name`, or `name.2` when that is taken, and so on. */
async function openNew(disk: Disk, name: string): Promise<DiskFile> {
  for (let number = 1; ; number++) {
    try {
      return await disk.open(number === 1 ? name : `${name}.${number}`, "new");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
}

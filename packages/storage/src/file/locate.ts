import fs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { syncFolder } from "./sync-folder.js";

/** As many as Linux follows before it speaks of a loop. */
const maxLinks = 40;

/**
 * The one name of the file, whatever links lead to it, and whether it is there or not. Makes its folder. It is locked
 * under that name, and replaced there.
 */
export async function locate(path: string): Promise<string> {
  const existing = await realPathOf(path);
  if (existing !== undefined) return existing;
  let file = resolve(path);
  for (let links = 0; links < maxLinks; links++) {
    await makeFolder(dirname(file));
    file = join(await fs.realpath(dirname(file)), basename(file));
    const target = await targetOf(file);
    if (target === undefined) return file;
    file = resolve(dirname(file), target);
  }
  throw new Error("it is a symbolic link that leads to itself; use another path");
}

/** As the folder spells it, where upper and lower case are the same; `undefined` for what is not there. */
async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Where a symbolic link leads; `undefined` for what is none. */
async function targetOf(file: string): Promise<string | undefined> {
  try {
    return await fs.readlink(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "EINVAL" || error.code === "ENOENT")) {
      return undefined;
    }
    // Windows says so of what is no link.
    if (error instanceof Error && "code" in error && error.code === "UNKNOWN") return undefined;
    throw error;
  }
}

/** Makes the folders that are missing, so that they survive a loss of power as what is put into them does. */
async function makeFolder(folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const outermost = dirname(resolve(first));
  for (let made = resolve(folder); ; made = dirname(made)) {
    await syncFolder(made);
    if (made === outermost) return;
  }
}

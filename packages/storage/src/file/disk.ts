import fs from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { syncFolder } from "./sync-folder.js";

/** What a storage in a file asks of the file system, in one place, so that a test can be a disk that fails. */
export interface Disk {
  /** Opens a file for reading and writing: one that is there, or a new one, which only its owner may use. */
  open(path: string, which: "existing" | "new"): Promise<DiskFile>;
  /** Gives a file another name; whatever had it is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>;
  /** Makes what was created, renamed and removed in a folder survive a loss of power. */
  syncFolder(path: string): Promise<void>;
}

/** An open file. Reading and writing may do less than was asked for, and say how many bytes it was. */
export interface DiskFile {
  length(): Promise<number>;
  read(target: Uint8Array, position: number): Promise<number>;
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Writes before it returns, which for a few bytes is quicker than to have somebody else do it. */
  writeNow(bytes: Uint8Array, position: number): number;
  truncate(length: number): Promise<void>;
  /** Makes content and length survive a loss of power. */
  sync(): Promise<void>;
  /** Tells whether it is the file of that name. */
  isAt(path: string): Promise<boolean>;
  close(): Promise<void>;
}

/** The disk of this machine. */
export const realDisk: Disk = {
  async open(path, which) {
    const handle = which === "existing" ? await open(path, "r+") : await open(path, "wx+", 0o600);
    return {
      async length() {
        const stats = await handle.stat();
        if (!stats.isFile()) throw new Error("it is not a file; use another path");
        // The lock is by name: under the other one, somebody else might have it open.
        if (stats.nlink > 1) throw new Error("it has another name, a hard link; copy it to a file of its own");
        return stats.size;
      },
      read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      writeNow: (bytes, position) => fs.writeSync(handle.fd, bytes, 0, bytes.length, position),
      truncate: (length) => handle.truncate(length),
      sync: () => handle.datasync(),
      async isAt(place) {
        const [own, found] = await Promise.all([handle.stat({ bigint: true }), stat(place, { bigint: true })]);
        return own.ino === found.ino && own.dev === found.dev;
      },
      close: () => handle.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder,
};

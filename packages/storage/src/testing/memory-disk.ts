import type { Disk, DiskFile } from "../file/disk.js";

/** What a loss of power leaves of what nobody has waited for. */
export type Loss = "loses all" | "keeps names" | "keeps content" | "leaves holes";

interface Content {
  now: Buffer;
  /** What survives a loss of power for certain. */
  durable: Buffer;
}

const sectorBytes = 512;

/** A disk in memory that knows what was made durable. */
export class MemoryDisk implements Disk {
  #names = new Map<string, Content>();
  #durableNames = new Map<string, Content>();

  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  contentOf(path: string): Buffer | undefined {
    return this.#names.get(path)?.now;
  }

  put(path: string, content: Uint8Array): void {
    this.#names.set(path, { now: Buffer.from(content), durable: Buffer.from(content) });
    this.#durableNames = new Map(this.#names);
  }

  /** Whoever had a file open has it no more. */
  losePower(loss: Loss): void {
    const names = loss === "keeps names" || loss === "leaves holes" ? this.#names : this.#durableNames;
    const left = new MemoryDisk();
    for (const [path, { now, durable }] of names) {
      if (loss === "leaves holes") left.put(path, withHoles(now, durable));
      else left.put(path, loss === "keeps content" ? now : durable);
    }
    this.#names = left.#names;
    this.#durableNames = left.#durableNames;
  }

  async open(path: string, which: "existing" | "new"): Promise<DiskFile> {
    const found = this.#names.get(path);
    if (which === "existing") {
      if (found === undefined) throw problem("ENOENT");
      return this.#fileOf(found);
    }
    if (found !== undefined) throw problem("EEXIST");
    const content: Content = { now: Buffer.alloc(0), durable: Buffer.alloc(0) };
    this.#names.set(path, content);
    return this.#fileOf(content);
  }

  async rename(from: string, to: string): Promise<void> {
    const content = this.#names.get(from);
    if (content === undefined) throw problem("ENOENT");
    this.#names.delete(from);
    this.#names.set(to, content);
  }

  async remove(path: string): Promise<void> {
    this.#names.delete(path);
  }

  async syncFolder(): Promise<void> {
    this.#durableNames = new Map(this.#names);
  }

  #fileOf(content: Content): DiskFile {
    const write = (bytes: Uint8Array, position: number): number => {
      const length = Math.max(content.now.length, position + bytes.length);
      const next = Buffer.alloc(length);
      content.now.copy(next);
      next.set(bytes, position);
      content.now = next;
      return bytes.length;
    };
    return {
      length: async () => content.now.length,
      read: async (target, position) => content.now.copy(target, 0, position),
      write: async (bytes, position) => write(bytes, position),
      writeNow: write,
      truncate: async (length) => {
        content.now = Buffer.from(content.now.subarray(0, length));
      },
      sync: async () => {
        content.durable = Buffer.from(content.now);
      },
      isAt: async (path) => this.#names.get(path) === content,
      close: async () => {},
    };
  }
}

/** Every second sector that was written lately is as it was before, or zero. */
function withHoles(now: Buffer, durable: Buffer): Buffer {
  const left = Buffer.from(now);
  for (let start = 0, written = 0; start < now.length; start += sectorBytes) {
    const end = Math.min(start + sectorBytes, now.length);
    const before = Buffer.alloc(end - start);
    before.set(durable.subarray(start, end));
    if (now.subarray(start, end).equals(before)) continue;
    if (written++ % 2 === 0) left.set(before, start);
  }
  return left;
}

function problem(code: string): Error {
  return Object.assign(new Error(`${code}: in memory`), { code });
}

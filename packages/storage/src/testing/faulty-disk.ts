import type { Disk, DiskFile } from "../file/disk.js";

/** What becomes of a call: nothing, all of it, half of it, or half of it without an error. */
export type Fault = "fails" | "fails after the fact" | "fails after half of it" | "does half of it";

/** Which calls go wrong, counted from 1, and how. */
export interface Plan {
  readonly fault: Fault;
  readonly first: number;
  /** `Infinity`: the disk, or whoever uses it, is gone from the first one on. All but the first just fail. */
  readonly last: number;
}

/** Another disk, but for the calls that go wrong. */
export class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #plan: Plan;
  /** What was called, whether it went wrong or not. */
  readonly calls: string[] = [];

  constructor(disk: Disk, plan: Plan) {
    this.#disk = disk;
    this.#plan = plan;
  }

  /** The name of the call that went wrong first. */
  get firstFault(): string | undefined {
    return this.calls[this.#plan.first - 1];
  }

  async open(path: string, which: "existing" | "new"): Promise<DiskFile> {
    let file: DiskFile | undefined;
    try {
      await this.#call("open", async () => {
        file = await this.#disk.open(path, which);
      });
    } catch (error) {
      // Nobody else can.
      await file?.close();
      throw error;
    }
    if (file === undefined) throw new Error("it was not opened");
    return this.#wrap(file);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", () => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#call("remove", () => this.#disk.remove(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.#call("syncFolder", () => this.#disk.syncFolder(path));
  }

  #wrap(file: DiskFile): DiskFile {
    return {
      length: () => this.#call("length", () => file.length()),
      read: (target, position) => this.#call("read", (half) => file.read(half(target), position)),
      write: (bytes, position) => this.#call("write", (half) => file.write(half(bytes), position)),
      writeNow: (bytes, position) => this.#callNow("writeNow", (half) => file.writeNow(half(bytes), position)),
      truncate: (length) => this.#call("truncate", () => file.truncate(length)),
      sync: () => this.#call("sync", () => file.sync()),
      isAt: (path) => this.#call("isAt", () => file.isAt(path)),
      close: async () => {
        // The descriptor is not to be lost, whatever happens.
        await file.close();
        await this.#call("close", async () => {});
      },
    };
  }

  async #call<Result>(name: string, does: (half: Half) => Promise<Result>): Promise<Result> {
    const fault = this.#next(name);
    if (fault === undefined) return does(whole);
    if (fault === "fails") throw ioError(name);
    const result = await does(fault === "fails after the fact" ? whole : firstHalf);
    if (fault === "does half of it") return result;
    throw ioError(name);
  }

  #callNow<Result>(name: string, does: (half: Half) => Result): Result {
    const fault = this.#next(name);
    if (fault === undefined) return does(whole);
    if (fault === "fails") throw ioError(name);
    const result = does(fault === "fails after the fact" ? whole : firstHalf);
    if (fault === "does half of it") return result;
    throw ioError(name);
  }

  #next(name: string): Fault | undefined {
    this.calls.push(name);
    const { first, last, fault } = this.#plan;
    if (this.calls.length === first) return fault;
    return this.calls.length > first && this.calls.length <= last ? "fails" : undefined;
  }
}

type Half = (bytes: Uint8Array) => Uint8Array;
const whole: Half = (bytes) => bytes;
const firstHalf: Half = (bytes) => bytes.subarray(0, Math.ceil(bytes.length / 2));

function ioError(call: string): Error {
  return Object.assign(new Error(`EIO: i/o error, ${call}`), { code: "EIO" });
}

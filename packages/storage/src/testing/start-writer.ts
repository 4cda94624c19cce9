import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const program = fileURLToPath(new URL("writer.mjs", import.meta.url));

/** Another process that writes to the storage at `path`. */
export class Writer {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;
  /** The number that was acknowledged last. */
  acknowledged = 0;

  constructor(kind: "file" | "sqlite", path: string, what: "commit" | "increment" | "open", start = 0) {
    const given = [program, kind, path, what, String(start)];
    this.#process = spawn(process.execPath, given, { stdio: ["ignore", "pipe", "inherit"] });
    this.#exit = once(this.#process, "close");
    onTestFinished(() => this.kill());
  }

  /** Resolves when `count` commits were acknowledged. */
  async commits(count: number): Promise<void> {
    const { stdout } = this.#process;
    if (stdout === null) throw new Error("the process has no output");
    let seen = 0;
    for await (const line of createInterface({ input: stdout })) {
      this.acknowledged = Number(line);
      if (++seen === count) return;
    }
    throw new Error("the process has ended by itself");
  }

  /** Resolves when it has ended; rejects when it has failed. */
  async end(): Promise<void> {
    await this.#exit;
    if (this.#process.exitCode !== 0) throw new Error(`the process has ended with ${this.#process.exitCode}`);
  }

  /** Kills it as the kernel would, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exit;
  }
}

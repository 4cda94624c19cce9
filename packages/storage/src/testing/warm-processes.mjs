import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("storage-process.mjs", import.meta.url));

/** Processes that have loaded everything and wait for a task: starting one takes longer than what it does until it is killed. */
export class WarmProcesses {
  #kind;
  #spares = [];
  #left;
  #taken = new Set();

  /** Keeps `spares` of them ready, and starts no more than `count` altogether. */
  constructor(kind, { spares, count }) {
    this.#kind = kind;
    this.#left = count;
    for (let spare = 0; spare < spares; spare++) this.#startSpare();
  }

  /** Resolves with one that is ready. */
  async take() {
    const taken = this.#spares.shift() ?? new StorageProcess(this.#kind);
    this.#taken.add(taken);
    void taken.ended.then(() => this.#taken.delete(taken));
    this.#startSpare();
    await taken.saidReady;
    return taken;
  }

  /** Kills all that still run. */
  async close() {
    await Promise.all([...this.#spares, ...this.#taken].map((each) => each.kill()));
  }

  #startSpare() {
    if (this.#left-- > 0) this.#spares.push(new StorageProcess(this.#kind));
  }
}

/** A process with a task, and what it has said. */
class StorageProcess {
  #process;
  #unfinished = "";
  #listener = () => {};
  /** How it has ended: resolves when everything that it said was heard. */
  ended;
  saidReady;

  constructor(kind) {
    this.#process = spawn(process.execPath, ["--no-warnings", program, kind], { stdio: ["pipe", "pipe", "inherit"] });
    this.ended = once(this.#process, "close");
    // It may be killed while it is being told something.
    this.#process.stdin.on("error", () => {});
    this.saidReady = new Promise((resolve) => (this.#listener = resolve));
    void this.ended.then(([code]) => this.#listener(undefined, code));
    this.#process.stdout.setEncoding("utf8").on("data", (text) => this.#hear(text));
  }

  /** Gives it its task; `listener` gets each line that it says. */
  start(task, listener) {
    this.#listener = listener;
    // It is no JSON.
    this.tell(JSON.stringify(task, (_, value) => (value === Infinity ? "Infinity" : value)));
  }

  tell(line) {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Kills it as the kernel would, and resolves when it is gone and all that it said was heard. */
  async kill() {
    this.#process.kill("SIGKILL");
    await this.ended;
  }

  #hear(text) {
    const lines = (this.#unfinished + text).split("\n");
    // What was cut off in the middle was not said.
    this.#unfinished = lines.pop();
    for (const line of lines) this.#listener(line);
  }
}

import { fork } from "node:child_process";
import { once } from "node:events";

/** A person of the demo as seen from outside: a process that takes orders and says what happens to it. */
export class PersonProcess {
  /** All that run: whoever leaves the demo early ends them. */
  static running = new Set();

  #name;
  #child;
  #said = [];
  #wake = () => {};

  /** Starts the process; resolves when the person is logged in. */
  static async start(name, env) {
    const person = new PersonProcess(name, env);
    Object.assign(person, (await person.says("ready")).ready);
    return person;
  }

  constructor(name, env) {
    this.#name = name;
    this.#child = fork(new URL("person.mjs", import.meta.url), { env: { ...process.env, ...env, PERSON: name } });
    PersonProcess.running.add(this);
    this.#child.on("message", (message) => this.#hear(message));
    this.#child.on("exit", (code) => {
      PersonProcess.running.delete(this);
      this.#hear({ failed: `the process has ended with ${code}` });
    });
  }

  #hear(message) {
    this.#said.push(message);
    this.#wake();
  }

  /** Gives an order, and resolves with what the person says when it is done. */
  async do(order, argument, answer) {
    this.#child.send([order, argument]);
    return this.says(answer);
  }

  async send(roomId, text) {
    await this.do("send", { roomId, text }, "sent");
  }

  /** Resolves with the next message of a kind. */
  async says(kind) {
    for (;;) {
      const index = this.#said.findIndex((message) => kind in message);
      if (index >= 0) return this.#said.splice(index, 1)[0];
      const failure = this.#said.find((message) => "failed" in message);
      if (failure) throw new Error(`${this.#name}: ${failure.failed}`);
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  /** Resolves with the next text that comes from another device. */
  async hears() {
    return (await this.says("received")).received;
  }

  /** Closes the client; resolves when the process has ended. */
  async stop() {
    const exited = once(this.#child, "exit");
    this.#child.send(["stop"]);
    await exited;
  }

  kill() {
    this.#child.kill();
  }
}

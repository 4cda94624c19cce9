import { onTestFinished } from "vitest";
import type { StorageEngine } from "../engine.js";

/** What happens to one call of an engine. */
export interface Failure {
  /** How many calls succeed before. */
  readonly after: number;
  /** Whether the call does its work before it fails, as when only the answer is lost. */
  readonly takesEffect: boolean;
}

/** Makes calls of engines take longer, or fail, as it is told. */
export class EngineFailures {
  #next: Failure | undefined;
  #callsLeft = 0;
  #pauses: readonly number[] = [];
  #pausesMade = 0;
  /** Whether a commit was made though its caller was told otherwise, since `prepare`. */
  hasLostAnswer = false;

  /**
   * One of the calls from now on fails; without an argument, none does. Before a call does its work, and before it
   * answers, it pauses for as many turns of the event loop's queue as `pauses` says, time after time.
   */
  prepare(next?: Failure, pauses: readonly number[] = []): void {
    this.#pauses = pauses;
    this.#pausesMade = 0;
    this.#next = next;
    this.#callsLeft = next?.after ?? 0;
    this.hasLostAnswer = false;
  }

  /** Has its hands in `engine`, or in all engines of a class when it is their prototype, until the test ends. */
  inject<Engine extends StorageEngine>(engine: Engine): Engine {
    for (const name of ["read", "scan", "commit"] as const) this.#replace(engine, name);
    return engine;
  }

  #replace(engine: StorageEngine, name: "read" | "scan" | "commit"): void {
    const original = Reflect.getOwnPropertyDescriptor(engine, name);
    const work: unknown = Reflect.get(engine, name);
    if (typeof work !== "function") throw new TypeError(`the engine has no ${name}`);
    const call = (callee: unknown, given: unknown[]): Promise<unknown> =>
      this.#call(name, async () => Reflect.apply(work, callee, given));
    Object.defineProperty(engine, name, {
      configurable: true,
      writable: true,
      value(...given: unknown[]) {
        return call(this, given);
      },
    });
    onTestFinished(() => {
      if (original === undefined) Reflect.deleteProperty(engine, name);
      else Object.defineProperty(engine, name, original);
    });
  }

  async #call(name: string, work: () => Promise<unknown>): Promise<unknown> {
    const failure = this.#next;
    const fails = failure !== undefined && this.#callsLeft-- <= 0;
    if (fails) this.#next = undefined;
    await this.#pause();
    if (fails && !failure.takesEffect) throw new Error("the backend fails, as it was told to");
    const result = await work();
    await this.#pause();
    if (!fails) return result;
    this.hasLostAnswer ||= name === "commit";
    throw new Error("the backend's answer is lost, as it was told to");
  }

  async #pause(): Promise<void> {
    const turns = this.#pauses[this.#pausesMade++ % this.#pauses.length] ?? 0;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  }
}

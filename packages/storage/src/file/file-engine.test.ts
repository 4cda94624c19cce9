import { describe, expect, test } from "vitest";
import { createStorage } from "../create-storage.js";
import type { Disk } from "./disk.js";
import { FileEngine, type FileSettings } from "./file-engine.js";
import { openFile } from "./open-file.js";
import { StorageError } from "../storage-error.js";
import type { Storage } from "../storage.js";
import { type Fault, FaultyDisk } from "../testing/faulty-disk.js";
import { type Loss, MemoryDisk } from "../testing/memory-disk.js";

type Durability = FileSettings["durability"];
type State = Readonly<Record<string, unknown>>;

const path = "/folder/alice.mx";

async function open(disk: Disk, durability: Durability = "power-loss", repair = false): Promise<Storage> {
  // A few commits are enough for a compaction.
  const settings = { disk, path, replacementPath: "/folder/.tmp", durability, compactionFloor: 200 };
  return createStorage(new FileEngine(settings, await openFile(settings, repair), async () => {}));
}

/** All that is in a storage. */
async function stateOf(storage: Storage, names = ""): Promise<State> {
  const state: Record<string, unknown> = {};
  for await (const [key, value] of storage.entries()) state[names + key] = value;
  for await (const name of storage.namespaces()) {
    Object.assign(state, await stateOf(storage.namespace(name), `${names}${name}/`));
  }
  return state;
}

async function stateOn(disk: Disk): Promise<State> {
  await using storage = await open(disk);
  // Before it is closed.
  return await stateOf(storage);
}

interface Step {
  readonly take: (storage: Storage) => Promise<unknown>;
  /** What it makes of a state. */
  readonly on: (state: State) => State;
}

/** Sets, deletes and clears, alone and in transactions, in several namespaces. */
const someSteps: readonly Step[] = [
  { take: (storage) => storage.set("a", 1), on: (state) => ({ ...state, a: 1 }) },
  {
    take: (storage) =>
      storage.transaction((transaction) => {
        transaction.set("b", "é");
        transaction.namespace("n").set('k\t\n"\\', "tab\tnewline\n");
        transaction.namespace("n").namespace("m").set("x", [null, true]);
      }),
    on: (state) => ({ ...state, b: "é", 'n/k\t\n"\\': "tab\tnewline\n", "n/m/x": [null, true] }),
  },
  { take: (storage) => storage.delete("a"), on: (state) => without(state, "a") },
  { take: (storage) => storage.namespace("n").clear(), on: (state) => without(state, "n/") },
];

/** Values that are overwritten until the file is worth being written anew. */
const growingSteps: readonly Step[] = Array.from({ length: 9 }, (_, number) => {
  const value = `${"é".repeat(30)} ${number}`;
  return {
    take: (storage) =>
      storage.transaction((transaction) => {
        transaction.set("count", number);
        transaction.namespace("o").set(`key ${number % 3}`, value);
      }),
    on: (state) => ({ ...state, count: number, [`o/key ${number % 3}`]: value }),
  };
});

const long = "x".repeat(70_000);

/** Too much to be written at once, twice; then nothing of it is left. */
const longSteps: readonly Step[] = [
  ...["1", "2"].map((number): Step => ({
    take: (storage) => storage.namespace("o").set("long", long + number),
    on: (state) => ({ ...state, "o/long": long + number }),
  })),
  {
    take: (storage) =>
      storage.transaction((transaction) => {
        transaction.namespace("o").clear();
        transaction.namespace("o").set("last", "one");
        transaction.delete("b");
      }),
    on: (state) => {
      return { ...without(without(state, "o/"), "b"), "o/last": "one" };
    },
  },
  { take: (storage) => storage.set("a", 2), on: (state) => ({ ...state, a: 2 }) },
];

function without(state: State, prefix: string): State {
  return Object.fromEntries(Object.entries(state).filter(([key]) => !key.startsWith(prefix)));
}

/** What is known of a storage after some steps on a disk that may have failed. */
interface Outcome {
  /** What was acknowledged. */
  acknowledged: State;
  /** What may be there instead. */
  perhaps: State | undefined;
  failures: number;
  /** What was acknowledged at some moment. */
  readonly moments: State[];
}

/** Takes steps, opens the file again with what a crash may have left at its end, and takes others. */
async function run(disk: Disk, under: MemoryDisk, durability: Durability): Promise<Outcome> {
  const outcome: Outcome = { acknowledged: {}, perhaps: undefined, failures: 0, moments: [{}] };
  for (const steps of [[...someSteps, ...growingSteps], longSteps]) {
    let storage: Storage;
    try {
      storage = await open(disk, durability);
    } catch {
      outcome.failures++;
      continue;
    }
    settle(outcome, await stateOf(storage));
    for (const step of steps) await take(step, storage, outcome);
    expect(await stateOf(storage)).toEqual(outcome.acknowledged);
    await storage.close().catch(() => undefined);
    const content = under.contentOf(path);
    if (outcome.failures === 0 && content !== undefined) {
      under.put(path, Buffer.concat([content, Buffer.from("0123abcd 1")]));
    }
  }
  return outcome;
}

async function take(step: Step, storage: Storage, outcome: Outcome): Promise<void> {
  const before = outcome.acknowledged;
  const next = step.on(before);
  try {
    await step.take(storage);
    outcome.acknowledged = next;
    outcome.moments.push(next);
    // What changes nothing need not be written.
    if (JSON.stringify(next) !== JSON.stringify(before)) outcome.perhaps = undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
    if (String(error).endsWith("it may be written all the same")) {
      outcome.perhaps = next;
      outcome.moments.push(next);
    } else expect(String(error)).toMatch(/nothing was changed$/);
    outcome.failures++;
    expect(await stateOf(storage)).toEqual(before);
  }
}

/** What was perhaps written has either come back or not; from here on it is known. */
function settle(outcome: Outcome, state: State): void {
  const possible = [outcome.acknowledged, ...(outcome.perhaps === undefined ? [] : [outcome.perhaps])];
  expect(possible).toContainEqual(state);
  outcome.acknowledged = state;
  outcome.perhaps = undefined;
}

/** Opens what was left on a disk that works again, and goes on. */
async function checkLeft(disk: MemoryDisk, outcome: Outcome): Promise<void> {
  const storage = await open(disk);
  settle(outcome, await stateOf(storage));
  await storage.set("afterwards", true);
  await storage.close();
  expect(await stateOn(disk)).toEqual({ ...outcome.acknowledged, afterwards: true });
}

/** MX_FAULTS=all takes every call in every test; otherwise each test takes some, and all of them together take all. */
const stride = process.env["MX_FAULTS"] === "all" ? 1 : 8;
let tests = 0;

function firstCall(): number {
  return 1 + (tests++ % stride);
}

const faults: readonly Fault[] = ["fails", "fails after the fact", "fails after half of it", "does half of it"];

describe.each(["power-loss", "process"] as const)("FileEngine with durability %s", (durability) => {
  test.each(faults)("loses nothing, and goes on, when any one call of the disk %s", async (fault) => {
    for (let call = firstCall(); ; call += stride) {
      const under = new MemoryDisk();
      const disk = new FaultyDisk(under, { fault, first: call, last: call });
      const outcome = await run(disk, under, durability);
      if (disk.firstFault === undefined) break;
      const seen = JSON.stringify({ call, name: disk.firstFault });
      // Everything but what met the fault goes well.
      expect(outcome.failures, seen).toBeLessThanOrEqual(fault === "does half of it" ? 0 : 1);
      await checkLeft(under, outcome);
      if (disk.firstFault !== "remove") expect(under.names, seen).toEqual([path]);
    }
  });

  test.each(faults)("loses nothing when its process ends at any call, which %s", async (fault) => {
    await checkEveryEnd(fault, durability);
  });
});

const losses: readonly Loss[] = ["loses all", "keeps names", "keeps content", "leaves holes"];

describe.each(losses)("FileEngine, on a disk that %s when the power is lost", (loss) => {
  test.each(faults)("loses nothing that was acknowledged, at any call, which %s", async (fault) => {
    await checkEveryEnd(fault, "power-loss", loss);
  });

  test.each(faults)(
    "with durability process, has what it had at some moment, after any call, which %s",
    async (fault) => {
      await checkEveryEnd(fault, "process", loss);
    },
  );
});

/** Lets nothing succeed from the n-th call on, for each n, and opens what is left. */
async function checkEveryEnd(fault: Fault, durability: Durability, loss?: Loss): Promise<void> {
  for (let call = firstCall(); ; call += stride) {
    const under = new MemoryDisk();
    const disk = new FaultyDisk(under, { fault, first: call, last: Infinity });
    const outcome = await run(disk, under, durability);
    if (disk.firstFault === undefined) break;
    if (loss !== undefined) under.losePower(loss);
    else if (durability === "power-loss") await checkShownIsDurable(under);
    if (loss !== undefined && durability === "process") expect(outcome.moments).toContainEqual(await stateOn(under));
    else await checkLeft(under, outcome);
  }
}

/** Whoever has read something that a killed process has left there relies on it. */
async function checkShownIsDurable(disk: MemoryDisk): Promise<void> {
  const shown = await stateOn(disk);
  disk.losePower("loses all");
  expect(await stateOn(disk)).toEqual(shown);
}

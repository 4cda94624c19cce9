import fc from "fast-check";
import type { Storage, StorageReader, StorageValue, Transaction } from "../storage.js";
import { arbitraryKey, arbitraryPath, arbitraryValue } from "./arbitrary-entries.js";

type Path = readonly string[];

type Read =
  | { readonly does: "get" | "has"; readonly path: Path; readonly key: string }
  | { readonly does: "getMany"; readonly path: Path; readonly keys: readonly string[] }
  | { readonly does: "entries"; readonly path: Path; readonly prefix: string }
  | { readonly does: "namespaces"; readonly path: Path };

type Write =
  | { readonly does: "set"; readonly path: Path; readonly key: string; readonly value: StorageValue }
  | { readonly does: "delete"; readonly path: Path; readonly key: string }
  | { readonly does: "clear"; readonly path: Path };

interface Change {
  readonly does: "transaction";
  readonly path: Path;
  readonly steps: readonly (Read | Write)[];
  readonly throws: boolean;
}

/** Something that is done with a storage. */
export type Step = Read | Write | Change;

/** What a storage should hold: values by path and key, as one text. */
export type State = ReadonlyMap<string, StorageValue>;

/** What a transaction throws that is to throw. */
export class AsAskedFor extends Error {}

/** Where steps are taken. */
interface Places {
  readonly path: fc.Arbitrary<Path>;
  readonly key: fc.Arbitrary<string>;
}

const anywhere: Places = { path: arbitraryPath, key: arbitraryKey };

/** Where steps get into each other's way. */
const crowded: Places = { path: fc.constantFrom([], [], ["a"]), key: fc.constantFrom("a", "b") };

const isSeldom: fc.Arbitrary<boolean> = fc.nat(3).map((number) => number === 0);

function readsOf({ path, key }: Places): fc.Arbitrary<Read> {
  return fc.oneof(
    fc.record({ does: fc.constantFrom("get", "has"), path, key }),
    fc.record({ does: fc.constant("getMany"), path, keys: fc.array(key, { maxLength: 3 }) }),
  );
}

function listsOf({ path, key }: Places): fc.Arbitrary<Read> {
  return fc.record({ does: fc.constant("entries"), path, prefix: fc.oneof(fc.constant(""), key) });
}

function writesOf({ path, key }: Places): fc.Arbitrary<Write> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ does: fc.constant("set"), path, key, value: arbitraryValue }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("delete"), path, key }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("clear"), path }) },
  );
}

function transactionOf(path: fc.Arbitrary<Path>, step: fc.Arbitrary<Read | Write>): fc.Arbitrary<Change> {
  return fc.record({
    does: fc.constant("transaction"),
    path,
    steps: fc.array(step, { maxLength: 6 }),
    throws: isSeldom,
  });
}

const namespaces: fc.Arbitrary<Read> = fc.record({ does: fc.constant("namespaces"), path: arbitraryPath });
const anyRead: fc.Arbitrary<Read> = fc.oneof(readsOf(anywhere), listsOf(anywhere), namespaces);

/** A step that is taken alone. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: anyRead },
  { weight: 4, arbitrary: writesOf(anywhere) },
  { weight: 2, arbitrary: writesOf(crowded) },
  { weight: 3, arbitrary: transactionOf(arbitraryPath, fc.oneof(anyRead, writesOf(anywhere))) },
);

/**
 * A step that is taken together with others. A list of namespaces is made of several moments, and what a transaction
 * has listed may grow before it commits: so neither is among these.
 */
export const arbitraryConcurrentStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.oneof(readsOf(crowded), listsOf(crowded)) },
  { weight: 2, arbitrary: writesOf(crowded) },
  { weight: 6, arbitrary: transactionOf(crowded.path, fc.oneof(readsOf(crowded), writesOf(crowded))) },
);

/** What `step` should result in, and what is stored afterwards. */
export function simulate(step: Step, state: State): [result: unknown, next: State] {
  if (step.does !== "transaction") return simulateOne(step, step.path, state, false);
  const results: unknown[] = [];
  let next = state;
  for (const each of step.steps) {
    const [result, after] = simulateOne(each, [...step.path, ...each.path], next, true);
    results.push(result);
    next = after;
  }
  return [results, step.throws ? state : next];
}

function simulateOne(step: Read | Write, path: Path, state: State, isInside: boolean): [unknown, State] {
  const name = (key: string): string => JSON.stringify([...path, key]);
  switch (step.does) {
    case "get":
      return [state.get(name(step.key)), state];
    case "has":
      return [state.has(name(step.key)), state];
    case "getMany":
      return [step.keys.map((key) => state.get(name(key))), state];
    case "entries":
      return [entriesAt(state, path).filter(([key]) => key.startsWith(step.prefix)), state];
    case "namespaces":
      return [namespacesAt(state, path), state];
    case "set":
      return [undefined, new Map(state).set(name(step.key), step.value)];
    case "delete": {
      const next = new Map(state);
      const had = next.delete(name(step.key));
      return [isInside ? undefined : had, next];
    }
    default:
      return [undefined, new Map([...state].filter(([full]) => !isIn(path, partsOf(full).slice(0, -1))))];
  }
}

/** Does `step`; resolves with its result. The results of what a transaction does are one list. */
export async function take(step: Step, storage: Storage): Promise<unknown> {
  if (step.does !== "transaction") return takeOne(step, placeAt(storage, step.path));
  let results: unknown[] = [];
  try {
    await placeAt(storage, step.path).transaction(async (transaction) => {
      results = [];
      for (const each of step.steps) results.push(await takeOne(each, placeAt(transaction, each.path)));
      if (step.throws) throw new AsAskedFor();
    });
  } catch (error) {
    if (!(error instanceof AsAskedFor)) throw error;
  }
  return results;
}

async function takeOne(step: Read | Write, place: Storage | Transaction): Promise<unknown> {
  switch (step.does) {
    case "get":
      return place.get(step.key);
    case "has":
      return place.has(step.key);
    case "getMany":
      return place.getMany(step.keys);
    case "entries":
      return listOf(place.entries(step.prefix));
    case "namespaces":
      return (await listOf(place.namespaces())).toSorted();
    case "set":
      return place.set(step.key, step.value);
    case "delete":
      return place.delete(step.key);
    default:
      return place.clear();
  }
}

/** All that is in `storage`. */
export async function stateOf(storage: Storage, path: Path = []): Promise<State> {
  const state = new Map<string, StorageValue>();
  for (const [key, value] of await listOf(storage.entries())) state.set(JSON.stringify([...path, key]), value);
  for (const name of await listOf(storage.namespaces())) {
    for (const [full, value] of await stateOf(storage.namespace(name), [...path, name])) state.set(full, value);
  }
  return state;
}

/** The value at the text that `stateOf` makes of a path and a key. */
export function valueAt(storage: Storage, full: string): Promise<StorageValue | undefined> {
  const path = partsOf(full);
  const key = path.pop() ?? "";
  return (placeAt<Storage>(storage, path) satisfies StorageReader).get(key);
}

function placeAt<Place extends { namespace(name: string): Place }>(place: Place, names: Path): Place {
  return names.reduce((outer, name) => outer.namespace(name), place);
}

async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function partsOf(full: string): string[] {
  const parts: string[] = JSON.parse(full);
  return parts;
}

function isIn(outer: Path, path: Path): boolean {
  return outer.every((name, index) => name === path[index]);
}

function entriesAt(state: State, path: Path): [string, StorageValue][] {
  const found: [string, StorageValue][] = [];
  for (const [full, value] of state) {
    const parts = partsOf(full);
    const key = parts.pop() ?? "";
    if (parts.length === path.length && isIn(path, parts)) found.push([key, value]);
  }
  return found.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function namespacesAt(state: State, path: Path): string[] {
  const names = new Set<string>();
  for (const full of state.keys()) {
    const inner = partsOf(full).slice(0, -1);
    const name = inner[path.length];
    if (name !== undefined && isIn(path, inner)) names.add(name);
  }
  return [...names].toSorted();
}

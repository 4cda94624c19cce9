import assert from "node:assert/strict";
import fc from "fast-check";
import type { Storage, StorageValue, Transaction } from "../storage.js";
import type { ContractFixture } from "../contract.js";

type Path = readonly string[];

type Write =
  | { readonly does: "set"; readonly path: Path; readonly key: string; readonly value: StorageValue }
  | { readonly does: "delete"; readonly path: Path; readonly key: string }
  | { readonly does: "clear"; readonly path: Path };

type Step =
  | Write
  | { readonly does: "transaction"; readonly path: Path; readonly writes: readonly Write[]; readonly throws: boolean }
  | { readonly does: "reopen" };

/** What a storage should hold: values by path and key, as one text. */
type Model = Map<string, StorageValue>;

const name = fc.oneof(fc.constantFrom("", "a", "A", "a/", "=", "%"), fc.string({ unit: "binary", maxLength: 4 }));
const path: fc.Arbitrary<Path> = fc.array(name, { maxLength: 2 });
const key = fc.oneof(fc.constantFrom("", "a", "b", "=a", "a/=b"), fc.string({ unit: "binary", maxLength: 4 }));
const json: fc.Arbitrary<StorageValue> = fc.jsonValue({ maxDepth: 3 }).map((value) => {
  // `-0` becomes `0`.
  const written: StorageValue = JSON.parse(JSON.stringify(value));
  return written;
});
const value: fc.Arbitrary<StorageValue> = fc.oneof(
  json,
  fc.uint8Array(),
  fc.record({ $bytes: fc.oneof(json, fc.uint8Array()) }, { noNullPrototype: true }),
);

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant("set" as const), path, key, value }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), path, key }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("clear" as const), path }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: write },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("transaction" as const),
      path,
      writes: fc.array(write, { maxLength: 6 }),
      throws: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("reopen" as const) }) },
);

/** Takes random steps on a store and on a plain object, and compares what is in the two after each. */
export async function checkModel(
  makeStore: () => ContractFixture | Promise<ContractFixture>,
  runs: number,
): Promise<void> {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
    const store = await makeStore();
    let storage = await store.open();
    let model: Model = new Map();
    try {
      for (const each of steps) {
        if (each.does === "reopen") {
          await storage.close();
          storage = await store.open();
          if (!store.isDurable) model = new Map();
        } else if (each.does === "transaction") {
          model = await takeTransaction(storage, model, each.path, each.writes, each.throws);
        } else {
          await take(at(storage, each.path), model, each.path, each);
        }
        await compare(storage, model, "path" in each ? each.path : []);
      }
    } finally {
      await storage.close();
    }
  });
  await fc.assert(property, { numRuns: runs });
}

async function takeTransaction(
  storage: Storage,
  model: Model,
  start: Path,
  writes: readonly Write[],
  throws: boolean,
): Promise<Model> {
  const next: Model = new Map(model);
  const attempt = at(storage, start).transaction(async (transaction) => {
    for (const each of writes) {
      const where = [...start, ...each.path];
      await take(at(transaction, each.path), next, where, each);
      assert.deepEqual(await entriesOf(at(transaction, each.path)), expectedEntries(next, where));
    }
    if (throws) throw new RangeError("as asked for");
  });
  if (!throws) {
    await attempt;
    return next;
  }
  await assert.rejects(attempt, { name: "RangeError" });
  return model;
}

function at<Place extends { namespace(name: string): Place }>(place: Place, names: Path): Place {
  return names.reduce((inner, each) => inner.namespace(each), place);
}

async function take(place: Storage | Transaction, model: Model, where: Path, change: Write): Promise<void> {
  if (change.does === "clear") {
    await place.clear();
    for (const full of model.keys()) {
      if (where.every((each, index) => each === pathAndKey(full)[index]) && pathAndKey(full).length > where.length) {
        model.delete(full);
      }
    }
    return;
  }
  const full = JSON.stringify([...where, change.key]);
  if (change.does === "set") {
    await place.set(change.key, change.value);
    model.set(full, change.value);
  } else {
    const had = model.delete(full);
    // In a transaction it tells nothing.
    assert.equal((await place.delete(change.key)) ?? had, had);
  }
}

function pathAndKey(full: string): string[] {
  const parts: string[] = JSON.parse(full);
  return parts;
}

async function compare(storage: Storage, model: Model, where: Path): Promise<void> {
  assert.deepEqual(await entriesOf(at(storage, where)), expectedEntries(model, where));
  for (const [full, expected] of model) {
    const parts = pathAndKey(full);
    assert.deepEqual(await at(storage, parts.slice(0, -1)).get(parts.at(-1) ?? ""), expected);
  }
}

async function entriesOf(place: Storage | Transaction): Promise<[string, StorageValue][]> {
  const entries: [string, StorageValue][] = [];
  for await (const entry of place.entries()) entries.push(entry);
  return entries;
}

function expectedEntries(model: Model, where: Path): [string, StorageValue][] {
  const entries: [string, StorageValue][] = [];
  for (const [full, stored] of model) {
    const parts = pathAndKey(full);
    const last = parts.pop() ?? "";
    if (JSON.stringify(parts) === JSON.stringify(where)) entries.push([last, stored]);
  }
  return entries.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

// What a process writes until it is killed. The one who kills it knows from the seed what each operation does, so that a process
// says no more than which of them were acknowledged.
//
// 1. Operations are done in steps: those of a step at the same time, the next step when all of them were acknowledged. So only
//    operations of one step are in flight at any moment.
// 2. Each operation of a step has a lane of its own, and each lane has keys of its own, so that what became of one operation
//    can be told whatever became of the others.
import { randomFrom } from "./random.mjs";

const lanes = 8;
const namespaces = [[], ["inbox"], ["outbox", "sent"]];
const keysInNamespace = 3;

/** The operations of a step. */
export function operationsOf(seed, step) {
  const random = randomFrom(seed, step);
  const count = random() < 0.5 ? 1 : 1 + Math.floor(random() * lanes);
  return Array.from({ length: count }, (_, lane) => ({
    number: step * lanes + lane,
    lane,
    ...operation(random, lane),
  }));
}

/** What an operation leaves: for each key that it touches, the sign of its value, or `undefined`. */
export function outcomeOf({ number, lane, clears, writes }) {
  const outcome = new Map();
  if (clears) for (const { path, key } of placesToClear(lane)) outcome.set(idOf(path, key), undefined);
  for (const { path, key, length } of writes) {
    outcome.set(idOf(path, key), length === undefined ? undefined : signOf(valueOf(number, length)));
  }
  return outcome;
}

/** Does an operation; resolves when it is acknowledged. */
export async function perform(storage, { number, lane, does, reads, clears, writes }) {
  const [first] = writes;
  if (does === "set") return at(storage, first.path).set(first.key, valueOf(number, first.length));
  if (does === "delete") return at(storage, first.path).delete(first.key);
  return storage.transaction(async (transaction) => {
    if (reads) await at(transaction, first.path).get(first.key);
    if (clears) transaction.namespace(nameToClear(lane)).clear();
    for (const { path, key, length } of writes) {
      if (length === undefined) at(transaction, path).delete(key);
      else at(transaction, path).set(key, valueOf(number, length));
    }
  });
}

/** What is in a storage: the signs of all values. Rejects when something in it cannot be read, or was never written. */
export async function contentOf(storage, path = [], content = new Map()) {
  for await (const [key, value] of storage.entries()) content.set(idOf(path, key), signOf(value));
  for await (const name of storage.namespaces()) await contentOf(storage.namespace(name), [...path, name], content);
  return content;
}

function operation(random, lane) {
  const places = shuffled(random, placesOf(lane));
  const kind = random();
  if (kind < 0.25) return { does: "set", writes: [writeOf(places[0], lengthOf(random))] };
  if (kind < 0.4) return { does: "delete", writes: [writeOf(places[0], undefined)] };
  // Large ones are rare, and there are enough of them to make a log of writes grow.
  if (kind < 0.43) return { does: "set", writes: [writeOf(places[0], 200_000)] };
  const writes = places.slice(0, 5).map((place) => writeOf(place, random() < 0.1 ? undefined : lengthOf(random)));
  const clears = random() < 0.1;
  if (clears) writes.push(writeOf(placesToClear(lane)[Math.floor(random() * 2)], lengthOf(random)));
  else if (random() < 0.2) writes.push(...placesToClear(lane).map((place) => writeOf(place, lengthOf(random))));
  return { does: "transaction", reads: random() < 0.5, clears, writes };
}

function writeOf({ path, key }, length) {
  return { path, key, length };
}

function placesOf(lane) {
  return namespaces.flatMap((path) =>
    Array.from({ length: keysInNamespace }, (_, index) => ({ path, key: `${lane}:${index}` })),
  );
}

function placesToClear(lane) {
  return ["a", "b"].map((key) => ({ path: [nameToClear(lane)], key }));
}

function nameToClear(lane) {
  return `lane ${lane}`;
}

function lengthOf(random) {
  return Math.floor(random() * 600);
}

function shuffled(random, list) {
  const order = list.map((item) => ({ item, position: random() }));
  return order.toSorted((a, b) => a.position - b.position).map(({ item }) => item);
}

/** A value that nobody else writes, and that cannot be damaged unnoticed. */
function valueOf(number, length) {
  return { number, text: textOf(number, length) };
}

function textOf(number, length) {
  return `${number} `.repeat(Math.ceil(length / 2)).slice(0, length);
}

function signOf({ number, text }) {
  if (text !== textOf(number, text.length)) throw new Error(`the value of operation ${number} is damaged`);
  return `${number}:${text.length}`;
}

function idOf(path, key) {
  return JSON.stringify([...path, key]);
}

function at(storage, path) {
  return path.reduce((inner, name) => inner.namespace(name), storage);
}

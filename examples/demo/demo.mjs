// npm run demo -- [--storage memory|file|sqlite|redis]
//
// Alice and Bob, each a process with a storage of its own, meet on a homeserver, talk, are stopped, and go on where they were.
// MX_HOMESERVER, MX_USER and MX_PASSWORD take it to a real homeserver: Alice is that user, and so is Bob, on another device,
// unless MX_BOB_USER and MX_BOB_PASSWORD name somebody.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FakeHomeserver } from "@mx/testing";
import { storages } from "./open-storage.mjs";
import { PersonProcess } from "./person-process.mjs";
import { findRedis } from "./redis.mjs";

const { storage } = parseArgs({ options: { storage: { type: "string", default: "file" } } }).values;
if (!Object.hasOwn(storages, storage)) {
  console.error(`There is no storage "${storage}": choose one of ${Object.keys(storages).join(", ")}`);
  process.exit(1);
}
const remembers = storage !== "memory";

const folder = await mkdtemp(join(tmpdir(), "mx-demo-"));
const redis = storage === "redis" ? await findRedis(folder) : undefined;
const fake = process.env.MX_HOMESERVER ? undefined : await FakeHomeserver.start();
const homeserver = process.env.MX_HOMESERVER ?? fake.url;

try {
  await run(fake ? { Alice: register("alice"), Bob: register("bob") } : peopleInEnvironment());
} finally {
  for (const person of PersonProcess.running) person.kill();
  await fake?.close();
  redis?.stop();
  await rm(folder, { recursive: true, force: true });
}

async function run(people) {
  tell(fake ? `A homeserver is running at ${homeserver}.` : `The homeserver is ${homeserver}.`);
  tell(`Alice and Bob keep what they know in ${remembers ? storage : "memory: they will forget"}.`);

  tell("\nTwo processes start, discover the homeserver and log in.");
  let [alice, bob] = await Promise.all([start("Alice", people), start("Bob", people)]);
  const devices = [alice.deviceId, bob.deviceId];

  const isOneUser = alice.userId === bob.userId;
  const joined = isOneUser ? undefined : bob.says("joined");
  const { created: roomId } = await alice.do("createRoom", isOneUser ? [] : [bob.userId], "created");
  await joined;
  tell(isOneUser ? "Alice makes a room." : "Alice makes a room and invites Bob, who joins it.");

  await say(alice, bob, roomId, "Hello Bob!");
  await say(bob, alice, roomId, "Hello Alice!");

  tell(
    "\nBoth processes are stopped. Alice is started again, with nothing but her storage, and writes while Bob is away.",
  );
  await Promise.all([alice.stop(), bob.stop()]);
  alice = await start("Alice", people);
  const missed = ["Are you there?", "You seem to be away.", "Never mind, you will read this later."];
  for (const text of missed) {
    await alice.send(roomId, text);
    tell(`  Alice says: ${text}`);
  }

  tell("\nBob is started again.");
  bob = await start("Bob", people);
  const heard = [];
  while (heard.at(-1) !== missed.at(-1)) heard.push(await bob.hears());
  for (const text of heard) tell(`  Bob hears: ${text}`);
  await say(bob, alice, roomId, "Here I am, and I have read it all.");

  if (remembers) {
    expectSame("devices", [alice.deviceId, bob.deviceId], devices);
    expectSame("second logins", [alice.hasLoggedIn, bob.hasLoggedIn], [false, false]);
    expectSame("texts that Bob heard", heard, missed);
  }

  for (const person of [bob, alice]) {
    await person.do("logOut", { roomId }, "loggedOut");
    await person.stop();
  }
  tell("\nBoth have left the room and logged out. That is all.");
}

async function start(name, people) {
  const { user, password } = people[name];
  const person = await PersonProcess.start(name, {
    STORAGE: storage,
    FOLDER: folder,
    HOMESERVER: homeserver,
    USER_NAME: user,
    PASSWORD: password,
    ...(redis && { REDIS_URL: redis.url, REDIS_NAME: `demo-${process.pid}-${name}` }),
  });
  const { userId, deviceId, hasLoggedIn } = person;
  tell(`  ${name} is ${userId}, ${hasLoggedIn ? "has logged in" : "is still logged in"}, on device ${deviceId}.`);
  return person;
}

/** One says something, and the other hears it. */
async function say(speaker, hearer, roomId, text) {
  await speaker.send(roomId, text);
  while ((await hearer.hears()) !== text);
  tell(`  Said and heard: ${text}`);
}

function register(user) {
  const password = "secret";
  fake.register(user, password);
  return { user, password };
}

function peopleInEnvironment() {
  const { MX_USER: user, MX_PASSWORD: password, MX_BOB_USER, MX_BOB_PASSWORD } = process.env;
  if (!user || !password) throw new Error("MX_HOMESERVER needs MX_USER and MX_PASSWORD beside it");
  const Alice = { user, password };
  return { Alice, Bob: MX_BOB_USER ? { user: MX_BOB_USER, password: MX_BOB_PASSWORD } : Alice };
}

function expectSame(what, found, expected) {
  if (JSON.stringify(found) === JSON.stringify(expected)) return;
  throw new Error(`The demo has failed: the ${what} are ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
}

function tell(text) {
  console.log(text);
}

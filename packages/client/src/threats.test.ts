import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Publisher } from "@mx/pubsub";
import { memoryStorage, type Storage } from "@mx/storage";
import { fileStorage } from "@mx/storage/file";
import { sqliteStorage } from "@mx/storage/sqlite";
import type { FakeHomeserver, RecordedRequest } from "@mx/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client } from "./client.js";
import { connect } from "./connect.js";
import { discover } from "./discover.js";
import { login } from "./login.js";
import { logIn, openClient, startFake } from "./testing/homeservers.js";
import { secretsHeldBy } from "./testing/secret-search.js";

/** The rows of the threat list that are about requests and sessions. Each has a test, which names its number. */
const threats: Readonly<Record<number, string>> = {
  1: "A redirect takes the token, or the body, to another origin.",
  2: "The answer of a stranger is taken for the homeserver's.",
  3: "The token is in a URL.",
  4: "A secret is in an error or a log.",
  5: "An answer is larger than the memory.",
  6: "An answer takes for ever.",
  7: "A homeserver that answers at once is asked in a hot loop.",
  8: "A homeserver decides that the client never sleeps, or sleeps for ever.",
  9: "An answer of a wrong shape is believed, or ends the client.",
  10: "A sync loses its place by an answer without one.",
  14: "An ID leads a request to another endpoint.",
  15: "The URI of content leads a request elsewhere.",
  16: "Half of a character ends the client.",
  21: "A well-known document leads requests into a private network.",
  22: "What a homeserver may set changes what the client sends.",
  23: "A connection is not encrypted, or with somebody else.",
  24: "Another user of the machine reads the tokens.",
  25: "A token is where a dump of objects shows it.",
  26: "A session is ended that was not over, or goes on when it is.",
  27: "Two messages have one transaction ID.",
  28: "A clock that is set stops the client, or lets it loop.",
  31: "Installing a package runs somebody's script.",
};

const packages = fileURLToPath(new URL("../../", import.meta.url));

it("each threat has a test that names its number", () => {
  const tests = readdirSync(packages, { recursive: true, encoding: "utf8" })
    .filter((path) => /^\w+[\\/]src[\\/].*\.test\.ts$/.test(path))
    .map((path) => readFileSync(join(packages, path), "utf8"));
  const named = [...tests.join("\n").matchAll(/\(threats? ([\d, ]+)\)["`]/g)];
  const numbers = new Set(named.flatMap(([, list = ""]) => list.split(",").map(Number)));
  const missing = Object.entries(threats).filter(([number]) => !numbers.has(Number(number)));
  expect(missing).toEqual([]);
});

it("nothing of ours lets a certificate pass that is not good (threat 23)", () => {
  const sources = readdirSync(packages, { recursive: true, encoding: "utf8" })
    .filter((path) => /^\w+[\\/]src[\\/].*\.ts$/.test(path) && !/\.test\.ts$|[\\/]testing[\\/]/.test(path))
    .map((path) => [path, readFileSync(join(packages, path), "utf8")] as const);
  expect(sources.length).toBeGreaterThan(100);
  const careless = /rejectUnauthorized|checkServerIdentity|NODE_TLS_REJECT_UNAUTHORIZED|secureOptions|minVersion/;
  expect(sources.filter(([, source]) => careless.test(source)).map(([path]) => path)).toEqual([]);
});

describe("what a homeserver may set", () => {
  const settings = {
    "m.identity_server": { base_url: "https://identity.invalid" },
    "m.integrations": { managers: [{ api_url: "https://integrations.invalid" }] },
    "m.push_rules": { global: { override: [{ rule_id: ".m.rule.master", enabled: false }] } },
    "im.vector.web.settings": { useOnlyCurrentProfiles: true, sendReadReceipts: true, sendTypingNotifications: true },
    "io.element.e2ee": { default: false, force_disable: true },
    "org.example.secret_storage": { "m.secret_storage.default_key": { key: "theirs" } },
    "m.tile_server": { map_style_url: "https://tiles.invalid" },
    "m.proxy": "http://proxy.invalid",
  };
  const elsewhere = { "m.homeserver": { base_url: "https://elsewhere.invalid" }, ...settings };
  const events = Object.entries(settings).map(([type, content]) => ({ type, content }));

  /** Adds settings to whatever the homeserver says. */
  function set(fake: FakeHomeserver): void {
    fake.intercept(/^/, async (_request, response, _pass, homeserver) => {
      const answer = await homeserver.process();
      const body = JSON.parse(answer.body.toString()) as Record<string, Record<string, object> | undefined>;
      const changed = {
        ...settings,
        ...body,
        ...(body["capabilities"] && { capabilities: { ...body["capabilities"], ...settings } }),
        ...(body["unstable_features"] && {
          unstable_features: { ...body["unstable_features"], "org.example.on": true },
        }),
        ...("access_token" in body && { well_known: elsewhere }),
        ...("next_batch" in body && {
          account_data: { events },
          rooms: { join: { "!room:fake.test": { account_data: { events }, ephemeral: { events } } } },
        }),
      };
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(changed));
    });
  }

  /** All that a client asks and sends, from finding the homeserver to logging out. */
  async function allRequests(prepare: (fake: FakeHomeserver) => void): Promise<string[]> {
    const fake = await startFake();
    const { user, password } = await fake.register("alice");
    fake.intercept("/.well-known/matrix/client", (_request, response) => {
      response.end(JSON.stringify({ "m.homeserver": { base_url: fake.url } }));
    });
    prepare(fake);
    const client = new Client({ storage: new Map(), ...(await discover(fake.url)) });
    await client.login({ user, password, deviceId: "PHONE" });
    const stop = new AbortController();
    fake.intercept(/sync$/, async (_request, _response, pass) => {
      if (fake.requests.filter(({ path }) => path.endsWith("/sync")).length === 2) stop.abort();
      await pass();
    });
    await client.sync({ signal: stop.signal, timeoutMs: 0 });
    await client.supports("m.change_password");
    const roomId = await client.createRoom({ name: "Room" });
    await client.sendText(roomId, "Hello", { transactionId: "one" });
    await client.sendStateEvent(roomId, "m.room.topic", "", { topic: "Topic" });
    await client.leaveRoom(roomId);
    await client.logout();
    await client.close();
    // What is another one each time.
    const own = new RegExp(
      `${user}|${password}|${roomId.slice(1, -":fake.test".length)}|127[.]0[.]0[.]1:\\d+|sy[tr]_[\\w-]+`,
      "g",
    );
    const masked = ({ method, path, query, headers, body }: RecordedRequest): string =>
      JSON.stringify([method, path, [...query], headers, body]).replaceAll(own, "OWN");
    return fake.requests.map(masked);
  }

  it("changes nothing in what the client asks and sends: account data, capabilities, well-known documents (threat 22)", async () => {
    const plain = await allRequests(() => {});
    expect(plain.length).toBeGreaterThan(9);
    expect(await allRequests(set)).toEqual(plain);
  });
});

describe.skipIf(process.platform === "win32")("the files of a client that has logged in", () => {
  const modesIn = async (folder: string): Promise<string[]> => {
    const names = await readdir(folder);
    // SQLite takes away what it has no more use for: what is not there any more is nobody's.
    const found = await Promise.allSettled(names.map((name) => stat(join(folder, name))));
    return found.flatMap((file) => (file.status === "fulfilled" ? [(file.value.mode & 0o777).toString(8)] : []));
  };
  const opening: Readonly<Record<string, (path: string) => Promise<Storage>>> = {
    fileStorage: (path) => fileStorage(path),
    sqliteStorage: (path) => sqliteStorage(path),
  };

  it.each(Object.entries(opening))(
    "are their owner's only, in %s, also when tokens are renewed (threat 24)",
    async (name, open) => {
      const umask = process.umask(0);
      onTestFinished(() => void process.umask(umask));
      const outside = await mkdtemp(join(tmpdir(), "mx-threats-"));
      onTestFinished(() => rm(outside, { recursive: true }));
      const folder = join(outside, "new");
      const fake = await startFake();
      const { client, userId } = await logIn(fake, "alice", { storage: () => open(join(folder, "alice.mx")) });
      for (let renewals = 0; renewals < 3; renewals++) {
        const modes = await modesIn(folder);
        expect(modes.length).toBeGreaterThanOrEqual(name === "sqliteStorage" ? 3 : 1);
        expect(new Set(modes)).toEqual(new Set(["600"]));
        fake.expireAccessTokens(userId);
        await client.whoami();
      }
      await client.close();
      expect(new Set(await modesIn(folder))).toEqual(new Set(["600"]));
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    },
  );
});

it("a client and all that it is made of hold no token but in private fields and in the storage (threat 25)", async () => {
  const fake = await startFake();
  const person = await fake.register("alice");
  const { baseClientUrl } = await discover(fake.url);
  const publisher = new Publisher();
  const closing = new AbortController().signal;
  const options = {
    storage: memoryStorage(),
    homeserver: { baseClientUrl },
    publisher,
    callbacks: {},
    env: {},
    closing,
  };
  const { storage, ...connection } = await connect(options);
  const open = { ...connection, storage };
  await login(open, person);
  const { session } = open;
  // The search sees a token where there is one.
  expect(secretsHeldBy({ deep: [new Map([["x", { [Symbol("token")]: session?.accessToken }]])] })).not.toEqual([]);
  expect(secretsHeldBy({ ...open, storage: undefined })).toEqual([]);
  expect(session?.accessToken).toMatch(/^syt_/);
  await open.close();

  const { client } = await logIn(fake, "alice");
  expect(secretsHeldBy(client)).toEqual([]);
});

describe("transaction IDs", () => {
  it("are 128 random bits each, and no two clients of one session share one (threat 27)", async () => {
    const fake = await startFake();
    const storage = memoryStorage();
    const lengths = new Set<number>();
    const env = {
      randomBytes(length: number) {
        lengths.add(length);
        return crypto.getRandomValues(new Uint8Array(length));
      },
    };
    const { client } = await logIn(fake, "alice", { storage });
    const other = await openClient(fake, { storage, env });
    const roomId = await client.createRoom();
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? client : other).sendText(roomId, `Hello ${index}`)),
    );
    const ids = fake.requests.flatMap(({ path }) => /\/send\/[^/]+\/(.*)$/.exec(path)?.slice(1) ?? []);
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{32}$/);
    expect([...lengths]).toEqual([16]);
    // No bit of them is always the same.
    const bits = ids.map((id) => BigInt(`0x${id}`));
    const all = (1n << 128n) - 1n;
    expect(bits.reduce((one, next) => one & next)).toBe(0n);
    expect(bits.reduce((one, next) => one | next)).toBe(all);
  });
});

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

describe("installing what is published", () => {
  const readManifest = (folder: string): Manifest =>
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

  /** The folders of what a package needs, and of what that needs. What is for other platforms, or left to the user, is not there. */
  function* foldersOf(folder: string, seen: Set<string>): Generator<string> {
    if (seen.has(folder)) return;
    seen.add(folder);
    yield folder;
    const { dependencies, optionalDependencies, peerDependencies } = readManifest(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = find(name, folder);
      if (found) yield* foldersOf(found, seen);
      else expect(Object.keys(dependencies ?? {})).not.toContain(name);
    }
  }

  function find(name: string, from: string): string | undefined {
    for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
      const candidate = join(folder, "node_modules", name);
      if (existsSync(candidate)) return realpathSync(candidate);
    }
    return undefined;
  }

  const published = readdirSync(packages).filter((name) => existsSync(join(packages, name, "package.json")));

  it("runs no script, of ours or of what we need, and compiles nothing (threat 31)", () => {
    const seen = new Set<string>();
    const folders = published.flatMap((name) => [...foldersOf(join(packages, name), seen)]);
    expect(folders.length).toBeGreaterThan(published.length);
    for (const folder of folders) {
      const { name, scripts = {} } = readManifest(folder);
      const hooks = ["preinstall", "install", "postinstall"].filter((hook) => hook in scripts);
      expect([name, hooks, existsSync(join(folder, "binding.gyp"))]).toEqual([name, [], false]);
    }
  });

  it("brings few packages, each of which the lockfile pins by its checksum (threat 31)", () => {
    const needed = published.flatMap((name) => Object.keys(readManifest(join(packages, name)).dependencies ?? {}));
    expect(needed.filter((name) => !name.startsWith("@mx/"))).toEqual(["node-fetch"]);
    const lockfile = readFileSync(join(packages, "../pnpm-lock.yaml"), "utf8");
    const section = /^packages:\n(.*?)^snapshots:/ms.exec(lockfile)?.[1] ?? "";
    const entries = section.split(/^ {2}(?=\S)/m).filter((entry) => entry.trim() !== "");
    expect(entries.length).toBeGreaterThan(20);
    for (const entry of entries) expect(entry).toMatch(/^\S+:\n {4}resolution: \{integrity: sha512-/);
  });
});

import { randomBytes } from "node:crypto";
import { FakeHomeserver } from "@mx/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { Client, type ClientOptions } from "../client.js";
import { discover } from "../discover.js";
import { closing } from "./closing.js";

/** A homeserver that the behaviour tests run on, and people on it. */
export interface TestHomeserver {
  readonly url: string;
  /** Registers a user of whom nobody has heard before. */
  readonly register: (name: string) => Promise<Person>;
}

export interface Person {
  readonly user: string;
  readonly userId: string;
  readonly password: string;
}

const synapseUrl = process.env["MX_SYNAPSE_URL"];
if (!synapseUrl) console.warn("SKIPPED: the tests of @mx/client on Synapse. Name one in MX_SYNAPSE_URL to run them.");

/**
 * Runs tests on a FakeHomeserver, and the same tests on the Synapse that MX_SYNAPSE_URL names: neither may be told from the other.
 */
export function describeOnHomeservers(name: string, tests: (homeserver: TestHomeserver) => void): void {
  describe(`${name}, on FakeHomeserver`, () => {
    let fake: FakeHomeserver;
    beforeAll(async () => {
      fake = await FakeHomeserver.start();
    });
    afterAll(() => fake.close());
    tests(homeserverAt(() => fake.url));
  });
  describe.skipIf(!synapseUrl)(`${name}, on Synapse`, () => {
    tests(homeserverAt(() => synapseUrl ?? ""));
  });
}

/** A homeserver of the test's own, to intercept what it says. It is closed after the test. */
export async function startFake(): Promise<FakeHomeserver & TestHomeserver> {
  const fake = closing(await FakeHomeserver.start());
  const { register } = homeserverAt(() => fake.url);
  return Object.assign(fake, { register });
}

function homeserverAt(url: () => string): TestHomeserver {
  return {
    get url() {
      return url();
    },
    register: async (name) => {
      const user = `${name}-${randomBytes(6).toString("hex")}`;
      const password = randomBytes(8).toString("hex");
      const auth = { type: "m.login.dummy" };
      const body = JSON.stringify({ username: user, password, auth, inhibit_login: true });
      const response = await fetch(`${url()}/_matrix/client/v3/register`, { method: "POST", body });
      const { user_id: userId } = (await response.json()) as { user_id?: string };
      if (!userId) throw new Error(`Cannot register ${user}: ${response.status}`);
      return { user, userId, password };
    },
  };
}

/** A client that is closed after the test, on a storage of its own if none is given. */
export async function openClient(
  homeserver: { readonly url: string },
  options: Partial<ClientOptions> & { storage?: ClientOptions["storage"] } = {},
): Promise<Client> {
  return closing(new Client({ storage: new Map(), ...(await discover(homeserver.url)), ...options }));
}

/** A client that has logged in as somebody new. */
export async function logIn(
  homeserver: TestHomeserver,
  name: string,
  options: Partial<ClientOptions> = {},
): Promise<{ client: Client } & Person> {
  const person = await homeserver.register(name);
  const client = await openClient(homeserver, options);
  await client.login(person);
  return { client, ...person };
}

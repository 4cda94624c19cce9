import { objectOf } from "./answer.js";
import { call } from "./call.js";
import type { Connection } from "./connection.js";
import { withDeadline } from "./deadline.js";
import { ConnectionError } from "./errors.js";
import { answerOf, assumedSince, type Feature, kindOf, speaks } from "./features.js";
import { isVersions, restoreHomeserver, toStored, type Versions } from "./homeserver.js";
import { isJsonObject, type Json, type JsonObject } from "./json.js";
import { type Answer, RareQuestion } from "./rare-question.js";
import { request } from "./request.js";
import type { Session } from "./session.js";
import { requireSession, storeFor } from "./session-life.js";
import { type AbortOptions, untilAborted } from "./signals.js";

/** Of each capability that the homeserver lists whether the user has it. */
type Capabilities = JsonObject;

const versionsQuestions = new WeakMap<Connection, RareQuestion<Versions>>();
const capabilitiesQuestions = new WeakMap<Session, RareQuestion<Capabilities>>();

/**
 * Tells whether the homeserver supports a feature, from its versions and capabilities. Both are stored and asked for again when they
 * are a day old.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#api-versions
 * @see https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation
 */
export async function supports(
  connection: Connection,
  feature: Feature,
  { signal }: AbortOptions = {},
): Promise<boolean> {
  const kind = kindOf(feature);
  signal?.throwIfAborted();
  const answering = async (): Promise<boolean> => {
    if (kind === "capability") return hasCapability(connection, feature);
    const answer = answerOf(await versionsOf(connection), feature, kind);
    return answer ?? (connection.session !== undefined && hasCapability(connection, feature));
  };
  return untilAborted(answering(), connection.closing, signal);
}

async function hasCapability(connection: Connection, name: string): Promise<boolean> {
  const session = requireSession(connection, `tell whether the homeserver supports "${name}"`);
  const { [name]: listed } = await capabilitiesOf(connection, session);
  if (listed !== undefined) return listed === true;
  const since = assumedSince(name);
  return since !== undefined && (since === 0 || speaks(await versionsOf(connection), since));
}

function versionsOf(connection: Connection): Promise<Versions> {
  const { versions, versionsAskedAt = 0 } = connection.homeserver;
  const known = versions && { value: versions, askedAt: versionsAskedAt };
  return questionOf(versionsQuestions, connection).answer(connection.env, known, () => askVersions(connection, known));
}

async function askVersions(connection: Connection, known: Answer<Versions> | undefined): Promise<Versions> {
  const { storage, unfinished, env } = connection;
  const found = await ask(connection, "versions", (signal) =>
    call(connection, "GET", "versions", { ...limitsOf(known), signal }),
  );
  if (!isVersions(found)) throw new ConnectionError("Cannot read the versions: the answer has no list of versions");
  const flags = Object.entries(found.unstable_features ?? {}).filter(([, value]) => typeof value === "boolean");
  const versions = { versions: found.versions, unstable_features: Object.fromEntries(flags) };
  const asked = { versions, versionsAskedAt: env.now() };
  await unfinished.run(() =>
    storage.transaction(async (transaction) => {
      const stored = restoreHomeserver(await transaction.get("homeserver"));
      if (stored?.baseClientUrl !== connection.homeserver.baseClientUrl) return;
      transaction.set("homeserver", toStored({ ...stored, ...asked }));
    }),
  );
  connection.homeserver = { ...connection.homeserver, ...asked };
  return versions;
}

async function capabilitiesOf(connection: Connection, session: Session): Promise<Capabilities> {
  const known = restoreCapabilities(await connection.storage.get("capabilities"), session);
  const question = questionOf(capabilitiesQuestions, session);
  const capabilities = await question.answer(connection.env, known, () => askCapabilities(connection, session, known));
  session.ended.throwIfAborted();
  return capabilities;
}

async function askCapabilities(
  connection: Connection,
  session: Session,
  known: Answer<Capabilities> | undefined,
): Promise<Capabilities> {
  const found = await ask(connection, "capabilities", (signal) =>
    request(connection, "GET", "v3/capabilities", { ...limitsOf(known), session, signal }),
  );
  const listed = Object.entries(objectOf(objectOf(found)["capabilities"] ?? null));
  const capabilities = Object.fromEntries(listed.map(([name, value]) => [name, isEnabled(value)]));
  const stored = { userId: session.userId, capabilities, askedAt: connection.env.now() };
  await connection.unfinished.run(() =>
    storeFor(connection, session, (transaction) => transaction.set("capabilities", stored)),
  );
  return capabilities;
}

/** Capabilities that cannot be switched off have no such flag: they are there when they are listed. */
function isEnabled(capability: Json): boolean {
  return isJsonObject(capability) && (capability["enabled"] === undefined || capability["enabled"] === true);
}

function restoreCapabilities(stored: unknown, { userId }: Session): Answer<Capabilities> | undefined {
  // Another process may have logged out and in again as somebody else, and not be known of here yet.
  if (!isJsonObject(stored) || stored["userId"] !== userId) return undefined;
  const { capabilities, askedAt } = stored;
  return isJsonObject(capabilities) && typeof askedAt === "number" ? { value: capabilities, askedAt } : undefined;
}

function questionOf<Owner extends object, Value>(
  questions: WeakMap<Owner, RareQuestion<Value>>,
  owner: Owner,
): RareQuestion<Value> {
  const question = questions.get(owner) ?? new RareQuestion<Value>();
  questions.set(owner, question);
  return question;
}

/** Who has an old answer is not kept waiting for long. */
function limitsOf(known: Answer<unknown> | undefined): { maxBodyBytes: number; attempts?: "once" } {
  return { maxBodyBytes: 64 * 1024, ...(known && { attempts: "once" }) };
}

/** Asks within a time that covers whatever has to be done before, such as a refresh of tokens. */
function ask(connection: Connection, what: string, work: (signal: AbortSignal) => Promise<Json>): Promise<Json> {
  const limits = { env: connection.env, timeoutMs: 10_000, hasEffect: false, signals: [connection.closing] };
  return withDeadline({ ...limits, attempt: `ask the homeserver for its ${what}` }, (limit) => work(limit.signal));
}

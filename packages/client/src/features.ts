import type { Versions } from "./homeserver.js";

/**
 * What can be asked of a homeserver:
 * - a feature by name, such as `"threads"`: its stable form is there, by a version of the specification or by a flag of its own;
 * - a version of the specification, such as `"v1.11"`: the homeserver lists just this one;
 * - a capability, such as `"m.change_password"`: this user may do it;
 * - an unstable feature, such as `"org.matrix.msc4140"`, or a capability that is none of the specification's.
 */
export type Feature = NamedFeature | SpecifiedCapability | (string & Record<never, never>);

export type NamedFeature =
  | "asynchronous-uploads"
  | "authenticated-media"
  | "invite-blocking"
  | "knocking"
  | "mutual-rooms"
  | "private-read-receipts"
  | "profile-fields"
  | "refresh-tokens"
  | "room-summaries"
  | "threads"
  | "use-state-after";

export type SpecifiedCapability =
  | "m.3pid_changes"
  | "m.account_moderation"
  | "m.change_password"
  | "m.forget_forced_upon_leave"
  | "m.get_login_token"
  | "m.profile_fields"
  | "m.room_versions"
  | "m.set_avatar_url"
  | "m.set_displayname";

/** Since which v1.x a feature is in the specification, and the flag by which homeservers announce it before they speak that version. */
interface Requirement {
  readonly since: number;
  readonly flag?: string;
}

const named: Readonly<Record<NamedFeature, Requirement>> = {
  "asynchronous-uploads": { since: 7 },
  "authenticated-media": { since: 11, flag: "org.matrix.msc3916.stable" },
  "invite-blocking": { since: 18, flag: "org.matrix.msc4380.stable" },
  knocking: { since: 1 },
  "mutual-rooms": { since: 19, flag: "uk.half-shot.msc2666.query_mutual_rooms.stable" },
  "private-read-receipts": { since: 4, flag: "org.matrix.msc2285.stable" },
  "profile-fields": { since: 16, flag: "uk.tcpip.msc4133.stable" },
  "refresh-tokens": { since: 3 },
  "room-summaries": { since: 15 },
  threads: { since: 4, flag: "org.matrix.msc3440.stable" },
  "use-state-after": { since: 16 },
};

/** The capabilities that a homeserver has unless it says that it has not, since these versions v1.x of the specification. */
const assumed: ReadonlyMap<string, number> = new Map([
  ["m.3pid_changes", 0],
  ["m.change_password", 0],
  ["m.profile_fields", 16],
  ["m.set_avatar_url", 0],
  ["m.set_displayname", 0],
]);

/** Where the answer to a question is found. */
export type FeatureKind = "named" | "version" | "capability" | "unstable";

/** Throws a `TypeError` that names a feature which is none of these. */
export function kindOf(feature: unknown): FeatureKind {
  if (typeof feature === "string") {
    if (Object.hasOwn(named, feature)) return "named";
    if (/^(v\d+\.\d+|r\d+\.\d+\.\d+)$/.test(feature)) return "version";
    // Named as packages of Java are.
    if (/^(?![rv]\d)[a-z][\w-]*(\.[\w-]+)+$/i.test(feature))
      return feature.startsWith("m.") ? "capability" : "unstable";
  }
  const given = typeof feature === "string" ? JSON.stringify(feature.slice(0, 200)) : typeof feature;
  throw new TypeError(
    `Cannot tell whether the homeserver supports ${given}: it is no feature that is known here; pass one of ` +
      `"${Object.keys(named).join('", "')}", or a version as "v1.11", a capability as "m.change_password", ` +
      'or an unstable feature as "org.matrix.msc4140"',
  );
}

/** What the versions of a homeserver say of a feature; `undefined` when they say nothing, and its capabilities may. */
export function answerOf(versions: Versions, feature: string, kind: FeatureKind): boolean | undefined {
  if (kind === "version") return versions.versions.includes(feature);
  if (kind === "unstable") return flagOf(versions, feature);
  if (kind === "capability") return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its kind says so
  const { since, flag } = named[feature as NamedFeature];
  return speaks(versions, since) || (flag !== undefined && flagOf(versions, flag) === true);
}

/** Since which v1.x a homeserver has a capability that it does not list; `undefined` for one that it has to list. */
export function assumedSince(capability: string): number | undefined {
  return assumed.get(capability);
}

/** Whatever a version v1.x has, the later ones have too. */
export function speaks({ versions }: Versions, since: number): boolean {
  return versions.some((version) => Number(/^v1\.(\d+)$/.exec(version)?.[1]) >= since);
}

/** A flag has a dot in its name, so that an object inherits none. */
function flagOf({ unstable_features: flags }: Versions, flag: string): boolean | undefined {
  const value: unknown = flags?.[flag];
  return value === undefined ? undefined : value === true;
}

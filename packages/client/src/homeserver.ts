import type { StorageValue } from "@mx/storage";
import { checkBaseClientUrl, parseBaseUrl } from "./endpoint.js";
import { isJsonObject } from "./json.js";
import { isExposed } from "./private-host.js";
import { isStorable } from "./storable.js";

/** Where a homeserver is and what it says of itself: what `discover` finds, and `new Client` takes. */
export interface Homeserver {
  /** The URL under which the endpoints of the client-server API are: `https://matrix.example.org/_matrix/client/`. */
  readonly baseClientUrl: string;
  /** The well-known document of the server name, where there is one. */
  readonly wellKnown?: WellKnown;
  /** The versions of the specification that the homeserver speaks, and its unstable features. */
  readonly versions?: Versions;
  /** When it was asked for them, in milliseconds since 1970; without it they count as old. */
  readonly versionsAskedAt?: number;
  /** Lets requests go to a base URL of `http:`, without encryption, that is not on this machine. */
  readonly allowHttp?: boolean;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
export interface WellKnown {
  readonly [key: string]: unknown;
  readonly "m.homeserver": { readonly base_url: string };
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
export interface Versions {
  readonly [key: string]: unknown;
  readonly versions: readonly string[];
  readonly unstable_features?: { readonly [feature: string]: boolean } | undefined;
}

export function isWellKnown(document: unknown): document is WellKnown {
  return isJsonObject(document) && hasBaseUrl(document["m.homeserver"]);
}

/** Tells whether a part of a well-known document says where a server is. */
export function hasBaseUrl(part: unknown): boolean {
  return isJsonObject(part) && typeof part["base_url"] === "string";
}

export function isVersions(document: unknown): document is Versions {
  const versions = isJsonObject(document) && document["versions"];
  return Array.isArray(versions) && versions.every((version) => typeof version === "string");
}

/** The homeserver that was stored, if there is one and its base URL is still understood. */
export function restoreHomeserver(stored: unknown): Homeserver | undefined {
  if (!isJsonObject(stored)) return undefined;
  const { baseClientUrl, wellKnown, versions, versionsAskedAt } = stored;
  const url = parseBaseUrl(baseClientUrl);
  if (!url) return undefined;
  return {
    baseClientUrl: url.href,
    ...(isWellKnown(wellKnown) && { wellKnown }),
    ...(isVersions(versions) && { versions, versionsAskedAt: Number(versionsAskedAt) || 0 }),
  };
}

/** What is stored of a homeserver. */
export function toStored(homeserver: Homeserver): StorageValue {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a URL, and two documents that came out of JSON
  return homeserver as unknown as StorageValue;
}

/**
 * A homeserver in its normal form, with nothing but what is stored of it; throws a `TypeError` for what is none, and for one that
 * `allowHttp` would have to allow.
 */
export function checkHomeserver(given: Homeserver): Homeserver {
  const { wellKnown, versions, versionsAskedAt = 0, allowHttp } = given;
  const baseClientUrl = checkBaseClientUrl(given.baseClientUrl);
  if (allowHttp !== true && isExposed(new URL(baseClientUrl))) {
    throw new TypeError(
      `Cannot use the baseClientUrl "${baseClientUrl}": it is not encrypted; use https, or pass allowHttp: true`,
    );
  }
  if (!isStorable(wellKnown) || !isStorable(versions)) {
    throw new TypeError(
      "Cannot use the wellKnown or the versions: one nests too deep, or holds a number that is too large; leave them out",
    );
  }
  return {
    baseClientUrl,
    ...(wellKnown && { wellKnown }),
    ...(versions && { versions, versionsAskedAt }),
  };
}

import { quote } from "./quote.js";

/** What the URI of uploaded content says: the homeserver that has it, and what it calls it there. */
export interface MxcUri {
  /** With its port, if it has one. */
  readonly serverName: string;
  readonly mediaId: string;
}

const maxPartLength = 255;
// Stricter than the grammar, which lets a name be "..": a label is never empty.
const serverNameGrammar = /^(?:[a-z\d-]+(?:\.[a-z\d-]+)*|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;
const mediaIdGrammar = /^[\w-]+$/;

/**
 * Reads a content URI such as `mxc://example.org/abc123`. Throws a `TypeError` that says what is wrong with any other: content URIs
 * come from whoever is in a room, and their parts become parts of a path, which nothing in them may lead astray.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris
 */
export function parseMxcUri(uri: string): MxcUri {
  const wrong = (found: string): TypeError =>
    new TypeError(`Cannot use the content URI ${quote(uri)}: ${found}; one is like "mxc://example.org/abc123"`);
  if (typeof uri !== "string" || !uri.startsWith("mxc://")) throw wrong('it does not begin with "mxc://"');
  const slash = uri.indexOf("/", "mxc://".length);
  if (slash === -1) throw wrong("it has no media ID");
  const serverName = uri.slice("mxc://".length, slash);
  const mediaId = uri.slice(slash + 1);
  if (!isIn(serverNameGrammar, serverName)) throw wrong("it has no server name that there could be");
  if (!isIn(mediaIdGrammar, mediaId)) throw wrong('its media ID is not of 1 to 255 letters, digits, "-" and "_"');
  return { serverName, mediaId };
}

function isIn(grammar: RegExp, text: string): boolean {
  return text.length <= maxPartLength && grammar.test(text);
}

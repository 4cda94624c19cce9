import type { Env } from "./env.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64URL = `${LETTERS}0123456789-_`;

/** Makes the IDs and tokens of one homeserver. */
export class Identifiers {
  readonly #env: Env;
  readonly #serverName: string;

  constructor(env: Env, serverName: string) {
    this.#env = env;
    this.#serverName = serverName;
  }

  userId(localpart: string): string {
    return `@${localpart}:${this.#serverName}`;
  }

  roomAlias(localpart: string): string {
    return `#${localpart}:${this.#serverName}`;
  }

  roomId(): string {
    return `!${this.#random(LETTERS, 18)}:${this.#serverName}`;
  }

  eventId(): string {
    return `$${this.#random(BASE64URL, 43)}`;
  }

  deviceId(): string {
    return this.#random(LETTERS.slice(0, 26), 10);
  }

  /** A secret: an access token, a login token or the session of an interactive authentication. */
  secret(prefix: string): string {
    return `${prefix}${this.#random(BASE64URL, 32)}`;
  }

  #random(alphabet: string, length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += alphabet.charAt(Math.floor(this.#env.random() * alphabet.length));
    return text;
  }
}

/** Tells whether `text` has the form of a user ID: a sigil, a localpart and a server name. */
export function isUserId(text: string): boolean {
  return text.startsWith("@") && text.includes(":");
}

import { createHmac } from "node:crypto";
import type { Moderator } from "./moderation.js";
import { PASSWORD, field, path, request, uniqueName } from "./user.js";
import type { Server } from "./user.js";

/** Moderates a Synapse by its own API, as an administrator that whoever knows its `registration_shared_secret` can register. */
export class SynapseModerator implements Moderator {
  readonly #server: Server;
  readonly #sharedSecret: string;
  #accessToken: Promise<string> | undefined;

  constructor(server: Server, sharedSecret: string) {
    this.#server = server;
    this.#sharedSecret = sharedSecret;
  }

  lockUser(userId: string): Promise<void> {
    return this.#put(path`/_synapse/admin/v2/users/${userId}`, { locked: true });
  }

  unlockUser(userId: string): Promise<void> {
    return this.#put(path`/_synapse/admin/v2/users/${userId}`, { locked: false });
  }

  suspendUser(userId: string): Promise<void> {
    return this.#put(path`/_synapse/admin/v1/suspend/${userId}`, { suspend: true });
  }

  unsuspendUser(userId: string): Promise<void> {
    return this.#put(path`/_synapse/admin/v1/suspend/${userId}`, { suspend: false });
  }

  async #put(target: string, body: object): Promise<void> {
    this.#accessToken ??= this.#register();
    const reply = await request(this.#server, "PUT", target, { accessToken: await this.#accessToken, body });
    if (reply.status !== 200) throw new Error(`Cannot moderate: ${JSON.stringify(reply.body)}`);
  }

  async #register(): Promise<string> {
    const target = "/_synapse/admin/v1/register";
    const nonce = field(await request(this.#server, "GET", target), "nonce");
    const username = uniqueName();
    const signed = [nonce, username, PASSWORD, "admin"].join("\0");
    const mac = createHmac("sha1", this.#sharedSecret).update(signed).digest("hex");
    const body = { nonce, username, password: PASSWORD, admin: true, mac };
    return field(await request(this.#server, "POST", target, { body }), "access_token");
  }
}

import { cryptography } from "../env.js";
import type { DataKey } from "./data-key.js";
import { NodeSealer } from "./node-sealer.js";
import type { Sealer } from "./sealer.js";
import { WebSealer } from "./web-sealer.js";

/** Node's is ten times as fast as that of the web. */
export async function makeSealer(dataKey: DataKey): Promise<Sealer> {
  const [encryption, nonce] = await Promise.all([dataKey.derive("encryption"), dataKey.derive("nonce")]);
  const node = cryptography.node();
  return node === undefined ? WebSealer.make(encryption, nonce) : new NodeSealer(node, encryption, nonce);
}

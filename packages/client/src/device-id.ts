import type { Lease, StorageValue, Transaction } from "@mx/storage";
import type { Connection } from "./connection.js";
import type { Env } from "./env.js";
import { isJsonObject } from "./json.js";

/** A device ID that a login is about to use. */
export interface ReservedDevice {
  readonly deviceId: string;
  /** There is no such device, because the homeserver has refused it: leaves the storage as it was. */
  cancel(): Promise<void>;
}

/**
 * Chooses the device ID of a login, and stores it: when the process dies before it has stored the session, or the answer is lost, the
 * next login of the same user takes the same device instead of leaving it behind. The session clears it away.
 */
export async function reserveDevice({ storage, env }: Connection, user: string, lease: Lease): Promise<ReservedDevice> {
  const before = await storage.get("reservedDevice");
  const left = deviceLeftBy(user, before);
  if (left !== undefined) return { deviceId: left, async cancel() {} };
  const deviceId = newDeviceId(env);
  const store = (value: StorageValue | undefined): Promise<void> => {
    const change = (transaction: Transaction): void =>
      value === undefined ? transaction.delete("reservedDevice") : transaction.set("reservedDevice", value);
    return storage.transaction(change, { lease });
  };
  await store({ user, deviceId });
  return { deviceId, cancel: () => store(before) };
}

function deviceLeftBy(user: string, stored: StorageValue | undefined): string | undefined {
  if (!isJsonObject(stored) || stored["user"] !== user) return undefined;
  const { deviceId } = stored;
  return typeof deviceId === "string" ? deviceId : undefined;
}

/** Ten capital letters, as homeservers make them. */
function newDeviceId(env: Env): string {
  return String.fromCharCode(...Array.from(env.randomBytes(10), (byte) => 65 + (byte % 26)));
}

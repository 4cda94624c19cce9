/** A device that a user is logged in on. */
export interface Device {
  readonly deviceId: string;
  displayName: string | undefined;
}

/** The devices of all users. */
export class Devices {
  readonly #devices = new Map<string, Map<string, Device>>();

  /** Adds a device to those of a user. One that is there already keeps its name. */
  add(userId: string, deviceId: string, displayName: string | undefined): void {
    const devices = this.#devices.get(userId) ?? new Map<string, Device>();
    this.#devices.set(userId, devices);
    if (!devices.has(deviceId)) devices.set(deviceId, { deviceId, displayName });
  }

  get(userId: string, deviceId: string): Device | undefined {
    return this.#devices.get(userId)?.get(deviceId);
  }

  /** All devices of a user, the oldest first. */
  of(userId: string): Device[] {
    return [...(this.#devices.get(userId)?.values() ?? [])];
  }

  remove(userId: string, deviceId: string): void {
    this.#devices.get(userId)?.delete(deviceId);
  }
}

import type { Client } from "../client.js";

/** The IDs of the devices of the user of a client. */
export async function devicesOf(client: Client): Promise<string[]> {
  const { devices } = await client.request<{ devices: { device_id: string }[] }>("GET", "v3/devices");
  return devices.map((device) => device.device_id);
}

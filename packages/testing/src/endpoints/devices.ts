import { authenticateAgain } from "../authenticate-again.js";
import type { Call } from "../call.js";
import type { Device } from "../devices.js";
import type { Homeserver } from "../homeserver.js";
import type { JsonObject } from "../json.js";
import { MatrixError, badJson, missingParam, notFound } from "../matrix-error.js";
import type { Endpoint } from "../router.js";

const MAX_DISPLAY_NAME_LENGTH = 100;

/**
 * The devices of a user. To end one is to log it out.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-management
 */
export function deviceEndpoints(homeserver: Homeserver): Endpoint[] {
  const { devices, sessions } = homeserver;

  const deviceOf = (call: Call): Device => {
    const device = devices.get(call.session().userId, call.parameter("deviceId"));
    if (device === undefined) throw notFound("Not found");
    return device;
  };

  return [
    {
      method: "GET",
      path: "/_matrix/client/v3/devices",
      answer(call) {
        const { userId } = call.session();
        return { devices: devices.of(userId).map((device) => tell(userId, device)) };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/devices/{deviceId}",
      answer: (call) => tell(call.session().userId, deviceOf(call)),
    },
    {
      method: "PUT",
      path: "/_matrix/client/v3/devices/{deviceId}",
      answer(call) {
        const device = deviceOf(call);
        const name = call.body()["display_name"];
        if (name === undefined) return {};
        if (typeof name !== "string") throw badJson("'display_name' must be a string");
        if (name.length > MAX_DISPLAY_NAME_LENGTH) {
          throw new MatrixError(400, "M_TOO_LARGE", "Device display name is too long (max 100)");
        }
        device.displayName = name;
        return {};
      },
    },
    {
      method: "DELETE",
      path: "/_matrix/client/v3/devices/{deviceId}",
      answer(call) {
        const { userId } = call.session();
        authenticateAgain(homeserver, call, call.optionalBody());
        sessions.end(userId, (deviceId) => deviceId === call.parameter("deviceId"));
        return {};
      },
    },
    {
      method: "POST",
      path: "/_matrix/client/v3/delete_devices",
      answer(call) {
        const { userId } = call.session();
        const body = call.body();
        const wanted = devicesIn(body);
        authenticateAgain(homeserver, call, body);
        sessions.end(userId, (deviceId) => wanted.includes(deviceId));
        return {};
      },
    },
  ];
}

function tell(userId: string, { deviceId, displayName }: Device): JsonObject {
  return { user_id: userId, device_id: deviceId, display_name: displayName ?? null };
}

function devicesIn({ devices }: JsonObject): readonly unknown[] {
  if (devices === undefined) throw missingParam("Missing params: ['devices']");
  if (Array.isArray(devices) && devices.every((device) => typeof device === "string")) return devices;
  throw badJson("'devices' must be a list of strings");
}

import { createRoom } from "../create-room.js";
import type { Homeserver } from "../homeserver.js";
import { invalidParam, notFound } from "../matrix-error.js";
import type { Endpoint } from "../router.js";

/** Creating rooms, and finding them by their aliases. */
export function createRoomEndpoints(homeserver: Homeserver): Endpoint[] {
  return [
    {
      method: "POST",
      path: "/_matrix/client/v3/createRoom",
      answer(call) {
        const { userId } = call.session();
        return { room_id: createRoom(homeserver, userId, call.body()).roomId };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/directory/room/{roomAlias}",
      answer(call) {
        const alias = call.parameter("roomAlias");
        if (!alias.startsWith("#") || !alias.includes(":")) throw invalidParam("Room alias invalid");
        const roomId = homeserver.rooms.resolveAlias(alias);
        if (roomId === undefined) throw notFound(`Room alias ${alias} not found`);
        return { room_id: roomId, servers: [homeserver.serverName] };
      },
    },
  ];
}

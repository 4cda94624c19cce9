import { ROOM_VERSION } from "../create-room.js";
import type { Homeserver } from "../homeserver.js";
import { pushRules } from "../push-rules.js";
import type { Endpoint } from "../router.js";

const VERSIONS: readonly string[] = Array.from({ length: 12 }, (_, i) => `v1.${i + 1}`);

/** What a client asks a homeserver about itself. */
export function discoveryEndpoints(homeserver: Homeserver): Endpoint[] {
  const { versions = VERSIONS, unstableFeatures = {}, capabilities } = homeserver.options;
  return [
    {
      method: "GET",
      path: "/_matrix/client/versions",
      answer: () => ({ versions, unstable_features: unstableFeatures }),
    },
    {
      method: "GET",
      path: "/.well-known/matrix/client",
      answer: () => ({ "m.homeserver": { base_url: homeserver.baseUrl } }),
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/capabilities",
      answer(call) {
        call.session();
        return {
          capabilities: {
            "m.room_versions": { default: ROOM_VERSION, available: { [ROOM_VERSION]: "stable" } },
            "m.change_password": { enabled: true },
            "m.set_displayname": { enabled: true },
            "m.set_avatar_url": { enabled: false },
            "m.3pid_changes": { enabled: false },
            "m.get_login_token": { enabled: true },
            ...capabilities,
          },
        };
      },
    },
    {
      method: "GET",
      path: "/_matrix/client/v3/pushrules/",
      answer: (call) => pushRules(call.session().userId),
    },
  ];
}

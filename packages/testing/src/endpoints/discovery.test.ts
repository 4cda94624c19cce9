import { expect, test } from "vitest";
import { FakeHomeserver } from "../index.js";
import { User, request } from "../testing/user.js";

test("a homeserver claims the versions and the features that it is told to", async () => {
  await using homeserver = await FakeHomeserver.start({
    versions: ["v1.1", "v1.18"],
    unstableFeatures: { "org.example.yes": true, "org.example.no": false },
  });
  const { body } = await request(homeserver, "GET", "/_matrix/client/versions");
  expect(body).toEqual({
    versions: ["v1.1", "v1.18"],
    unstable_features: { "org.example.yes": true, "org.example.no": false },
  });
});

test("a homeserver has the capabilities that it is told to have, beside its own", async () => {
  await using homeserver = await FakeHomeserver.start({
    capabilities: { "m.change_password": { enabled: false }, "org.example": { limit: 5 } },
  });
  const { body } = await (await User.register(homeserver)).get("/capabilities");
  expect(body).toMatchObject({
    capabilities: {
      "m.change_password": { enabled: false },
      "org.example": { limit: 5 },
      "m.room_versions": { default: "11" },
    },
  });
});

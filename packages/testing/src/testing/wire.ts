import { once } from "node:events";
import { Agent, get } from "node:http";
import { describe, expect, test } from "vitest";
import { User, path, request } from "./user.js";
import type { Server } from "./user.js";

const UNRECOGNIZED = { errcode: "M_UNRECOGNIZED", error: "Unrecognized request" };

/** What is the same for all endpoints: paths, methods, bodies, headers. */
export function wire(server: Server): void {
  describe("requests", () => {
    test("to unknown paths are answered with 404", async () => {
      expect(await request(server, "GET", "/nonsense")).toMatchObject({ status: 404, body: UNRECOGNIZED });
    });

    test("with the wrong method are answered with 405", async () => {
      expect(await request(server, "DELETE", "/account/whoami")).toMatchObject({ status: 405, body: UNRECOGNIZED });
    });

    test.each(["{", "", "{'a': 1}", '{"a": NaN}'])("with %j for a body are no JSON", async (text) => {
      const { accessToken } = await User.register(server);
      const reply = await request(server, "POST", "/createRoom", { accessToken, text });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_NOT_JSON" } });
    });

    test.each(["[]", '"text"', "5", "null"])("with %s for a body are bad JSON", async (text) => {
      const { accessToken } = await User.register(server);
      const reply = await request(server, "POST", "/createRoom", { accessToken, text });
      expect(reply).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
    });

    test("are answered in JSON", async () => {
      const { headers } = await request(server, "GET", "/_matrix/client/versions");
      expect(headers.get("content-type")).toMatch(/^application\/json/);
    });
  });

  describe("a connection", () => {
    test("is kept for the next request", async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const isReused: boolean[] = [];
      for (let i = 0; i < 3; i++) {
        const sent = get(`${server.url}/_matrix/client/versions`, { agent });
        const [response] = await once(sent, "response");
        for await (const chunk of response) void chunk;
        isReused.push(sent.reusedSocket);
      }
      agent.destroy();
      expect(isReused).toEqual([false, true, true]);
    });
  });

  describe("browsers", () => {
    test("may ask from any origin, whatever is answered", async () => {
      for (const target of ["/_matrix/client/versions", "/account/whoami", "/nonsense"]) {
        const { headers } = await request(server, "GET", target, { headers: { origin: "https://app.example" } });
        expect(headers.get("access-control-allow-origin")).toBe("*");
      }
    });

    test("are told before they ask that they may send a token and JSON", async () => {
      const { status, headers } = await request(server, "OPTIONS", "/sync", {
        headers: {
          origin: "https://app.example",
          "access-control-request-method": "GET",
          "access-control-request-headers": "authorization",
        },
      });
      expect([200, 204]).toContain(status);
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-allow-headers")).toMatch(/X-Requested-With, Content-Type, Authorization/);
      for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
        expect(headers.get("access-control-allow-methods")).toContain(method);
      }
    });
  });

  describe("names in paths", () => {
    test.each(["a/b", "a b", "ü☃𝕏", "100%", "a?b#c", "%2F", "..x", "+"])("hold %j", async (name) => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      expect(await user.setState(roomId, name, name, { kept: name })).toMatchObject({ status: 200 });
      const reply = await user.get(`${path`/rooms/${roomId}/state/${name}/${name}`}?format=event`);
      expect(reply).toMatchObject({ body: { type: name, state_key: name, content: { kept: name } } });
    });

    test.each(["constructor", "__proto__", "toString", "hasOwnProperty"])(
      "are no properties of anything: %s",
      async (name) => {
        const user = await User.register(server);
        const roomId = await user.createRoom();
        expect(await user.get(path`/rooms/${roomId}/state/${name}/${name}`)).toMatchObject({ status: 404 });
        const { body } = await user.get(path`/rooms/${`!${name}:${user.serverName}`}/state`);
        expect(body).toMatchObject({ errcode: "M_FORBIDDEN" });
        const content: object = JSON.parse(`{"${name}": {"polluted": true}}`);
        expect(await user.setState(roomId, name, name, content)).toMatchObject({ status: 200 });
        const reply = await user.get(path`/rooms/${roomId}/state/${name}/${name}`);
        expect(JSON.stringify(reply.body)).toBe(JSON.stringify(content));
        expect({}).not.toHaveProperty("polluted");
      },
    );

    test("reach as far as the slashes", async () => {
      const user = await User.register(server);
      const roomId = await user.createRoom();
      const reply = await user.get(`${path`/rooms/${roomId}`}/state/m.type/a/b`);
      expect(reply).toMatchObject({ status: 404, body: UNRECOGNIZED });
    });
  });
}

import { expect, it } from "vitest";
import { FakeHomeserver } from "@mx/testing";
import { ConnectionError } from "./errors.js";
import { closing } from "./testing/closing.js";
import { describeOnHomeservers, openClient, startFake } from "./testing/homeservers.js";

describeOnHomeservers("Client.loginFlows", (homeserver) => {
  it("tells how users can log in, before anybody has", async () => {
    const flows = await (await openClient(homeserver)).loginFlows();
    expect(flows).toContainEqual({ type: "m.login.password" });
    expect(flows.find(({ type }) => type === "m.login.token")).toMatchObject({ get_login_token: true });
  });
});

it("tells of the identity providers of single sign-on", async () => {
  const fake = closing(await FakeHomeserver.start({ singleSignOn: true }));
  const flows = await (await openClient(fake)).loginFlows();
  const [provider] = flows.find(({ type }) => type === "m.login.sso")?.identity_providers ?? [];
  expect(provider).toMatchObject({ id: "fake", name: expect.any(String) as string });
});

it("keeps flows that it has never heard of, and all that is said of each", async () => {
  const fake = await startFake();
  const flows = [
    { type: "org.example.retina", "org.example.eyes": [2] },
    { type: "m.login.sso", identity_providers: [{ id: "i", name: "n", icon: "mxc://a/b", brand: "x", "org.y": null }] },
    { type: "__proto__" },
  ];
  fake.intercept("/_matrix/client/v3/login", (_, response) => void response.end(JSON.stringify({ flows })));
  expect(await (await openClient(fake)).loginFlows()).toEqual(flows);
});

it.each([
  ["a list", "[]", "not a JSON object"],
  ["no flows", "{}", '"flows" is not a list'],
  ["flows that are an object", '{"flows":{}}', '"flows" is not a list'],
  ["a flow that is null", '{"flows":[null]}', "a flow has no type"],
  ["a flow without a type", '{"flows":[{"type":7}]}', "a flow has no type"],
  ["a wish that is a text", '{"flows":[{"type":"m.login.token","get_login_token":"yes"}]}', '"get_login_token"'],
  ["providers that are none", '{"flows":[{"type":"m.login.sso","identity_providers":{}}]}', "is not a list"],
  ["a provider that is null", '{"flows":[{"type":"m.login.sso","identity_providers":[null]}]}', "is not an object"],
  [
    "a provider without a name",
    '{"flows":[{"type":"a","identity_providers":[{"id":"i"}]}]}',
    "lacks its ID or its name",
  ],
  ["an icon of 7", '{"flows":[{"type":"a","identity_providers":[{"id":"i","name":"n","icon":7}]}]}', "is no text"],
])("takes %s for no answer (threat 9)", async (_, body, found) => {
  const fake = await startFake();
  fake.intercept("/_matrix/client/v3/login", (_request, response) => void response.end(body));
  const error: unknown = await (await openClient(fake)).loginFlows().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectionError);
  expect((error as Error).message).toContain(found);
});

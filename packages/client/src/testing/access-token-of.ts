import type { Person } from "./homeservers.js";

/** An access token of a user, as another program has one. */
export async function accessTokenOf({ url }: { url: string }, { user, password }: Person): Promise<string> {
  const body = JSON.stringify({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
  const response = await fetch(`${url}/_matrix/client/v3/login`, { method: "POST", body });
  return ((await response.json()) as { access_token: string }).access_token;
}

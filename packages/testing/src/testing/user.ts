/** The server under test. */
export interface Server {
  readonly url: string;
}

/** An answer. What its body is, is for the caller to know: these are tests. */
export interface Reply<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface RequestOptions {
  readonly accessToken?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface SyncedEvent {
  readonly type: string;
  readonly event_id: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}

export interface SyncedRoom {
  readonly timeline: { readonly events: SyncedEvent[]; readonly limited: boolean; readonly prev_batch: string };
  readonly state: { readonly events: SyncedEvent[] };
  readonly summary?: Readonly<Record<string, unknown>>;
}

export interface Synced {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, SyncedRoom>>;
    readonly invite?: Readonly<Record<string, { readonly invite_state: { readonly events: SyncedEvent[] } }>>;
    readonly leave?: Readonly<Record<string, SyncedRoom>>;
  };
}

export interface SyncOptions {
  readonly since?: string;
  readonly timeoutMs?: number;
  readonly fullState?: boolean;
  /** The `room` part of a filter. */
  readonly room?: Readonly<Record<string, unknown>>;
}

export interface Page {
  readonly chunk: SyncedEvent[];
  readonly start: string;
  readonly end?: string;
}

export const PASSWORD = "correct horse";

/** A path of the client-server API, its parameters percent-encoded. */
export function path(parts: TemplateStringsArray, ...parameters: string[]): string {
  return parts.reduce((text, part, i) => text + encodeURIComponent(parameters[i - 1] ?? "") + part);
}

/** A name that nobody has had before, on a server that has seen earlier runs too. */
export function uniqueName(): string {
  return `u${Math.random().toString(36).slice(2, 12)}`;
}

export async function request<Body = unknown>(
  { url }: Server,
  method: string,
  target: string,
  { accessToken, body, text, headers, signal }: RequestOptions = {},
): Promise<Reply<Body>> {
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url + (target.startsWith("/_") ? "" : "/_matrix/client/v3") + target, {
    method,
    headers: { ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }), ...headers },
    ...(content !== undefined && { body: content }),
    ...(signal && { signal }),
  });
  const answer: Body = JSON.parse((await response.text()) || "null");
  return { status: response.status, headers: response.headers, body: answer };
}

/** The text of a field in the body of a reply. */
export function field({ body }: Reply, name: string): string {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== "string") throw new TypeError(`Cannot read "${name}": the reply is ${JSON.stringify(body)}`);
  return value;
}

/** A user with a device: what anybody can do over HTTP, and nothing else. */
export class User {
  readonly server: Server;
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;

  private constructor(server: Server, reply: Reply) {
    this.server = server;
    this.userId = field(reply, "user_id");
    this.deviceId = field(reply, "device_id");
    this.accessToken = field(reply, "access_token");
  }

  static async register(server: Server): Promise<User> {
    const body = { username: uniqueName(), password: PASSWORD, auth: { type: "m.login.dummy" } };
    return new User(server, await request(server, "POST", "/register", { body }));
  }

  /** The same user, logged in once more. */
  async logIn(deviceId?: string): Promise<User> {
    const identifier = { type: "m.id.user", user: this.userId };
    const body = { type: "m.login.password", identifier, password: PASSWORD, device_id: deviceId };
    return new User(this.server, await request(this.server, "POST", "/login", { body }));
  }

  /** What proves in interactive authentication that this is the user. */
  proof(password: string = PASSWORD): Readonly<Record<string, unknown>> {
    return { type: "m.login.password", identifier: { type: "m.id.user", user: this.userId }, password };
  }

  get localpart(): string {
    return this.userId.slice(1, this.userId.indexOf(":"));
  }

  get serverName(): string {
    return this.userId.slice(this.userId.indexOf(":") + 1);
  }

  get<Body = unknown>(target: string, options: RequestOptions = {}): Promise<Reply<Body>> {
    return request(this.server, "GET", target, { accessToken: this.accessToken, ...options });
  }

  post(target: string, body: unknown = {}): Promise<Reply> {
    return request(this.server, "POST", target, { accessToken: this.accessToken, body });
  }

  put(target: string, body: unknown): Promise<Reply> {
    return request(this.server, "PUT", target, { accessToken: this.accessToken, body });
  }

  async createRoom(body: object = { preset: "private_chat" }): Promise<string> {
    return field(await this.post("/createRoom", body), "room_id");
  }

  join(roomId: string): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/join`);
  }

  leave(roomId: string): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/leave`);
  }

  invite(roomId: string, other: User): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/invite`, { user_id: other.userId });
  }

  kick(roomId: string, other: User, reason?: string): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/kick`, { user_id: other.userId, reason });
  }

  ban(roomId: string, other: User, reason?: string): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/ban`, { user_id: other.userId, reason });
  }

  unban(roomId: string, other: User): Promise<Reply> {
    return this.post(path`/rooms/${roomId}/unban`, { user_id: other.userId });
  }

  /** Tries to send a text. */
  trySend(roomId: string, body: string, transactionId: string = uniqueName()): Promise<Reply> {
    const target = path`/rooms/${roomId}/send/m.room.message/${transactionId}`;
    return this.put(target, { msgtype: "m.text", body });
  }

  /** Sends a text, and returns its event ID. */
  async send(roomId: string, body: string, transactionId?: string): Promise<string> {
    return field(await this.trySend(roomId, body, transactionId), "event_id");
  }

  /** Sends texts that are numbers, one after the other. */
  async sendNumbers(roomId: string, from: number, to: number): Promise<void> {
    for (let i = from; i <= to; i++) await this.send(roomId, String(i));
  }

  setState(roomId: string, type: string, stateKey: string, content: object): Promise<Reply> {
    return this.put(path`/rooms/${roomId}/state/${type}/${stateKey}`, content);
  }

  async messages(roomId: string, query: Readonly<Record<string, string>>): Promise<Page> {
    const { body } = await this.get<Page>(
      `${path`/rooms/${roomId}/messages`}?${new URLSearchParams(query).toString()}`,
    );
    return body;
  }

  async sync({ since, timeoutMs, fullState, room = {} }: SyncOptions = {}): Promise<Synced> {
    const query = new URLSearchParams({
      // Presence and account data are no part of what is tested, and would wake a long poll.
      filter: JSON.stringify({ presence: { types: [] }, account_data: { types: [] }, room }),
      ...(since !== undefined && { since }),
      ...(timeoutMs !== undefined && { timeout: String(timeoutMs) }),
      ...(fullState !== undefined && { full_state: String(fullState) }),
    });
    const reply = await this.get<Synced>(`/sync?${query.toString()}`);
    if (reply.status !== 200) throw new Error(`Cannot sync: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
}

/** How long some work takes, in milliseconds. */
export async function durationOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

/** A room in the `join` section of a sync, which has to be there. */
export function joined(synced: Synced, roomId: string): SyncedRoom {
  const room = synced.rooms?.join?.[roomId];
  if (room === undefined) throw new Error(`Cannot find ${roomId} among the joined rooms of ${JSON.stringify(synced)}`);
  return room;
}

/** A room in the `leave` section of a sync, which has to be there. */
export function left(synced: Synced, roomId: string): SyncedRoom {
  const room = synced.rooms?.leave?.[roomId];
  if (room === undefined) throw new Error(`Cannot find ${roomId} among the left rooms of ${JSON.stringify(synced)}`);
  return room;
}

/** The bodies of the messages among these events. */
export function textsOf(events: readonly SyncedEvent[]): unknown[] {
  return events.filter(({ type }) => type === "m.room.message").map(({ content }) => content["body"]);
}

/** The types of these events, with the membership for member events. */
export function typesOf(events: readonly SyncedEvent[]): string[] {
  return events.map(({ type, content }) =>
    type === "m.room.member" ? `${type} ${String(content["membership"])}` : type,
  );
}

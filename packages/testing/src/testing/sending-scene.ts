import { setTimeout } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { FakeHomeserver } from "../index.js";
import type { FakeHomeserverOptions, Interceptor } from "../index.js";
import { RawExchange } from "./raw-exchange.js";
import type { SimulatedEnv } from "./simulated-env.js";
import { User, path, textsOf } from "./user.js";

export const SEND = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}";

/** A user in a room, on a homeserver that ends with the test. */
export class SendingScene {
  readonly homeserver: FakeHomeserver;
  readonly user: User;
  readonly roomId: string;

  private constructor(homeserver: FakeHomeserver, user: User, roomId: string) {
    this.homeserver = homeserver;
    this.user = user;
    this.roomId = roomId;
  }

  /** Whoever sends meets the fault. */
  static async start(fault?: Interceptor, options?: FakeHomeserverOptions): Promise<SendingScene> {
    const homeserver = await FakeHomeserver.start(options);
    onTestFinished(() => homeserver.close());
    const user = await User.register(homeserver);
    if (fault) homeserver.intercept(SEND, fault);
    return new SendingScene(homeserver, user, await user.createRoom());
  }

  /** Sends "Hello", with the same transaction ID each time. */
  send(): RawExchange {
    const body = JSON.stringify({ msgtype: "m.text", body: "Hello" });
    return new RawExchange(this.user, "PUT", path`/rooms/${this.roomId}/send/m.room.message/t1`, body);
  }

  /** Sends "Hello", and waits for all that comes back. */
  async sent(): Promise<RawExchange> {
    const exchange = this.send();
    await exchange.untilWhole();
    return exchange;
  }

  /** What has been said in the room. */
  async texts(): Promise<unknown[]> {
    return textsOf((await this.user.messages(this.roomId, { dir: "f", limit: "100" })).chunk);
  }

  async untilSaid(): Promise<void> {
    while ((await this.texts()).length === 0) await setTimeout(1);
  }
}

/** Waits until the homeserver has so many timers. */
export async function untilTimers(env: SimulatedEnv, count: number): Promise<void> {
  while (env.pendingTimers !== count) await setTimeout(1);
}

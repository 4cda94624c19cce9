import { describe, expect, it, vi } from "vitest";
import { EventReceived, LoggedOut, SyncFailed } from "./messages.js";
import { logIn, openClient, startFake } from "./testing/homeservers.js";

describe("a user whose account is locked", () => {
  it("keeps the session: requests are refused, nobody is asked to log in, and all goes on when it is unlocked (threat 26)", async () => {
    const fake = await startFake();
    const logInAgain = vi.fn();
    const { client, userId } = await logIn(fake, "alice", { callbacks: { logInAgain } });
    const told = vi.fn();
    client.publisher.subscribe(LoggedOut, told);
    fake.lockUser(userId);
    const locked = { name: "MatrixError", status: 401, errcode: "M_USER_LOCKED" };
    await expect(client.whoami()).rejects.toMatchObject(locked);
    await expect(client.createRoom()).rejects.toMatchObject(locked);
    expect(await client.isLoggedIn()).toBe(true);
    expect([logInAgain, told].map(({ mock }) => mock.calls)).toEqual([[], []]);
    fake.unlockUser(userId);
    expect(await client.whoami()).toMatchObject({ userId });
  });

  it("is synced again when it is unlocked, and is not asked for often until then (threats 7, 26)", async () => {
    const fake = await startFake();
    const pauses: number[] = [];
    let hasFailed = false;
    const env = {
      setTimeout: (callback: () => void, delayMs: number) => {
        if (!hasFailed) return setTimeout(callback, delayMs);
        hasFailed = false;
        pauses.push(delayMs);
        fake.unlockUser(userId);
        return setTimeout(callback, 0);
      },
    };
    const person = await fake.register("alice");
    const { userId } = person;
    const client = await openClient(fake, { env });
    await client.login(person);
    const roomId = await client.createRoom();
    client.publisher.subscribe(SyncFailed, ({ error }) => {
      expect(error).toMatchObject({ errcode: "M_USER_LOCKED" });
      hasFailed = true;
    });
    fake.lockUser(userId);
    const received = client.publisher.next(EventReceived);
    const syncing = client.sync();
    expect(await received).toMatchObject({ roomId });
    expect(pauses).toEqual([expect.closeTo(60_000, -4)]);
    await client.close();
    await syncing;
  });

  it("can log out, but not log in", async () => {
    const fake = await startFake();
    const { client, ...person } = await logIn(fake, "alice");
    fake.lockUser(person.userId);
    await client.logout();
    expect(await client.isLoggedIn()).toBe(false);
    await expect(client.login(person)).rejects.toMatchObject({ errcode: "M_USER_LOCKED" });
    expect(await client.isLoggedIn()).toBe(false);
    fake.unlockUser(person.userId);
    await client.login(person);
    expect(await client.whoami()).toMatchObject({ userId: person.userId });
  });
});

describe("a user whose account is suspended", () => {
  it("may not do what others see, and all else goes on (threat 26)", async () => {
    const fake = await startFake();
    const { client, userId } = await logIn(fake, "alice");
    const roomId = await client.createRoom();
    fake.suspendUser(userId);
    const suspended = { name: "MatrixError", status: 403, errcode: "M_USER_SUSPENDED" };
    await expect(client.sendText(roomId, "Hello")).rejects.toMatchObject(suspended);
    await expect(client.createRoom()).rejects.toMatchObject(suspended);
    const received = client.publisher.next(EventReceived);
    const syncing = client.sync();
    await received;
    await client.leaveRoom(roomId);
    await client.logout();
    await syncing;
  });
});

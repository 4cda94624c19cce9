import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { redisStorage } from "./redis/redis-storage.js";
import { sqliteStorage } from "./sqlite/sqlite-storage.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

vi.mock("libsql", () => {
  throw new Error("Cannot find package 'libsql'");
});
vi.mock("@redis/client", () => {
  throw new Error("Cannot find package '@redis/client'");
});

test("redisStorage says which package it needs", async () => {
  await expect(redisStorage("redis://127.0.0.1:1")).rejects.toMatchObject({
    name: "StorageError",
    message: expect.stringContaining('run "npm install @redis/client"'),
  });
});

test("sqliteStorage says which package it needs where the runtime has no SQLite", async () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
  const path = join(await temporaryFolder(), "alice.db");
  await expect(sqliteStorage(path)).rejects.toMatchObject({
    name: "StorageError",
    message: expect.stringMatching(/alice\.db": this runtime has no SQLite, .* run "npm install libsql"/),
  });
});

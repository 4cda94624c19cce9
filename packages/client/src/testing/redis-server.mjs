// Run by vitest only, which reads TypeScript.
export { canStartRedis, RedisServer } from "../../../storage/src/testing/redis-server.js";

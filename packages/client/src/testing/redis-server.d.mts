/** Whether tests may start servers of their own. */
export declare const canStartRedis: boolean;

/** A Redis server on a free port. */
export declare class RedisServer {
  static start(): Promise<RedisServer>;
  readonly url: string;
  stop(): Promise<void>;
}

/*
 * Each runs in Redis, alone: nobody sees half of what it does. `KEYS[1]` is the hash with the values, `KEYS[2]` the
 * sorted set with the keys: all have the score 0, so they are in the order of their bytes. In UTF-8 there is no byte
 * 255. The two always have the same number of entries, unless Redis has dropped one of them to free memory: then a
 * script does nothing and returns `dropped`.
 */

/** What a script returns when Redis has dropped values or keys. */
export const dropped = -1;

const requireAll = `
if redis.call("HLEN", KEYS[1]) ~= redis.call("ZCARD", KEYS[2]) then return ${dropped} end
`;

/** Arguments: the prefix, `[<first>` or `(<the one before>`, the limit. Returns keys and values in turn. */
export const scanScript: string = `${requireAll}
local keys = redis.call("ZRANGEBYLEX", KEYS[2], ARGV[2], "(" .. ARGV[1] .. "\\255", "LIMIT", 0, ARGV[3])
local rows = {}
for index, key in ipairs(keys) do
  rows[2 * index - 1] = key
  rows[2 * index] = redis.call("HGET", KEYS[1], key)
end
return rows
`;

/**
 * Arguments: how many values are expected, each with its key; how many prefixes are cleared, and they; then what is
 * written, each with its key. A value is `=<value>`, or `-` for none. Returns 1, or 0 when it wrote nothing because of
 * a value that was not expected.
 */
export const commitScript: string = `${requireAll}
local position = 0
local function take()
  position = position + 1
  return ARGV[position]
end

for _ = 1, tonumber(take()) do
  local key, expected = take(), take()
  local value = redis.call("HGET", KEYS[1], key)
  if (value and "=" .. value or "-") ~= expected then return 0 end
end

for _ = 1, tonumber(take()) do
  local prefix = take()
  local first, last = "[" .. prefix, "(" .. prefix .. "\\255"
  for _, key in ipairs(redis.call("ZRANGEBYLEX", KEYS[2], first, last)) do
    redis.call("HDEL", KEYS[1], key)
  end
  redis.call("ZREMRANGEBYLEX", KEYS[2], first, last)
end

while position < #ARGV do
  local key, value = take(), take()
  if value == "-" then
    redis.call("HDEL", KEYS[1], key)
    redis.call("ZREM", KEYS[2], key)
  else
    redis.call("HSET", KEYS[1], key, string.sub(value, 2))
    redis.call("ZADD", KEYS[2], 0, key)
  end
end
return 1
`;

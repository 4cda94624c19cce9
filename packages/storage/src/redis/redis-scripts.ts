/*
 * Each script runs in Redis alone: nobody sees half of what it does.
 *
 * 1. `KEYS[1]` is the hash with the values, `KEYS[2]` the sorted set with the keys. All have the score 0, so they are in
 *    the order of their bytes. In UTF-8 there is no byte 255.
 * 2. The hash has one field more, `""`, which is nobody's key, and holds the format. So neither is a hash ever empty,
 *    nor is it ever removed by Redis because it were. `KEYS[3]` holds the format as well: where one of the two is, the
 *    other was.
 * 3. So the hash has one entry more than the sorted set, unless Redis has dropped one of them to free memory: then a
 *    script changes nothing and returns `dropped`.
 * 4. What is sent to the channel comes before any reply that follows the change, on every connection to the same server.
 */

/** The field of the hash that holds the format. */
export const formatField = "";

/** What a script returns when Redis has dropped values or keys. */
export const dropped = -1;

const requireAll = `
if redis.call("HLEN", KEYS[1]) ~= redis.call("ZCARD", KEYS[2]) + 1 then return ${dropped} end
`;

/** More do not fit on the stack of a script. */
const maxUnpacked = 7000;

/** Argument: the format. Returns the format of the store, which it makes if there is none. */
export const openScript: string = `
local format = redis.call("GET", KEYS[3])
if not format and redis.call("EXISTS", KEYS[1], KEYS[2]) == 0 then
  redis.call("SET", KEYS[3], ARGV[1])
  redis.call("HSET", KEYS[1], "${formatField}", ARGV[1])
  return ARGV[1]
end
format = format or redis.call("HGET", KEYS[1], "${formatField}")
if format and format ~= ARGV[1] then return format end
${requireAll}
if redis.call("EXISTS", KEYS[3]) == 0 then redis.call("SET", KEYS[3], ARGV[1]) end
return format
`;

/** Arguments: the prefix, `[<first>` or `(<the one before>`, the limit. Returns keys and values in turn. */
export const scanScript: string = `${requireAll}
local keys = redis.call("ZRANGEBYLEX", KEYS[2], ARGV[2], "(" .. ARGV[1] .. "\\255", "LIMIT", 0, ARGV[3])
local rows = {}
for first = 1, #keys, ${maxUnpacked} do
  local last = math.min(first + ${maxUnpacked - 1}, #keys)
  for offset, value in ipairs(redis.call("HMGET", KEYS[1], unpack(keys, first, last))) do
    rows[#rows + 1] = keys[first + offset - 1]
    rows[#rows + 1] = value
  end
end
return rows
`;

/**
 * Arguments: a channel, what to tell it if anything changes, and then for each commit how many keys are expected, how
 * many prefixes are cleared, how many keys are written, and how many are removed, as one argument, followed by the
 * expected keys, their values (an empty one for none), the prefixes, the written keys each with its value, and the
 * removed keys. Returns for each commit 1, or 0 when it changed nothing because of a value that was not expected.
 */
export const commitScript: string = `${requireAll}
if #ARGV == 5 and ARGV[3] == "0 0 1 0" then
  -- The same as below, for the most usual commit: without the functions it takes half the time.
  redis.call("PUBLISH", ARGV[1], ARGV[2])
  if redis.call("HSET", KEYS[1], ARGV[4], ARGV[5]) == 1 then redis.call("ZADD", KEYS[2], 0, ARGV[4]) end
  return {1}
end

local position = 2
local hasTold = false

local function take(count)
  local first = position + 1
  position = position + count
  return first
end

local function inParts(list, first, count, work)
  for start = first, first + count - 1, ${maxUnpacked} do
    work(start, unpack(list, start, math.min(start + ${maxUnpacked - 1}, first + count - 1)))
  end
end

local function isAsExpected(first, count)
  local isSame = true
  inParts(ARGV, first, count, function(start, ...)
    for offset, value in ipairs(redis.call("HMGET", KEYS[1], ...)) do
      if (value or "") ~= ARGV[start + count + offset - 1] then isSame = false end
    end
  end)
  return isSame
end

local function clear(prefix)
  local first, last = "[" .. prefix, "(" .. prefix .. "\\255"
  local keys = redis.call("ZRANGEBYLEX", KEYS[2], first, last)
  inParts(keys, 1, #keys, function(_, ...) redis.call("HDEL", KEYS[1], ...) end)
  redis.call("ZREMRANGEBYLEX", KEYS[2], first, last)
end

local function write(first, count)
  inParts(ARGV, first, 2 * count, function(start, ...)
    if redis.call("HSET", KEYS[1], ...) == 0 then return end
    local scored = {...}
    for index = #scored - 1, 1, -2 do
      scored[index], scored[index + 1] = 0, scored[index]
    end
    redis.call("ZADD", KEYS[2], unpack(scored))
  end)
end

local function remove(first, count)
  inParts(ARGV, first, count, function(_, ...)
    if redis.call("HDEL", KEYS[1], ...) > 0 then redis.call("ZREM", KEYS[2], ...) end
  end)
end

local areMade = {}
while position < #ARGV do
  local counts = {}
  for count in string.gmatch(ARGV[take(1)], "%d+") do counts[#counts + 1] = tonumber(count) end
  local expected, cleared, written, removed = unpack(counts)
  local expectedFirst, clearedFirst = take(2 * expected), take(cleared)
  local writtenFirst, removedFirst = take(2 * written), take(removed)
  if isAsExpected(expectedFirst, expected) then
    areMade[#areMade + 1] = 1
    if not hasTold and cleared + written + removed > 0 then
      redis.call("PUBLISH", ARGV[1], ARGV[2])
      hasTold = true
    end
    for index = clearedFirst, clearedFirst + cleared - 1 do clear(ARGV[index]) end
    write(writtenFirst, written)
    remove(removedFirst, removed)
  else
    areMade[#areMade + 1] = 0
  end
end
return areMade
`;

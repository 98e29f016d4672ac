import { AccessError } from "../../access/failure/access-error.ts";
import { openClient, type RedisAccess, type RedisClient } from "./client.ts";
import { unreachable } from "./explain-redis-error.ts";
import { placeOf, type RedisAddress, readRedisUrl } from "./redis-url.ts";
import type { Migration } from "./schema.ts";
import { prepareSchema } from "./schema.ts";

/**
 * Builds the lists and the log of each request from the audit log, which names every request that there ever was. It begins
 * each log anew, so that it can be run again over what it has done.
 */
const buildListsScript = `
local function milliseconds(iso)
  local y, m, d, hour, minute, second, ms =
    string.match(iso, '^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)%.?(%d*)Z$')
  if not y then return nil end
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  -- Days since the epoch, with the year beginning in March, so that the leap day is its last.
  if m <= 2 then y, m = y - 1, m + 12 end
  local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400)
  days = days + math.floor((153 * (m - 3) + 2) / 5) + d - 719469
  return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60000 + tonumber(second) * 1000 + tonumber(ms == '' and 0 or ms)
end

local function enlist(id)
  local text = redis.call('HGET', '{eks-access}:request:' .. id, 'record')
  if not text then return end
  local record = cjson.decode(text)
  local created = milliseconds(record.createdAt)
  if not created then return end
  redis.call('ZADD', '{eks-access}:all-of-cluster:' .. record.cluster, string.format('%.0f', created), id)
  local list, place
  if record.state == 'pending' then
    list, place = 'pending', created
  elseif record.state == 'approved' and type(record.grant) == 'table'
    and record.grant.state ~= 'ended' and record.grant.state ~= 'failed' then
    list, place = 'granted', milliseconds(record.grant.endsAt)
  end
  if not place then return end
  for _, of in ipairs({ 'cluster:' .. record.cluster, 'person:' .. record.requester }) do
    redis.call('ZADD', '{eks-access}:' .. list .. '-of-' .. of, string.format('%.0f', place), id)
  end
end

local seen = {}
local from = '-'
while true do
  local rows = redis.call('XRANGE', '{eks-access}:events', from, '+', 'COUNT', 1000)
  if #rows == 0 then break end
  for _, row in ipairs(rows) do
    local sequence = string.match(row[1], '^%d+')
    local read, event = pcall(cjson.decode, row[2][2])
    if read and type(event) == 'table' and type(event.request) == 'string' then
      local id = event.request
      local log = '{eks-access}:log:' .. id
      if not seen[id] then
        seen[id] = true
        redis.call('DEL', log)
        enlist(id)
      end
      redis.call('RPUSH', log, sequence)
    end
    from = '(' .. row[1]
  end
end
`;

/**
 * Counts the records by what they are (src/access/request/class.ts), and by the clusters in which they are open. It finds them by the
 * audit log and by the lists of their clusters, and begins anew, so that it can be run again over what it has done. Where old
 * events are forgotten, a cluster of which nothing was said since is not counted: all that was there is closed.
 */
const countRecordsScript = `
local counts, open = '{eks-access}:counts', '{eks-access}:open-by-cluster'
redis.call('DEL', counts, open)

local function class_of(record)
  local grant = record.grant
  if type(grant) ~= 'table' then return record.state end
  if grant.state ~= 'ended' then return record.state .. '/' .. grant.state end
  local ending = grant['end']
  return record.state .. '/ended/' .. (type(ending) == 'table' and ending.cause or 'expired')
end

local seen, clusters = {}, {}
local function count(id)
  if seen[id] then return end
  seen[id] = true
  local key = '{eks-access}:request:' .. id
  local text = redis.call('HGET', key, 'record')
  if not text then return end
  local record = cjson.decode(text)
  local class = class_of(record)
  redis.call('HSET', key, 'class', class)
  redis.call('HINCRBY', counts, class, 1)
  if redis.call('SISMEMBER', '{eks-access}:open:' .. record.cluster, id) == 1 then
    redis.call('HINCRBY', open, record.cluster, 1)
  end
  clusters[record.cluster] = true
end

local from = '-'
while true do
  local rows = redis.call('XRANGE', '{eks-access}:events', from, '+', 'COUNT', 1000)
  if #rows == 0 then break end
  for _, row in ipairs(rows) do
    local read, event = pcall(cjson.decode, row[2][2])
    if read and type(event) == 'table' and type(event.request) == 'string' then count(event.request) end
    from = '(' .. row[1]
  end
end
for cluster in pairs(clusters) do
  for _, id in ipairs(redis.call('ZRANGE', '{eks-access}:all-of-cluster:' .. cluster, 0, -1)) do count(id) end
end
`;

/**
 * The ledger's schemas, oldest first: a change of what src/ledger/redis/ledger.ts keeps, or of how, is one more at the end. What was
 * released is never edited.
 */
export const migrations: readonly Migration[] = [
  // What was written before versions were counted is as version 1 has it.
  { name: "the first one that is counted", script: "" },
  { name: "lists of a cluster's and a person's requests, and the log of each request", script: buildListsScript },
  { name: "how many requests there are in each state, and of each cluster", script: countRecordsScript },
];

export interface RedisConnection {
  readonly redis: RedisClient;
  close: () => Promise<void>;
}

/** How long the first connection may take where nobody answers, nor refuses. */
const startWithinMs = 5_000;

/**
 * A connection that fails at once while Redis is down, so that an ack to Slack is never late, and comes back by itself.
 * @throws AccessError `ledger-unreachable` where there is no Redis at the start, `ledger-refused` where it turns us away,
 * `config-invalid` for an address or a certificate that can't be read.
 */
export async function connectRedis(url: string, access: RedisAccess = {}): Promise<RedisConnection> {
  const address = addressOf(url);
  const redis = openClient(address, access, "fails-fast");
  const reasons: unknown[] = [];
  // Told beside the rejection, which may be no more than "Connection is closed": of Cluster nodes and Sentinels too.
  const note = (error: unknown) => void reasons.push(error);
  for (const event of ["error", "node error", "sentinelError"]) redis.on(event, note);
  try {
    await Promise.race([redis.connect(), ready(redis), firstError(redis), timeout(startWithinMs)]);
  } catch (error) {
    redis.disconnect();
    throw unreachable(placeOf(address), [...reasons, error]);
  }
  for (const event of ["node error", "sentinelError"]) redis.off(event, note);
  ignoreErrors(redis);
  redis.off("error", note);
  return { redis, close: async () => void redis.disconnect() };
}

/**
 * The connection of a process that writes the ledger: as `connectRedis`, with the ledger's schema brought up to date.
 * @throws AccessError as `connectRedis`, and `ledger-newer`
 */
export async function connectLedger(url: string, access: RedisAccess = {}): Promise<RedisConnection> {
  const connection = await connectRedis(url, access);
  try {
    await prepareSchema(connection.redis, migrations);
    return connection;
  } catch (error) {
    // An open connection would keep the process alive that was to end with this error.
    await connection.close();
    throw error;
  }
}

/** A worker's connection to its queue blocks while it waits, and therefore must never give up. */
export function connectRedisBlocking(url: string, access: RedisAccess = {}): RedisClient {
  const redis = openClient(addressOf(url), access, "waits");
  ignoreErrors(redis);
  return redis;
}

function addressOf(url: string): RedisAddress {
  const reading = readRedisUrl(url);
  if (reading.type === "invalid") throw new AccessError("config-invalid", `REDIS_URL: ${reading.problem}`);
  return reading.address;
}

/** Each failed command tells its caller; without a listener ioredis would print the connection errors besides. */
function ignoreErrors(redis: RedisClient): void {
  redis.on("error", () => {});
}

/** Of a Redis Cluster that is not whole yet ioredis tries again, and forgets the promise of its first try. */
function ready(redis: RedisClient): Promise<void> {
  return new Promise((resolve) => redis.once("ready", () => resolve()));
}

/** By way of Sentinels ioredis would try again for ever before it rejects. */
function firstError(redis: RedisClient): Promise<never> {
  return new Promise((_, reject) => redis.once("error", reject));
}

function timeout(ms: number): Promise<never> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

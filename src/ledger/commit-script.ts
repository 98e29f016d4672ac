import { hash, randomBytes } from "node:crypto";
import type { AuditEvent } from "../access/audit-event.ts";
import { canonicalJson, digestOfEvent, type Json } from "../access/seal.ts";
import type { RedisClient } from "./client.ts";

/**
 * Lua for scripts that append an audit event: `append_event(head key, events key, event, digest in hex)` returns its sequence
 * number. It comes before the other writes: Redis undoes nothing of a script that fails, and a forged log refuses the event.
 * It computes the chain value here, because only here the previous value is certain. Redis offers scripts no SHA-256 (only SHA-1), so
 * this is one. Its input is always 64 bytes: the previous value and the event's digest.
 * `chain_end(head key, events key)` returns the newest event's number and chain value. The stream has both, so a garbled head stops nothing;
 * the head counts if it knows a later event.
 * `is_logged(events key, event)`: after a broken connection a client sends a script again; its event's salt is like no other's.
 */
export const chainLua = `
local bit = bit
local band, bxor, bnot, rshift, ror, tobit = bit.band, bit.bxor, bit.bnot, bit.rshift, bit.ror, bit.tobit

local K = {
  0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,
  0xd807aa98,0x12835b01,0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,
  0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,
  0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,0x06ca6351,0x14292967,
  0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,
  0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,
  0x19a4c116,0x1e376c08,0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,
  0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2 }

local function block(h, words)
  local w = {}
  for i = 1, 16 do w[i] = words[i] end
  for i = 17, 64 do
    local a, b = w[i - 15], w[i - 2]
    local s0 = bxor(ror(a, 7), ror(a, 18), rshift(a, 3))
    local s1 = bxor(ror(b, 17), ror(b, 19), rshift(b, 10))
    w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
  end
  local a, b, c, d, e, f, g, hh = h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]
  for i = 1, 64 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local t1 = tobit(hh + s1 + bxor(band(e, f), band(bnot(e), g)) + tobit(K[i]) + w[i])
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local t2 = tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
    hh, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
  end
  local out = { a, b, c, d, e, f, g, hh }
  for i = 1, 8 do h[i] = tobit(h[i] + out[i]) end
end

local function sha256_of_pair(left, right)
  local hex = left .. right
  local words = {}
  for i = 1, 16 do words[i] = tobit(tonumber(string.sub(hex, i * 8 - 7, i * 8), 16)) end
  local h = { tobit(0x6a09e667), tobit(0xbb67ae85), tobit(0x3c6ef372), tobit(0xa54ff53a),
              tobit(0x510e527f), tobit(0x9b05688c), tobit(0x1f83d9ab), tobit(0x5be0cd19) }
  block(h, words)
  block(h, { tobit(0x80000000), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 512 })
  local text = {}
  for i = 1, 8 do text[i] = bit.tohex(h[i]) end
  return table.concat(text)
end

local function chain_end(head_key, events_key)
  local function usable(sequence, hash)
    local number = tonumber(sequence)
    local is_usable = number and number >= 0 and number < 99999999999999 and number % 1 == 0
      and type(hash) == 'string' and #hash == 64 and not string.find(hash, '%X')
    if is_usable then return number, hash end
  end
  local last = redis.call('XREVRANGE', events_key, '+', '-', 'COUNT', 1)[1]
  local head = redis.pcall('HMGET', head_key, 'sequence', 'hash')
  if head.err then redis.call('DEL', head_key) end
  local sequence, hash = usable(head[1], head[2])
  if not last then
    if sequence then return sequence, hash end
    if redis.call('EXISTS', head_key, events_key) == 0 then return 0, string.rep('0', 64) end
    error('no event is left to continue the audit log from')
  end
  local last_sequence, last_hash = usable(string.match(last[1], '^%d+'), last[2][6])
  if not last_sequence then error('the newest event of the audit log is not one of eks-access: ' .. last[1]) end
  if sequence and sequence > last_sequence then return sequence, hash end
  return last_sequence, last_hash
end

local function is_logged(events_key, event)
  for _, row in ipairs(redis.call('XREVRANGE', events_key, '+', '-', 'COUNT', 256)) do
    if row[2][2] == event then return true end
  end
end

local function append_event(head_key, events_key, event, digest)
  local last, previous = chain_end(head_key, events_key)
  local sequence = string.format('%.0f', last + 1)
  local hash = sha256_of_pair(previous, digest)
  redis.call('XADD', events_key, sequence .. '-0', 'event', event, 'previous', previous, 'hash', hash)
  redis.call('HSET', head_key, 'sequence', sequence, 'hash', hash)
  return sequence
end
`;

/** The newest value of the chain: a hash of `sequence` and `hash`. */
export const chainHeadKey = "{eks-access}:chain-head";
/** The sequence numbers of a request's events. */
export const logKey = (id: string): string => `{eks-access}:log:${id}`;
/** The stream of all events; an entry's id is `<sequence>-0`. */
export const eventsKey = "{eks-access}:events";

/** What `append_event` takes of an event: its text with a salt, and its digest in hex. */
export function chainText(event: AuditEvent): readonly [text: string, digest: string] {
  const salted = { ...event, salt: randomBytes(16).toString("base64url") };
  return [canonicalJson(salted as unknown as Json), digestOfEvent(salted)];
}

/** Lua: records make up an index, so one of another type is as lost as a removed one, and must not stop a change. */
export const indexLua = `
local function index(command, key, ...)
  local done = redis.pcall(command, key, ...)
  if type(done) ~= 'table' or not done.err then return done end
  if not string.find(done.err, 'WRONGTYPE', 1, true) then error(done.err) end
  redis.call('DEL', key)
  return redis.call(command, key, ...)
end
`;

/**
 * Lua: whether a stored record is what the change was made from. `base`: the SHA-1 of that text; "": the change's process does not know it.
 * It never overwrites a change without a commit. `sha1` is of the text that a commit wrote, which can have half a character: cjson does
 * not decode that.
 */
const intactLua = `
local function is_intact(text, version, sha1, base)
  local now = redis.sha1hex(text or '')
  if base ~= '' then return now == base end
  if version == '0' or now == sha1 then return true end
  local read, record = pcall(cjson.decode, text or '')
  return read and type(record) == 'table' and record.version == tonumber(version)
end
`;

/** Lua: moves a record from its old class to its new one, in a hash of numbers; '' is no class. */
export const countLua = `${indexLua}
local function count(key, before, now)
  if before == now then return end
  local function add(class, by)
    local left = redis.pcall('HINCRBY', key, class, by)
    if type(left) == 'table' or left <= 0 then index('HDEL', key, class) end
  end
  if before and before ~= '' then add(before, -1) end
  if now ~= '' then add(now, 1) end
end
`;

/**
 * One step of the ledger, atomic in Redis, for every kind of record: compare the version, write the record, move it in the indexes,
 * append the audit event to the chain (laws 2 and 6 of docs/architecture.md).
 *
 * KEYS: record, due, unshown, head, events, log of the record, counts, open by cluster, and the lists
 * ARGV: version before, record, id, due score or "", event or "", its digest (hex), its class or "", the cluster in which it counts as
 * open or "", for each list the place in it, or ""; then the index in KEYS of this person's pending requests, and the most of them,
 * or "", and `base`
 * Returns 1, or 0 where another record is there, it can't be read, or too many are pending.
 */
export const commitScript = scriptOf(`${chainLua}${intactLua}${countLua}
local stored = redis.call('HMGET', KEYS[1], 'version', 'record', 'class', 'open', 'sha1')
if (stored[1] or '0') ~= ARGV[1] or not is_intact(stored[2], ARGV[1], stored[5], ARGV[#KEYS + 3]) then return 0 end
local most = ARGV[#KEYS + 2]
if most ~= '' and redis.call('ZCARD', KEYS[tonumber(ARGV[#KEYS + 1])]) >= tonumber(most) then return 0 end

local sequence = ARGV[5] ~= '' and append_event(KEYS[4], KEYS[5], ARGV[5], ARGV[6])
redis.call('HSET', KEYS[1], 'version', tonumber(ARGV[1]) + 1, 'record', ARGV[2], 'sha1', redis.sha1hex(ARGV[2]),
  'class', ARGV[7], 'open', ARGV[8])
count(KEYS[7], stored[3], ARGV[7])
count(KEYS[8], stored[4], ARGV[8])
local function place(key, score)
  if score == '' then index('ZREM', key, ARGV[3]) else index('ZADD', key, score, ARGV[3]) end
end
place(KEYS[2], ARGV[4])
index('SADD', KEYS[3], ARGV[3])
for i = 9, #KEYS do place(KEYS[i], ARGV[i]) end
if sequence then index('RPUSH', KEYS[6], sequence) end
return 1
`);

/** KEYS: head, events. Fails if no event can follow. */
export const endScript = `${chainLua}
local last = chain_end(KEYS[1], KEYS[2])
local info = redis.call('EXISTS', KEYS[2]) == 1 and redis.call('XINFO', 'STREAM', KEYS[2]) or {}
for i = 1, #info, 2 do
  -- A person can set the id that the next one must follow, or remove the event that had it.
  if info[i] == 'last-generated-id' and tonumber(string.match(info[i + 1], '^%d+')) > last then
    error('the audit log takes no event before the id ' .. info[i + 1])
  end
end
return 1
`;

/**
 * An event that changes no record. KEYS: record, head, events, log of the record. ARGV: event, event digest (hex), "alone" if the log
 * gets it without a record too
 */
export const noteScript = `${chainLua}${indexLua}
if is_logged(KEYS[3], ARGV[1]) then return 1 end
local sequence = append_event(KEYS[2], KEYS[3], ARGV[1], ARGV[2])
local is_listed = ARGV[3] == 'alone' or type(redis.pcall('HGET', KEYS[1], 'version')) == 'string'
if is_listed then index('RPUSH', KEYS[4], sequence) end
return 1
`;

/**
 * Remembers the content of a message, and removes the record from the unshown ones if that is its newest version. After a late messenger
 * showed an older version, the record is unshown again. A removed record leaves nothing behind. KEYS: record, shown, unshown. ARGV:
 * id, version shown, shown
 */
export const markShownScript = scriptOf(`
local newest = redis.call('HGET', KEYS[1], 'version')
if not newest then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
if newest == ARGV[2] then redis.call('SREM', KEYS[3], ARGV[1]) else redis.call('SADD', KEYS[3], ARGV[1]) end
return 1
`);

/** A frequent script: Redis knows it by its digest, and its text goes over the network once. */
export type Script = { readonly text: string; readonly digest: string };

export function scriptOf(text: string): Script {
  return { text, digest: hash("sha1", text) };
}

/** Runs a script. Sends the whole text if Redis has forgotten it, for example after a restart. */
export async function runScript(
  redis: RedisClient,
  { text, digest }: Script,
  keys: readonly string[],
  values: readonly string[],
): Promise<unknown> {
  try {
    return await redis.evalsha(digest, keys.length, ...keys, ...values);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return redis.eval(text, keys.length, ...keys, ...values);
  }
}

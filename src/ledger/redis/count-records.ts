/**
 * Counts the records by what they are (src/request/class.ts), and by the clusters in which they are open. It finds them by the
 * audit log and by the lists of their clusters, and begins anew, so that it can be run again over what it has done. Where old
 * events are forgotten, a cluster of which nothing was said since is not counted: all that was there is closed.
 */
export const countRecordsScript = `
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

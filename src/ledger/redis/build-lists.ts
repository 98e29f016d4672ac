/**
 * Builds the lists and the log of each request from the audit log, which names every request that there ever was. It begins
 * each log anew, so that it can be run again over what it has done.
 */
export const buildListsScript = `
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

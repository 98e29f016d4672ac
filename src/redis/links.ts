import { canonicalJson, type Json } from "../audit/canonical-json.ts";
import { digestOfEvent } from "../audit/event.ts";
import type { LinkChange, LinkProposal } from "../ledger/ledger.ts";
import type { RedisClient } from "./client.ts";
import { chainLua } from "./commit-script.ts";
import { chainHeadKey, eventsKey } from "./events.ts";

/** Hashes, by Slack user id. */
export const principalsKey = "{eks-access}:principals";
const proposalsKey = "{eks-access}:link-proposals";

/**
 * One change of somebody's link, with its event, or nothing.
 * KEYS: principals, proposals, head, events
 * ARGV: user, id of the proposal that must still wait or "", ARN or "", proposal or "", event, event digest (hex)
 * Returns 1, or 0 where another proposal waits, or none.
 */
const changeLinkScript = `${chainLua}
if ARGV[2] ~= '' then
  local waiting = redis.call('HGET', KEYS[2], ARGV[1])
  if not waiting or cjson.decode(waiting).id ~= ARGV[2] then return 0 end
end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
if ARGV[4] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
append_event(KEYS[3], KEYS[4], ARGV[5], ARGV[6])
return 1
`;

/** False: what was expected to wait does not. */
export async function changeLink(redis: RedisClient, change: LinkChange): Promise<boolean> {
  const { user, expected, principal, proposal, event } = change;
  const done = await redis.eval(
    changeLinkScript,
    4,
    principalsKey,
    proposalsKey,
    chainHeadKey,
    eventsKey,
    user,
    expected ?? "",
    principal ?? "",
    proposal ? JSON.stringify(proposal) : "",
    canonicalJson(event as unknown as Json),
    digestOfEvent(event),
  );
  return done === 1;
}

export async function readLinkProposal(redis: RedisClient, user: string): Promise<LinkProposal | null> {
  const text = await redis.hget(proposalsKey, user);
  return text === null ? null : (JSON.parse(text) as LinkProposal);
}

import type { PrincipalLink } from "../../access/approval/seals.ts";
import { canonicalJson, digestOfEvent, type Json } from "../../access/audit/event.ts";
import type { LinkChange, LinkLedger, LinkProposal } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { chainLua } from "./commit-script.ts";
import { chainHeadKey, eventsKey } from "./events.ts";
import { reach } from "./explain-redis-error.ts";
import type { StoredReader } from "./stored.ts";

/** Hashes, by Slack user id. */
const principalsKey = "{eks-access}:principals";
/** The sealed statement of each link. */
const linkSealsKey = "{eks-access}:link-seals";
const proposalsKey = "{eks-access}:link-proposals";

/**
 * One change of a person's link, with its event, or nothing. KEYS: principals, proposals, head, events, seals ARGV: user, id of
 * the proposal that must still wait or "", ARN or "", proposal or "", event, event digest (hex), seal or "" Returns 1, or 0 if
 * another proposal waits, or none.
 */
const changeLinkScript = `${chainLua}
if ARGV[2] ~= '' then
  local waiting = redis.call('HGET', KEYS[2], ARGV[1])
  local read, proposal = pcall(cjson.decode, waiting or '')
  if not read or type(proposal) ~= 'table' or proposal.id ~= ARGV[2] then return 0 end
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[7])
end
if ARGV[4] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
append_event(KEYS[3], KEYS[4], ARGV[5], ARGV[6])
return 1
`;

/**
 * The first link of a person, or nothing: the principal of a request must not replace a link. KEYS: principals, seals ARGV: user,
 * ARN, seal or ""
 */
const firstLinkScript = `
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
return 1
`;

/** Links and their proposals, on Redis. */
export function redisLinks(redis: RedisClient, reader: StoredReader): LinkLedger {
  return {
    linkPrincipal: (user, link) => reach(() => rememberLink(redis, user, link)),
    linkOf: (user) => reach(() => readLink(redis, reader, user)),
    principalOf: (user) => reach(() => redis.hget(principalsKey, user)),
    changeLink: (change) => reach(() => changeLink(redis, change)),
    linkProposalOf: (user) => reach(() => readLinkProposal(redis, reader, user)),
  };
}

/** False: the expected proposal does not wait. */
async function changeLink(redis: RedisClient, change: LinkChange): Promise<boolean> {
  const { user, expected, link, proposal, event } = change;
  const done = await redis.eval(
    changeLinkScript,
    5,
    principalsKey,
    proposalsKey,
    chainHeadKey,
    eventsKey,
    linkSealsKey,
    user,
    expected ?? "",
    link?.arn ?? "",
    proposal ? JSON.stringify(proposal) : "",
    canonicalJson(event as unknown as Json),
    digestOfEvent(event),
    sealText(link),
  );
  return done === 1;
}

async function rememberLink(redis: RedisClient, user: string, link: PrincipalLink): Promise<void> {
  await redis.eval(firstLinkScript, 2, principalsKey, linkSealsKey, user, link.arn, sealText(link));
}

async function readLink(redis: RedisClient, reader: StoredReader, user: string): Promise<PrincipalLink | null> {
  const [arn, text] = await Promise.all([redis.hget(principalsKey, user), redis.hget(linkSealsKey, user)]);
  if (arn === null) return null;
  return { arn, seal: await reader.read("link seal", user, text || null) };
}

function sealText(link: PrincipalLink | null): string {
  return link?.seal ? JSON.stringify(link.seal) : "";
}

async function readLinkProposal(redis: RedisClient, reader: StoredReader, user: string): Promise<LinkProposal | null> {
  return reader.read("link proposal", user, await redis.hget(proposalsKey, user));
}

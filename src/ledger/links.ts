import { z } from "zod";
import type { AuditEvent } from "../access/audit-event.ts";
import { asIdentities, type Identities, readIdentities } from "../access/found-identities.ts";
import {
  accountIn,
  type IdentityRules,
  type KnownOf,
  type LinkedArns,
  needsEmail,
  sessionsIn,
} from "../access/identities.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { DecisionPublicKeys, PreviewPublicKeys } from "../access/seal.ts";
import { isSealedLink, type LinkProposal, type PrincipalLink } from "../access/seals.ts";
import type { SharedGroups } from "../access/shared-lists.ts";
import type { RedisClient } from "./client.ts";
import { setField } from "./clusters.ts";
import { chainHeadKey, chainLua, chainText, eventsKey, indexLua, runScript, scriptOf } from "./commit-script.ts";
import { keysOf } from "./person-data.ts";
import { hashOf, type LinkQuestions, readEach, readStored, type Store, textOf, wholeOf } from "./stored.ts";

/** A change of a person's links, with its event: written together or not at all. */
export interface LinkChange {
  readonly user: string;
  /** The id of the proposal that must still wait; null: none has to. */
  readonly expected: string | null;
  /** Their new link in its account; null: unchanged. */
  readonly link: PrincipalLink | null;
  readonly proposal: LinkProposal | null;
  readonly event: AuditEvent;
}

/** A hash for each person, by Slack user id: their links, by account. */
const linksKey = (user: string) => `{eks-access}:links:${user}`;
/** A set for each person, by Slack user id: the links that they replaced. */
const formerKey = (user: string) => `{eks-access}:former-links:${user}`;
const formerKeptMs = 7 * 24 * 3_600_000;
/** A hash for each person, by Slack user id: a worker's findings, by cluster. */
const identitiesKey = (user: string) => `{eks-access}:identities:${user}`;
const identitiesKeptMs = 24 * 3_600_000;
/** The people of every Slack user group. The time in its seal decides whether it counts. */
const groupsKey = "{eks-access}:user-groups";
const groupsKeptMs = 60_000;
const proposalsKey = "{eks-access}:link-proposals";
const questionsKey = "{eks-access}:link-questions";

/** Whether the expected proposal waits. KEYS: 2: proposals. ARGV: user, its id or "" */
const waitingLua = `
local function waits()
  if ARGV[2] == '' then return true end
  local waiting = redis.call('HGET', KEYS[2], ARGV[1])
  local read, proposal = pcall(cjson.decode, waiting or '')
  return read and type(proposal) == 'table' and proposal.id == ARGV[2]
end
`;

/** KEYS: questions, proposals. ARGV: user, id of the expected proposal or "", questions or "". Returns 0, or those before in a list. */
const swapQuestionsScript = `${waitingLua}
if not waits() then return 0 end
local before = redis.call('HGET', KEYS[1], ARGV[1])
-- It came before, and its answer was lost.
if before == ARGV[3] then return { false } end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return { before }
`;

/**
 * One change of a person's links, with its event, or nothing.
 * KEYS: links of the person, proposals, head, events, replaced links of the person
 * ARGV: user, id of the expected proposal or "", account, link or "", proposal or "", event, event digest (hex), how long a replaced link stays
 * Returns 1, or 0 if the expected proposal does not wait.
 */
const changeLinkScript = `${chainLua}${indexLua}${waitingLua}
if is_logged(KEYS[4], ARGV[6]) then return 1 end
if not waits() then return 0 end
for i = 1, 2 do redis.call('HLEN', KEYS[i]) end
append_event(KEYS[3], KEYS[4], ARGV[6], ARGV[7])
if ARGV[4] ~= '' then
  local before = redis.call('HGET', KEYS[1], ARGV[3])
  if before then
    index('SADD', KEYS[5], before)
    redis.call('PEXPIRE', KEYS[5], ARGV[8])
  end
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
if ARGV[5] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[5]) end
return 1
`;

/**
 * A type that a person chose fails no other link. Only a set that is never empty keeps its time.
 * KEYS: links of the person, replaced links of the person. ARGV: account, link, the link in its place. Returns 1, or 0 if it is gone.
 */
const replaceLinkScript = scriptOf(`
local done = 0
if redis.pcall('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  done = 1
end
if redis.pcall('SISMEMBER', KEYS[2], ARGV[2]) == 1 then
  redis.call('SADD', KEYS[2], ARGV[3])
  redis.call('SREM', KEYS[2], ARGV[2])
  done = 1
end
return done
`);

const swappedForm = z.union([z.literal(0), z.array(z.string().nullable())]);

export type LinkLedger = ReturnType<typeof redisLinks>;

/** A person's principals: one in each account. */
export function redisLinks(store: Store) {
  const { redis } = store;
  return {
    /** Remembers the first principal that a person asked with in an account; an existing link stays. Without an event. */
    linkPrincipal: async (user: string, link: PrincipalLink) =>
      void (await redis.hsetnx(linksKey(user), accountIn(link.arn), JSON.stringify(link))),
    /** By account. Trust none without its seal. */
    linksOf: async (user: string): Promise<readonly PrincipalLink[]> => {
      const stored = (await hashOf(redis, linksKey(user))).sort(([a], [b]) => a.localeCompare(b));
      const links = await Promise.all(stored.map(([account, text]) => store.read("link", `${user} ${account}`, text)));
      return links.filter((link) => link !== null);
    },
    /** Those that a person replaced in the last week: no one approves for an identity by taking on another. Trust none without its seal. */
    formerLinksOf: async (user: string): Promise<readonly PrincipalLink[]> => {
      const texts = await wholeOf(redis, "SMEMBERS", formerKey(user));
      const links = await Promise.all(texts.map((text) => store.read("link", `${user} former`, text)));
      return links.filter((link) => link !== null);
    },
    /** Replaces the links of all people, also those of `formerLinksOf`, that nothing changed meanwhile. @param again null: it stays. @returns how many */
    replaceLinks: (again: SealedAgain) => replaceLinks(redis, again),
    /** False: the expected proposal is gone, and nothing changed. */
    changeLink: (change: LinkChange) => changeLink(redis, change),
    linkProposalOf: async (user: string) =>
      store.read("link proposal", user, await textOf(redis, "HGET", proposalsKey, user)),
    /**
     * Puts other questions to administrators about this person in the place of those before, and returns these. Trust no place without the
     * seal. @param proposal what they ask about; null: anything. "outdated": another one waits, and nothing changed
     */
    swapLinkQuestions: async (
      user: string,
      proposal: string | null,
      questions: LinkQuestions | null,
    ): Promise<LinkQuestions | null | "outdated"> => {
      const values = [user, proposal ?? "", questions ? JSON.stringify(questions) : ""];
      const swapped = await redis.eval(swapQuestionsScript, 2, questionsKey, proposalsKey, ...values);
      const before = swappedForm.parse(swapped);
      return before === 0 ? "outdated" : store.read("link questions", user, before[0] ?? null);
    },
    /** The open questions about each person. Trust no place without the seal. */
    linkQuestions: async (): Promise<ReadonlyMap<string, LinkQuestions>> => {
      return readEach(store, "link questions", await hashOf(redis, questionsKey));
    },
    /** What a worker found out about a person, by cluster, for a day at most. Trust none without its seal. */
    identitiesOf: async (user: string): Promise<ReadonlyMap<string, Identities>> => {
      const found = new Map<string, Identities>();
      // Each is gone before the next is parsed, if it is something else: all together can fill the memory.
      for (const [cluster, text] of await hashOf(redis, identitiesKey(user))) {
        const read = asIdentities(await store.read("identities", `${user} ${cluster}`, text));
        if (read) found.set(cluster, read);
      }
      return found;
    },
    rememberIdentities: async (found: Identities): Promise<void> => {
      const key = identitiesKey(found.user);
      await setField(redis, key, found.cluster, JSON.stringify(found));
      await redis.pexpire(key, identitiesKeptMs);
    },
    /** Who is in which Slack user group, as a Slack process shared it for a minute. Do not trust it without its seal. */
    userGroups: async (): Promise<unknown> => store.read("user groups", "", await textOf(redis, "GET", groupsKey)),
    shareUserGroups: async (groups: SharedGroups) =>
      void (await redis.set(groupsKey, JSON.stringify(groups), "PX", groupsKeptMs)),
  };
}

async function changeLink(redis: RedisClient, change: LinkChange): Promise<boolean> {
  const { user, expected, link, proposal, event } = change;
  const keys = [linksKey(user), proposalsKey, chainHeadKey, eventsKey, formerKey(user)];
  const done = await redis.eval(
    changeLinkScript,
    keys.length,
    ...keys,
    user,
    expected ?? "",
    accountIn(link?.arn ?? ""),
    link ? JSON.stringify(link) : "",
    proposal ? JSON.stringify(proposal) : "",
    ...chainText(event),
    formerKeptMs,
  );
  return done === 1;
}

type SealedAgain = (user: string, link: PrincipalLink) => PrincipalLink | null;

async function replaceLinks(redis: RedisClient, again: SealedAgain): Promise<number> {
  let replaced = 0;
  for await (const keys of keysOf(redis, linksKey("*"))) {
    for (const user of keys.map((key) => key.slice(linksKey("").length))) {
      const places = [linksKey(user), formerKey(user)] as const;
      const [links, former] = await Promise.all([hashOf(redis, places[0]), wholeOf(redis, "SMEMBERS", places[1])]);
      const texts = [...links, ...former.map((text) => ["", text] as const)];
      for (const [account, text] of texts) {
        const reading = readStored("link", user, text);
        const after = reading.type === "read" && again(user, reading.value);
        if (!after) continue;
        const values = [account, text, JSON.stringify(after)];
        replaced += Number(await runScript(redis, replaceLinkScript, places, values));
      }
    }
  }
  return replaced;
}

/** Where people's identities are looked up, and how they are verified. */
export interface IdentityLookUp {
  readonly ledger: Pick<LinkLedger, "linksOf" | "identitiesOf">;
  readonly config: { readonly identities: IdentityRules };
  readonly keys: { readonly decision: DecisionPublicKeys; readonly preview: PreviewPublicKeys };
  readonly now: () => Date;
}

/** What the ledger has of a person on a cluster, if a seal of ours confirms it. */
export async function knownIdentitiesOf(
  { ledger, config, keys, now }: IdentityLookUp,
  user: string,
  cluster: Cluster,
): Promise<KnownOf> {
  const [links, found] = await Promise.all([
    ledger.linksOf(user),
    needsEmail(config.identities) ? ledger.identitiesOf(user) : null,
  ]);
  return {
    links: links.filter((link) => isSealedLink(user, link, keys.decision)),
    found: readIdentities(found?.get(cluster.name), user, cluster, keys.preview, now()),
  };
}

/** If a seal of ours confirms them, with those of links that they replaced. A mere request identifies no one. */
export async function sealedArnsOf(
  lookUp: IdentityLookUp & { readonly ledger: Pick<LinkLedger, "formerLinksOf"> },
  users: Iterable<string>,
  cluster: Cluster,
): Promise<LinkedArns> {
  const sealed = async (user: string) => {
    const [{ links, found }, before] = await Promise.all([
      knownIdentitiesOf(lookUp, user, cluster),
      lookUp.ledger.formerLinksOf(user),
    ]);
    const former = before.filter((link) => isSealedLink(user, link, lookUp.keys.decision));
    const linked = [...links, ...former].filter((link) => link.seal?.by).map(({ arn }) => arn);
    return [...linked, ...(found ? sessionsIn(found) : [])];
  };
  return new Map(await Promise.all([...new Set(users)].map(async (user) => [user, await sealed(user)] as const)));
}

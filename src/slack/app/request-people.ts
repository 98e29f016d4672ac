import type { Click } from "../../access/approvals.ts";
import type { DecisionFacts } from "../../access/decide.ts";
import {
  asksIdentityCenter,
  identityInAccountOf,
  isNamedAs,
  isOwnByRule,
  type LinkedArns,
  linkedArnInAccountOf,
  linkInAccountOf,
  needsEmail,
} from "../../access/identities.ts";
import type { Cluster, Rule } from "../../access/policy/cluster.ts";
import { maySeeClusterMap } from "../../access/policy/permissions.ts";
import {
  approversOf,
  isNamedIn,
  isUser,
  namesIn,
  type Person,
  type RequesterFacts,
  ruleFor,
} from "../../access/policy/rule.ts";
import { isIdentityCenterRole, isOwnPrincipal, isSamePrincipal, sessionNameIn } from "../../access/principal.ts";
import { type AccessRequest, type Asked, type Decision, isTheirs, peopleOf } from "../../access/record.ts";
import { isAcceptedLink, isSealedDecision, isSealedLink, type PrincipalLink, sealLink } from "../../access/seals.ts";
import type { Config } from "../../config/config.ts";
import { sealedArnsOf } from "../../ledger/links.ts";
import { otherLeasesNow } from "../../ledger/look-ups.ts";
import { lookUpIdentities } from "../link/identities.ts";
import { noteAttempt } from "./attempts.ts";
import type { SlackContext } from "./context.ts";
import type { Account } from "./directory.ts";
import { noneIfGone } from "./people-called.ts";

type PeopleContext = Pick<SlackContext, "directory" | "config">;

/** A person as a cluster's policy sees them now. @param beside ids that can be this person's too @throws AccessError */
export async function personFor(
  { directory }: Pick<SlackContext, "directory">,
  cluster: Cluster | undefined,
  user: string,
  beside: readonly string[] = [],
): Promise<Person> {
  return { user, memberships: await directory.membershipsOf(user, namesFor(cluster, beside)) };
}

function namesFor(cluster: Cluster | undefined, beside: readonly string[]): readonly string[] {
  return [...new Set([...(cluster ? namesIn(cluster) : []), ...beside.filter(isUser)])];
}

/** The same where a user group only allows more: one that is gone from Slack has no one. In a rule's `who` a looser rule could decide. */
export async function memberFor(...[{ directory }, cluster, user, beside = []]: Parameters<typeof personFor>) {
  return { user, memberships: await membershipsNow(directory, user, namesFor(cluster, beside)) };
}

export async function membershipsNow(directory: SlackContext["directory"], user: string, named: readonly string[]) {
  const asked = named.map((name) => directory.membershipsOf(user, [name]).catch(noneIfGone));
  return (await Promise.all(asked)).flat().toSorted();
}

const nobody: Person = { user: "", memberships: [] };

/** The same as a reader of buttons. The policy gives nothing to a person without an active account. @throws AccessError */
export async function readerFor(context: PeopleContext, cluster: Cluster | undefined, user: string): Promise<Person> {
  return (await context.directory.accountOf(user)) === "active" ? memberFor(context, cluster, user) : nobody;
}

/** The same to end access, which works by ids alone while Slack does not answer. `checkPerson` did not wait for a late answer. */
export async function enderFor(...[context, cluster, user, beside]: Parameters<typeof personFor>): Promise<Person> {
  const account = context.directory.accountOf(user).catch(() => "active");
  const person = await memberFor(context, cluster, user, beside).catch(() => ({ user, memberships: [] }));
  return (await account) === "active" ? person : nobody;
}

export async function personShown({ directory, config }: PeopleContext, user: string): Promise<Person> {
  const ids = await directory.idsOf(user).catch(() => []);
  const named = [...new Set([...[...config.clusters.values()].flatMap(namesIn), ...ids])];
  return { user, memberships: await membershipsNow(directory, user, named).catch(() => []) };
}

/** The clusters whose access a person can see: only these are named to them. */
export async function clustersShown(context: PeopleContext, user: string): Promise<readonly Cluster[]> {
  const { clusters, linking } = context.config;
  const person = await personShown(context, user);
  return [...clusters.values()].filter((each) => maySeeClusterMap(each, person, linking.administrators));
}

/** The policy's facts about a requester now, for this ARN. @param asker the questions count for this person @throws AccessError */
export async function requesterFactsOf(
  context: SlackContext,
  cluster: Cluster,
  user: string,
  principal: string,
  asker = user,
): Promise<RequesterFacts> {
  const [{ memberships }, linked] = await Promise.all([
    personFor(context, cluster, user),
    hasLinkedOnlyRule(cluster) ? believedIdentityOf(context, user, cluster, principal, asker) : null,
  ]);
  return { memberships, linked };
}

/** A person's identity in the account of an ARN, by a sealed link or a worker; null: none, or they must link again. */
async function believedIdentityOf(context: SlackContext, user: string, cluster: Cluster, arn: string, asker = user) {
  const { ledger, config, keys } = context;
  const link = linkInAccountOf(await ledger.linksOf(user), arn);
  if (link?.seal && !isSealedLink(user, link, keys.decision)) {
    await noteAttempt(context, { act: "link", by: "slack", code: "no-seal", detail: { user, arn: link.arn } });
  }
  const { links, found, before } = await lookUpIdentities(context, user, cluster, asker);
  const { mustBeConfirmed } = config.linking;
  const believed = links.filter((each) => isAcceptedLink(user, each, mustBeConfirmed, keys.decision));
  return identityInAccountOf(config.identities, cluster, { links: believed, found: found ?? before }, arn);
}

/** Whether who asked could get, in another's name, what the policy denies them: by the same rule they have it too. */
export async function isInOthersName(
  context: SlackContext,
  cluster: Cluster,
  { requester, askedBy, level, principal }: Asked & Pick<AccessRequest, "level" | "principal">,
  rule: Rule | null,
): Promise<boolean> {
  if (!askedBy || ruleFor(cluster, level, await personFor(context, cluster, askedBy)) === rule) return false;
  const own = await believedIdentityOf(context, requester, cluster, principal, askedBy);
  // Everyone with a role gets what it gets.
  const askers = await believedIdentityOf(context, askedBy, cluster, principal);
  return !isOwnPrincipal(own, principal) || isSamePrincipal(askers, principal);
}

/** Whether a link does not count: without our seal never, otherwise as rules or administrators require. */
export function needsRenewal({ config, keys }: SlackContext, user: string, link: PrincipalLink): boolean {
  if (!requiresLinks(config)) return !isSealedLink(user, link, keys.decision);
  return !isAcceptedLink(user, link, config.linking.mustBeConfirmed, keys.decision);
}

/** Whether rules or administrators rely on links: then a request must not create one. */
export function requiresLinks({ clusters, linking }: Config): boolean {
  return linking.mustBeConfirmed || [...clusters.values()].some(hasLinkedOnlyRule);
}

function hasLinkedOnlyRule({ rules }: Cluster): boolean {
  return rules.some(({ principals }) => principals.linkedOnly);
}

/** The facts for a decision: the person, the requester, earlier approvers, and the principal's other leases. @throws AccessError */
export async function factsFor(
  context: SlackContext,
  cluster: Cluster,
  request: AccessRequest,
  { by, verdict }: Pick<Click, "by" | "verdict">,
): Promise<DecisionFacts> {
  // Someone with Redis can add thousands, and Slack is asked for each person.
  const sealed = request.approvals.filter((each) => isSealedDecision(each, request.id, context.keys.decision));
  const users = [...new Set([by, ...sealed.map((approval) => approval.by)])];
  const beside = [...peopleOf(request), ...users];
  const [requesterFacts, otherLeases, { links, isUnknown }, ...people] = await Promise.all([
    requesterFactsOf(context, cluster, request.requester, request.principal),
    otherLeasesNow(context.ledger, request, context.now()),
    approversOwn(context, cluster, request, users, verdict),
    ...users.map((user) => personFor(context, cluster, user, beside)),
  ]);
  const rule = ruleFor(cluster, request.level, { user: request.requester, memberships: requesterFacts.memberships });
  const approvers = rule ? approversOf(rule, cluster) : [];
  const whyNot = (person: Person): string | null => {
    if (!isNamedIn(approvers, person)) return noLongerApprover;
    const isTheirOwn =
      !rule?.selfApproval &&
      isSamePrincipal(linkedArnInAccountOf(links, person.user, request.principal), request.principal);
    return isTheirOwn ? "their account is linked to the principal now" : null;
  };
  // A denial needs no other facts, and must work without an answer of Slack.
  const earlier = verdict === "approved" ? sealed : [];
  const departed = await departedApprovers(context, cluster, earlier, whyNot);
  const isDenied = verdict === "approved" && (await isInOthersName(context, cluster, request, rule));
  const memberships = new Map(people.map(({ user, memberships }) => [user, memberships]));
  const own = { links, isOwnUnknown: isUnknown.has(by) };
  return { requesterFacts, otherLeases, ...own, isDenied, departed, memberships };
}

/** It can be for another person's user or session, and in a rescue AWS says whose session it was. All who share a role can review. */
export async function isOwnEmergency(context: SlackContext, cluster: Cluster, request: AccessRequest, user: string) {
  const { emergency } = request;
  if (!emergency) return false;
  for (const principal of emergency.as.length > 0 ? emergency.as : [request.principal]) {
    if (sessionNameIn(principal) === null && !principal.includes(":user/")) continue;
    const { links } = await approversOwn(context, cluster, { ...request, principal }, [user], "approved");
    // A link to the role is one of all who share it.
    const isOfOne = (arn: string) => (sessionNameIn(arn) === null) === (sessionNameIn(principal) === null);
    if (links.get(user)?.some((arn) => isOfOne(arn) && isSamePrincipal(arn, principal))) return true;
  }
  return false;
}

/** And those who could be the person who gets the access, because no worker or no directory knows who they are. */
async function approversOwn(
  context: SlackContext,
  cluster: Cluster,
  { principal, requester }: AccessRequest,
  users: readonly string[],
  verdict: Click["verdict"],
): Promise<{ readonly links: LinkedArns; readonly isUnknown: ReadonlySet<string> }> {
  // A link can be older than the id of the person's organization.
  const ids = await Promise.all(users.map((user) => context.directory.idsOf(user)));
  const sealed = await sealedArnsOf(context, ids.flat(), cluster);
  const links = new Map(
    users.map((user, index) => [user, ids[index]?.flatMap((id) => sealed.get(id) ?? []) ?? []] as const),
  );
  const { identities } = context.config;
  const isUnknown = new Set<string>();
  if (verdict === "denied" || !needsEmail(identities)) return { links, isUnknown };
  const isFromCenter = asksIdentityCenter(identities) && isIdentityCenterRole(principal);
  const look = async (user: string) => {
    const { found, before } = await lookUpIdentities(context, user, cluster);
    const answer = found ?? before;
    const known = answer && identityInAccountOf(identities, cluster, { links: [], found: answer }, principal);
    return { found, own: answer && isNamedAs(answer, principal) ? principal : known };
  };
  for (const user of users) {
    const isByRule = isOwnByRule(identities, await context.directory.emailOf(user), principal);
    if (isByRule === null) isUnknown.add(user);
    // An answer of before can say that it is theirs, and not that it is not: people get permission sets.
    const { found, own } = isFromCenter ? await look(user) : { found: null, own: null };
    links.set(user, [...(isByRule ? [principal] : []), ...(own ? [own] : []), ...(links.get(user) ?? [])]);
    if (!isFromCenter) continue;
    // With another address in Slack, Identity Center does not find a person: a session could be theirs, unless it is the requester's.
    const isHidden = found?.person === null && sessionNameIn(principal) !== null;
    if (!found || (isHidden && (await look(requester)).own !== principal)) isUnknown.add(user);
  }
  return { links, isUnknown };
}

/** Each with the reason as a clause. AWS keys and records in Redis outlive accounts. @throws AccessError: never a yes */
export async function departedApprovers(
  context: SlackContext,
  cluster: Cluster,
  approvals: readonly Decision[],
  whyNot: (person: Person) => string | null,
): Promise<ReadonlyMap<string, string>> {
  const departed = new Map<string, string>();
  for (const by of new Set(approvals.map((approval) => approval.by))) {
    const account = await context.directory.accountOf(by);
    const why = account === "active" ? whyNot(await personFor(context, cluster, by)) : goneAs[account];
    if (why !== null) departed.set(by, why);
  }
  return departed;
}

export const noLongerApprover = "they are no longer an approver";

const goneAs: Readonly<Record<Exclude<Account, "active">, string>> = {
  guest: "they are now a guest of the workspace",
  deactivated: "their Slack account is deactivated",
  "of-another-workspace": "their Slack account belongs to another workspace",
  bot: "their Slack account is a bot",
  unknown: "Slack does not know the account",
};

/**
 * Whether this person asked, or gets the access. A workspace that joins an Enterprise organization gives its people another id, and their
 * records and links keep the older one.
 */
export async function isOfPerson({ directory }: Pick<SlackContext, "directory">, asked: Asked, user: string) {
  return isTheirs(asked, user) || isTheirs(asked, user, await directory.idsOf(user).catch(() => []));
}

/** The id that counts. The links of older ids become its own; one that it has in the same account stays. @throws AccessError */
export async function currentIdOf(context: SlackContext, user: string): Promise<string> {
  const { directory, ledger, keys, log } = context;
  const id = await directory.idOf(user);
  const older = (await directory.idsOf(user)).filter((each) => each !== id);
  try {
    for (const each of older) {
      for (const { arn, seal } of (await ledger.linksOf(each)).filter((link) =>
        isSealedLink(each, link, keys.decision),
      )) {
        if (!seal) continue;
        // A link that the person made must not look as if another person confirmed it.
        const by = seal.by !== null && [each, ...older].includes(seal.by) ? id : seal.by;
        await ledger.linkPrincipal(id, { arn, seal: sealLink(id, arn, { by, at: seal.at }, keys.decision) });
      }
    }
  } catch (error) {
    log.warn({ err: error, user: id }, "could not read the links of an older id");
  }
  return id;
}

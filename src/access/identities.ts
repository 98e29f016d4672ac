import type { Identities } from "./found-identities.ts";
import { type Cluster, isSessionPinned, matchesArnPattern } from "./policy/cluster.ts";
import { bindsRoles } from "./policy/policy-text.ts";
import {
  admittedBy,
  entryArnOf,
  isIdentityCenterRole,
  isOwnPrincipal,
  isSamePrincipal,
  sessionNameIn,
  withoutRolePath,
} from "./principal.ts";
import { isRecent, type PrincipalLink } from "./seals.ts";

export interface IdentityCenterSettings {
  readonly region: string;
  readonly instanceArn: string;
  readonly identityStoreId: string;
  readonly roleArn: string;
  readonly externalId?: string | undefined;
}

export type IdentitySource =
  | { readonly type: "identity-center"; readonly settings: IdentityCenterSettings }
  | { readonly type: "links" }
  /** With the places `{account}` and `{email}`; a session belongs to this role. */
  | { readonly type: "rule"; readonly arn: string; readonly session: string | null };

export interface IdentityRules {
  /** The first that finds anything counts. */
  readonly sources: readonly IdentitySource[];
  /** How long a worker's answer counts. */
  readonly keepSeconds: number;
}

/** Without email addresses, a worker has nothing to look up. */
export function needsEmail({ sources }: IdentityRules): boolean {
  return sources.some(({ type }) => type !== "links");
}

/** In a warning to approvers: what the requester can do. */
export const theyCanLink = "They can use /eks-access link.";

export function asksIdentityCenter({ sources }: IdentityRules): boolean {
  return sources.some(({ type }) => type === "identity-center");
}

/** What a message asks a person to repair must not count much longer than the repair takes. */
const keepNoneSeconds = 60;

/** Whether an answer still counts. @param email the present one; null: Slack confirms none */
export function isCurrent(found: Identities, email: string | null, { keepSeconds }: IdentityRules, now: Date): boolean {
  const keptFor = found.why === null ? keepSeconds : Math.min(keepSeconds, keepNoneSeconds);
  return found.email === email && isRecent(found, now, keptFor * 1000);
}

export function rolesOf(permissionSets: readonly string[], named: readonly string[], account: string): string[] {
  const roles = named.map(withoutRolePath).filter((arn) => accountIn(arn) === account && isIdentityCenterRole(arn));
  return [...new Set(roles)].filter((arn) => permissionSets.includes(admittedBy(arn).name)).toSorted();
}

export function sessionsIn({ person }: Identities): readonly string[] {
  const sessions = (person?.roles ?? []).map((arn) => sessionOf(arn, person?.userName ?? ""));
  return sessions.filter((arn) => sessionNameIn(arn) !== null);
}

function sessionOf(roleArn: string, session: string): string {
  return `${withoutRolePath(roleArn).replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/${session}`;
}

/** IAM's names: an address with a slash would be a path, and name another person. */
const nameForm = /^[\w+=,.@-]+$/;

type IdentityRule = Extract<IdentitySource, { type: "rule" }>;

/** A rule's answer about a person; none: their address can't be a name in IAM. */
function byRule(rule: IdentityRule, account: string, email: string): readonly string[] {
  return nameForm.test(email) ? [filled(rule, account, email)] : [];
}

function filled({ arn, session }: IdentityRule, account: string, email: string): string {
  const fill = (form: string) => form.replaceAll("{account}", account).replaceAll("{email}", email);
  return session === null ? fill(arn) : sessionOf(fill(arn), fill(session));
}

/** For `doctor`: clusters that refuse the sessions of a rule, because people could choose their names. */
export function refusedSessionWarnings({ sources }: IdentityRules, clusters: readonly Cluster[]): readonly string[] {
  return sources.flatMap((source) => {
    if (source.type !== "rule" || source.session === null) return [];
    return clusters.flatMap((cluster) => {
      const role = source.arn.replaceAll("{account}", cluster.account);
      if (isSessionPinned(cluster, withoutRolePath(role)) || !cluster.levels.some(({ groups }) => bindsRoles(groups)))
        return [];
      return `${cluster.name} refuses the sessions of ${role} in identities. If its trust policy fixes them, an operator can use pinnedSessions.`;
    });
  });
}

/** What is known about a person on a cluster, all verified. */
export interface KnownOf {
  /** With a seal of ours. */
  readonly links: readonly PrincipalLink[];
  /** Null: a worker has not answered. */
  readonly found: Identities | null;
}

export interface OwnIdentities {
  readonly arns: readonly string[];
  /** Why there are none, and the fix, in sentences; null: no reason to give. */
  readonly why: string | null;
}

export const noIdentities: OwnIdentities = { arns: [], why: null };

/** A person's ARNs on a cluster, by the first source that finds any. */
export function ownIdentities({ sources }: IdentityRules, cluster: Cluster, known: KnownOf): readonly string[] {
  for (const source of sources) {
    const arns = identitiesBy(source, cluster, known);
    if (arns.length > 0) return arns;
  }
  return [];
}

function identitiesBy(source: IdentitySource, cluster: Cluster, { links, found }: KnownOf): readonly string[] {
  if (source.type === "identity-center") return found ? sessionsIn(found) : [];
  if (source.type === "rule") return found ? byRule(source, cluster.account, found.email) : [];
  const arns = links.map(({ arn }) => arn);
  return [linkedArnOn(arns, cluster)].filter((arn) => arn !== null);
}

/** A person's identity beside this principal: itself, if it is theirs; otherwise another one in its account. Null: none is known there. */
export function identityInAccountOf(
  rules: IdentityRules,
  cluster: Cluster,
  known: KnownOf,
  principal: string,
): string | null {
  if (known.found && isOfPerson(known.found, cluster, principal)) return principal;
  const arns = rules.sources.flatMap((source) =>
    source.type === "links" ? known.links.map(({ arn }) => arn) : identitiesBy(source, cluster, known),
  );
  const beside = arns.filter((arn) => accountIn(arn) === accountIn(principal));
  return beside.find((arn) => isOwnPrincipal(arn, principal)) ?? beside[0] ?? null;
}

/** Whether a rule gives this principal to this person alone: what it gives to everyone is no one's own. Null: Slack confirms no address. */
export function isOwnByRule({ sources }: IdentityRules, email: string | null, principal: string): boolean | null {
  const account = accountIn(principal);
  const isOfSession = sessionNameIn(principal) !== null;
  const rules = sources
    .filter((source) => source.type === "rule")
    .filter(({ arn }) => isOfSession || arn.includes("{email}"));
  if (email === null)
    return rules.some((rule) => matchesArnPattern(filled(rule, account, "*"), principal)) ? null : false;
  return rules.some((rule) => byRule(rule, account, email).some((arn) => isSamePrincipal(arn, principal)));
}

/** Whether a session has a person's name in Identity Center, whatever its account and permission set: they can get both. */
export function isNamedAs({ person }: Identities, principal: string): boolean {
  const session = isIdentityCenterRole(principal) ? sessionNameIn(principal) : null;
  return session !== null && session.toLowerCase() === person?.userName.toLowerCase();
}

/** Whether a role of Identity Center, or a session of one, is this person's: the cluster need not name the role for that. */
function isOfPerson({ person }: Identities, { account }: Cluster, principal: string): boolean {
  if (!person || accountIn(principal) !== account || !isIdentityCenterRole(principal)) return false;
  const session = sessionNameIn(principal);
  const set = admittedBy(entryArnOf(principal)).name;
  return person.permissionSets.includes(set) && (session === null || session === person.userName);
}

export function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** Only to show or to offer: these seals are unchecked. */
export function arnsOf(links: readonly PrincipalLink[]): readonly string[] {
  return links.map(({ arn }) => arn);
}

/** By Slack user id: the ARNs of people's links, and those that a worker found. */
export type LinkedArns = ReadonlyMap<string, readonly string[]>;

export function linkInAccountOf(links: readonly PrincipalLink[], arn: string): PrincipalLink | null {
  return links.find((link) => accountIn(link.arn) === accountIn(arn)) ?? null;
}

/** A person's ARN in the account of this one, the principal itself if it is theirs; null: none. @param user Slack user id */
export function linkedArnInAccountOf(links: LinkedArns | undefined, user: string, arn: string): string | null {
  const inAccount = links?.get(user)?.filter((each) => accountIn(each) === accountIn(arn)) ?? [];
  return inAccount.find((each) => isSamePrincipal(each, arn)) ?? inAccount[0] ?? null;
}

/** The linked ARN for a cluster: in its own account, else in a foreign one that it takes, else the only link. Null: none fits. */
export function linkedArnOn(
  arns: readonly string[],
  cluster: Pick<Cluster, "account" | "foreignAccounts"> | null,
): string | null {
  const accounts = cluster ? [cluster.account, ...cluster.foreignAccounts] : [];
  const fitting = accounts.map((account) => arns.find((arn) => accountIn(arn) === account));
  return fitting.find((arn) => arn !== undefined) ?? (arns.length === 1 ? (arns[0] ?? null) : null);
}

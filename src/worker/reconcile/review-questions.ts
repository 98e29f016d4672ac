import { hash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { groupsBy } from "../../access/collections.ts";
import type { MappedIdentity } from "../../access/lease/lease-record.ts";
import type { AccessCheck, Cluster, PathCheck } from "../../access/policy/cluster.ts";
import { kubernetesGroups, namespaceOf, type PlacedRole, placedRoleOf } from "../../access/policy/policy-text.ts";
import {
  givesRight,
  pathToAsk,
  type RoleRule,
  type RoleSeen,
  rightToAsk,
  rulesIn,
} from "../../access/policy/rights.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import type { ClusterClient, ResourceAccess } from "../../kubernetes/cluster-client.ts";
import { isTooLarge } from "../../operations/bounds.ts";
import { inParallel, once } from "../../operations/parallel.ts";

export interface Reviewer extends Pick<ClusterClient, "may" | "roleRules"> {
  /** Only of a run that has just written: asks anew. */
  readonly again?: ClusterClient["may"];
}

/**
 * Asks equal questions once: in one run, hundreds of leases ask about another session of their role. The answer holds
 * for each lease written before the first question. It repeats an unanswered question.
 * @param roles as the run has read them
 */
export function askingOnce(client: Reviewer, roles: ReadonlyMap<string, RoleSeen> = new Map()): Reviewer {
  return {
    may: once(client.may),
    again: client.may,
    roleRules: once(async (role, namespace) => {
      const seen = [...roles].find(([text]) => isSameRole(placedRoleOf(text), { ...role, namespace }));
      return seen ? seen[1].rules : client.roleRules(role, namespace);
    }),
  };
}

function isSameRole(seen: PlacedRole | null, { kind, name, namespace }: PlacedRole): boolean {
  return seen?.kind === kind && seen.name === name && (kind === "ClusterRole" || seen.namespace === namespace);
}

/**
 * If a level that binds roles names nothing to verify, each binding has a question about one right of its role, as it is now.
 */
export async function questionsOf(
  client: Reviewer,
  cluster: Cluster,
  request: ApprovedRequest,
): Promise<{ readonly checks: readonly Check[]; readonly failure: Answers["failure"] }> {
  const checks = checksOf(cluster, request);
  if (checks.length > 0) return { checks, failure: null };
  try {
    const rights = await rightsOf(client, request);
    return { checks: [...new Map(rights.map((check) => [JSON.stringify(check), check])).values()], failure: null };
  } catch (error) {
    return { checks: [], failure: { error } };
  }
}

/** One right of each role that a lease binds, as the role is now. */
async function rightsOf(client: Pick<Reviewer, "roleRules">, request: ApprovedRequest): Promise<readonly Check[]> {
  return (await boundRules(client, request)).flatMap(({ namespace, rules }) => {
    const right = rightToAsk(rules);
    return (right ? { ...right, namespace: namespace ?? "" } : pathToAsk(rules)) ?? [];
  });
}

/** Whether a role that the lease binds gives this right: until the API server knows the binding, its refusal is of before. */
export async function mayGive(
  client: Pick<Reviewer, "roleRules">,
  request: ApprovedRequest,
  check: Check,
): Promise<boolean> {
  const isThere = (place: string | null) => place === null || ("namespace" in check && check.namespace === place);
  const bound = await boundRules(client, request);
  return bound.some(({ namespace, rules }) => isThere(namespace) && givesRight(rules, check));
}

function boundRules({ roleRules }: Pick<Reviewer, "roleRules">, { groups }: ApprovedRequest) {
  const roles = groups.flatMap((text) => placedRoleOf(text) ?? []);
  return inParallel(roles, async ({ kind, name, namespace }) => {
    const rules = await roleRules({ kind, name }, kind === "Role" ? namespace : null);
    return { namespace, rules: rulesIn(rules ?? [], [namespace]) };
  });
}

/** A check of every namespace becomes one for each of the lease's, unless it covers the whole cluster. */
export function checksOf({ levels }: Cluster, { level, groups }: ApprovedRequest): readonly AccessCheck[] {
  const checks = levels.find(({ name }) => name === level)?.verify ?? [];
  const places = groups.map(namespaceOf);
  if (places.includes(null)) return checks;
  const namespaces = [...new Set(places.filter((place) => place !== null))].filter((place) => !place.includes("*"));
  return checks.flatMap((check) =>
    check.namespace === "" ? namespaces.map((namespace) => ({ ...check, namespace })) : [check],
  );
}

export type Check = AccessCheck | PathCheck;

export type Question = { readonly identity: MappedIdentity; readonly check: Check };

export interface Answers {
  readonly auditIds: readonly string[];
  readonly reasons: readonly string[];
  /** The first question with the wanted answer, and the API server's reason; null: none. */
  readonly found: (Question & { readonly reason: string }) | null;
  readonly failure: { readonly error: unknown } | null;
}

export async function askUntil(client: Reviewer, questions: readonly Question[], isAllowed: boolean): Promise<Answers> {
  const auditIds: string[] = [];
  const reasons: string[] = [];
  for (const question of questions) {
    const { username, groups } = question.identity;
    try {
      const user = { username, groups: kubernetesGroups(groups) };
      const { allowed, reason, auditId } = await client.may(user, accessOf(question.check));
      if (auditId !== null) auditIds.push(auditId);
      reasons.push(reason);
      if (allowed === isAllowed) return { auditIds, reasons, found: { ...question, reason }, failure: null };
    } catch (error) {
      return { auditIds, reasons, found: null, failure: { error } };
    }
  }
  return { auditIds, reasons, found: null, failure: null };
}

/** RBAC learns of a binding a moment after its write, and each API server for itself. Milliseconds. */
const looks = [50, 100, 200, 400, 800];

/** The same right after a write. @param isLate whether an answer can be of before it */
export async function askAfterWrite(
  client: Reviewer,
  questions: readonly Question[],
  isAllowed: boolean,
  isLate: (found: NonNullable<Answers["found"]>) => boolean | Promise<boolean>,
): Promise<Answers> {
  let answers = await askUntil(client, questions, isAllowed);
  const { again } = client;
  for (const ms of looks) {
    if (!again || !answers.found || !(await isLate(answers.found))) break;
    await wait(ms);
    answers = await askUntil({ ...client, may: again }, questions, isAllowed);
  }
  return answers;
}

export function accessOf(check: Check): ResourceAccess | PathCheck {
  if ("path" in check) return check;
  const { verb, resource, group, namespace, name } = check;
  return { verb, resource, ...(group && { group }), ...(namespace && { namespace }), ...(name && { name }) };
}

export function inWords(check: Check): string {
  if ("path" in check) return `${check.verb} the path ${check.path}`;
  const { verb, resource, group, namespace, name } = check;
  const isAll = verb === "*" && resource === "*" && group === "*";
  return `${isAll ? "do everything" : `${verb} ${resource}${group && `.${group}`}${name ? ` ${name}` : ""}`} ${namespace ? `in ${namespace}` : "in every namespace"}`;
}

/**
 * Reads the roles that these level texts name, each once. By text. A role that is too large stops no other.
 * @param given of leases in force: a role of these alone that can't be read is left out. @throws AccessError
 */
export async function rolesSeen(
  client: Pick<ClusterClient, "roleRules">,
  texts: readonly string[],
  given: readonly string[] = [],
): Promise<ReadonlyMap<string, RoleSeen>> {
  const needed = new Set(texts);
  const named = [...new Set([...texts, ...given])].flatMap((text) => {
    const role = placedRoleOf(text);
    return role ? [{ ...role, text }] : [];
  });
  const same = groupsBy(named, ({ kind, name, namespace }) =>
    JSON.stringify([kind, name, kind === "Role" ? namespace : null]),
  );
  const seen = await inParallel([...same.values()], async (each) => {
    const [{ kind, name, namespace }] = each;
    const isNeeded = each.some(({ text }) => needed.has(text));
    const reading = client.roleRules({ kind, name }, kind === "Role" ? namespace : null);
    const rules = await reading.catch((error: unknown): "unread" => {
      if (isNeeded && !isTooLarge(error)) throw error;
      return "unread";
    });
    if (rules === "unread" && !isNeeded) return [];
    const role: RoleSeen = rules === "unread" ? { rules: [], digest: null } : { rules, digest: digestOf(rules) };
    return each.map(({ text }) => [text, role] as const);
  });
  return new Map(seen.flat());
}

function digestOf(rules: readonly RoleRule[] | null): string {
  return hash("sha256", canonicalJson(rules as unknown as Json)).slice(0, 32);
}

import { z } from "zod";
import { type Immutable, textForm, textsForm } from "../lease/lease-record.ts";
import type { Cluster, Rule } from "./cluster.ts";

export interface Person {
  readonly user: string;
  /** The user groups (`S012ABCDEF`), e-mail domains (`@example.com`) and other ids of the policy that are this person's. */
  readonly memberships: readonly string[];
}

/** What the policy knows about a requester. Redis alone never proves it: each approval seals it. */
export type RequesterFacts = Immutable<z.output<typeof requesterFactsForm>>;
export const requesterFactsForm = z.strictObject({
  memberships: textsForm,
  /** The principal that the requester's Slack account is linked with; null: none, or no rule needs it. */
  linked: textForm.nullable(),
});

export const noRequesterFacts: RequesterFacts = { memberships: [], linked: null };

/** Whether the policy decides the same for both. */
export function haveSameFacts(a: RequesterFacts, b: RequesterFacts): boolean {
  return a.linked === b.linked && a.memberships.toSorted().join() === b.memberships.toSorted().join();
}

/** Whether a list of the policy names this person: by the user id, a user group or an e-mail domain. */
export function isNamedIn(names: readonly string[], { user, memberships }: Person): boolean {
  return names.includes(user) || memberships.some((each) => names.includes(each));
}

/** The approvers of a rule: Slack user ids and user groups. */
export function approversOf(rule: Pick<Rule, "approvers">, cluster: Pick<Cluster, "approvers">): readonly string[] {
  return rule.approvers ?? cluster.approvers;
}

export function isApproverOf(cluster: Cluster, person: Person): boolean {
  return isNamedIn(clusterApprovers(cluster), person);
}

/** The approvers of a cluster, by any of its rules: Slack user ids and user groups. */
export function clusterApprovers(cluster: Cluster): readonly string[] {
  const byRules = cluster.rules.flatMap((rule) => approversOf(rule, cluster));
  return [...new Set([...cluster.approvers, ...byRules])];
}

export function isResponsibleFor(cluster: Cluster, person: Person): boolean {
  return isApproverOf(cluster, person) || isNamedIn(cluster.onCall, person);
}

/** Every name in the policy, to ask which of them are a person's: user groups, e-mail domains, and ids. */
export function namesIn(cluster: Cluster): readonly string[] {
  const named = [
    ...clusterApprovers(cluster),
    ...cluster.onCall,
    ...cluster.rules.flatMap(({ who }) => who ?? []),
    ...(cluster.breakGlass?.who ?? []),
  ];
  return [...new Set(named)].sort();
}

/** Whether a name is a Slack user id. Lists can also hold user groups (`S…`) and e-mail domains (`@…`). */
export function isUser(name: string): boolean {
  return /^[UW]/.test(name);
}

import type { MemoryKeys } from "../../access/approval/seal.ts";
import { shareOf } from "../../access/lease/due-work.ts";
import { baseOf, targetOf } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/username.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { covers, policiesIn, policyTexts } from "../../access/policy/policy-text.ts";
import type { MappedIdentity } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { NamedEntry } from "../../aws-auth/index.ts";
import { unifiedDiff } from "../../aws-auth/index.ts";
import type { EntryState } from "../reconcile/entry-state.ts";
import { refuseTarget } from "../reconcile/settle-entries.ts";
import type { ChangePreview, RequestedChange } from "../reconcile/way-adapter.ts";
import { sameUsernameWarnings, sessionWarnings } from "./preview-warnings.ts";

/** What would change of somebody's access entry; or why it can't be done. */
export function previewByEntry(
  cluster: Cluster,
  keys: MemoryKeys,
  state: EntryState,
  { request, principal, beginning }: RequestedChange,
): ChangePreview {
  const { arn } = principal;
  const key = arn.toLowerCase();
  const today = state.identityOf(arn);
  const holding = state.holdings.get(key);
  const base = baseOf(today, holding);
  if (base && request.groups.every((group) => covers(base.groups, group))) {
    const message = `${arn} has ${request.groups.join(", ")} in ${cluster.name} already, without end.`;
    return { type: "refused", refusal: { code: "already-mapped", message } };
  }
  const username = today?.username ?? usernameFor(principal);
  const shares = [...(holding?.shares ?? []), ...beginning, shareOf(request, new Date(request.createdAt))];
  const target = targetOf(arn, today, holding, shares, username);
  const refusal = refuseTarget(cluster, state, keys, target);
  if (refusal) return { type: "refused", refusal };
  const groups = target.change.type === "map" ? target.change.groups : request.groups;
  const afterwards = { username, groups };
  const entry = state.entries.get(key);
  const diff = unifiedDiff("access-entry", today && textOf(entry, arn, today), textOf(entry, arn, afterwards));
  return {
    type: "change",
    way: "access-entry",
    diff,
    base,
    today,
    afterwards,
    warnings: [
      ...(today ? [] : sameUsernameWarnings(username, arn, namedIn(state))),
      ...sessionWarnings(username, arn),
    ],
  };
}

/** The entries that were read, and what aws-auth has beside them. */
function namedIn({ entries, mappedEntries }: EntryState): readonly NamedEntry[] {
  const read = [...entries.values()].map(({ principalArn, username }) => ({ arn: principalArn, username }));
  return [...read, ...mappedEntries()];
}

/** An entry as people read it, line by line. */
function textOf(entry: AccessEntry | undefined, arn: string, { username, groups }: MappedIdentity): string {
  const policies = policiesIn(groups).flatMap(policyTexts);
  const plain = groups.filter((group) => !group.startsWith("policy "));
  return [
    `principal: ${entry?.principalArn ?? arn}`,
    `username: ${username}`,
    ...plain.map((group) => `group: ${group}`),
    ...policies.map((policy) => policy.replace("policy ", "policy: ")),
    "",
  ].join("\n");
}

import { permanentSeconds } from "../../src/access/lease/lease-record.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../../src/access/record.ts";
import { approvalMessage } from "../../src/slack/decide/approval-message.ts";
import type { Message } from "../../src/slack/show/message.ts";
import { beginRescue } from "../../src/worker/rescue/rescue.ts";
import { aCluster } from "./a-cluster.ts";
import {
  aDecision,
  aLeasedRequest,
  anApprovedRequest,
  aPreview,
  aPreviewedRequest,
  aProof,
  changed,
} from "./a-request.ts";
import { aTrouble } from "./a-trouble.ts";
import { anEmergency } from "./an-emergency.ts";
import { openMigrationCards, settledMigrationCards, word } from "./migration-cards.ts";
import { states } from "./states.ts";
import { at, hours } from "./times.ts";

const approvers = ["U0APPROVER", "U0APPROVER2", "U0APPROVER3", "U0APPROVER4", "U0APPROVER5"];
export const cardCluster = aCluster({ approvers, onCall: ["U0ONCALL", "U0ONCALL2", "U0ONCALL3"] });

export const reason =
  "The rollout of the checkout service hangs since the release of this morning, customers can't pay, and the logs of the pods in shop and payments are needed to see why; ticket OPS-1234 has the rest of the story.";
/** Letters as wide as two others. */
const wideReason = "今朝のリリース以降、決済サービスのロールアウトが止まり、お客様が支払えません。".repeat(4);
export const role = "arn:aws:iam::111122223333:role/platform-engineering-oncall";
const permissionSet = "arn:aws:iam::111122223333:role/AWSReservedSSO_PlatformEngineering_0123456789abcdef";
const person =
  "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_PlatformEngineering_0123456789abcdef/alexandra.smith@example.com";

const warnings = [
  "First time: the requester had no such lease on staging.",
  "Not own identity: the requester is linked to arn:aws:iam::111122223333:user/a.",
];
const everything = [{ group: "system:masters", role: "built in", where: "in every namespace", allows: "everything" }];
export const clusterAdmin = [
  { group: "a", role: "ClusterRole admin", where: "in every namespace", allows: "everything" },
];
export const everyWarning = [
  "Full control: by system:masters, not for one person alone.",
  ...warnings,
  "Another account: the principal is in an account that is not the cluster's.",
  "Gives nothing: no binding names these groups.",
  "Problems in `aws-auth`: 3.",
];
const manyRights = Array.from({ length: 5 }, (_, index) => ({
  group: `role-${index}`,
  role: "ClusterRole edit",
  where: `in shop-${index}`,
  allows: "read secrets; read and change pods, deployments, statefulsets, daemonsets, jobs and 31 more",
}));
const others = [{ id: "r-0", groups: ["admins"], endsAt: at(hours(5)).toISOString() }];
const until = at(hours(9)).toISOString();

const warned: Partial<AccessRequest> = {
  groups: ["system:masters"],
  principal: permissionSet,
  approvalsWanted: 3,
  approvals: [aDecision()],
  voided: { by: ["U0APPROVER"], message: "x" },
  preview: aPreview({ warnings: everyWarning, rights: manyRights, leases: others }),
};

/** Requests that wait, of every kind. */
export const kinds: Readonly<Record<string, Partial<AccessRequest>>> = {
  "of groups": { preview: aPreview({ warnings, rights: manyRights }) },
  "of an access policy": {
    groups: ["policy AmazonEKSEditPolicy in payments"],
    principal: role,
    preview: aPreview({ way: "access-entry", warnings, rights: manyRights }),
  },
  "of bindings for one person": {
    groups: ["ClusterRole edit in shop", "ClusterRole edit in payments"],
    namespaces: "payments,shop",
    principal: person,
    preview: aPreview({ way: "binding", warnings, rights: manyRights }),
  },
  "of a permission set": { principal: permissionSet, preview: aPreview({ warnings, rights: manyRights }) },
  "of an extension": { extends: "r-7k3f9s2d", until, preview: aPreview({ warnings, diff: "" }) },
  "of full control": {
    groups: ["system:masters"],
    principal: role,
    preview: aPreview({ warnings, rights: everything }),
  },
  "of permanent access": { durationSeconds: permanentSeconds, preview: aPreview({ warnings }) },
  "with two approvals": { approvalsWanted: 2, preview: aPreview({ warnings }) },
  "with one of two approvals": { approvalsWanted: 2, approvals: [aDecision()], preview: aPreview({ warnings }) },
  "beside other leases": { principal: permissionSet, preview: aPreview({ warnings, leases: others }) },
  "with a ticket": { ticket: "OPS-1234", preview: aPreview({ warnings }) },
  "that RBAC makes full control": {
    groups: ["eks-access:admins"],
    preview: aPreview({ warnings, rights: clusterAdmin }),
  },
  // Only the holder of a lease extends it.
  "for another person, with every warning": { ...warned, askedBy: "U0LEAD" },
  "of an extension, with every warning": { ...warned, extends: "r-7k3f9s2d", until },
  "of everything at once": {
    groups: ["system:masters"],
    principal: permissionSet,
    durationSeconds: permanentSeconds,
    approvalsWanted: 2,
    approvals: [aDecision()],
    ticket: "OPS-1234",
    preview: aPreview({ warnings, rights: everything, leases: others }),
  },
};

const chosen = (count: number, length: number) =>
  Array.from({ length: count }, (_, index) => `${word(length - 1)}${index}`).join(",");

type Change = Partial<AccessRequest>;

/** What people write often. */
const usual: Change = { reason, cluster: "payments-dev", level: "cluster-view" };
/** Names of 24 characters. */
const roomy: Change = {
  reason,
  cluster: word(24),
  level: `${word(20)}edit`,
  principal: `arn:aws:iam::111122223333:role/${word(24)}`,
};
/** What the configuration and Slack allow at most: names of 63 characters, a role's of 64, ten namespaces. */
export const longest: Change = {
  reason,
  cluster: word(63),
  level: `${word(59)}edit`,
  principal: `arn:aws:sts::111122223333:assumed-role/${word(64)}/${word(64)}`,
  namespaces: chosen(10, 63),
};

const isWaiting = ({ state, emergency }: AccessRequest) =>
  state === "pending" || (emergency !== null && !emergency.review);
const decided = Object.entries(states).filter(([, request]) => !isWaiting(request));
const waiting = Object.entries(states).filter(([, request]) => isWaiting(request));
const [approval] = anApprovedRequest().approvals;

const more: Readonly<Record<string, AccessRequest>> = {
  "denied at length": aPreviewedRequest({ state: "denied", denial: aDecision({ verdict: "denied", why: reason }) }),
  "approved by two": changed(anApprovedRequest(), {
    approvals: approval ? [approval, { ...approval, by: "U0APPROVER2" }] : [],
  }),
  "being removed, because its approval is void": aLeasedRequest({ voidSince: at(hours(1)).toISOString() }),
  "active, for everyone with a role": aLeasedRequest({ state: "active" }, { principal: role }),
  "active, for everyone with a role, and not signed in": aLeasedRequest(
    { state: "active", signInDueAt: null, proof: aProof({ signedIn: { result: "no", detail: "refused" } }) },
    { principal: role },
  ),
  "ended by an old copy": aLeasedRequest({
    state: "ended",
    end: { cause: "replayed", by: "worker", at: at(9).toISOString(), why: "" },
    endedAt: at(9).toISOString(),
  }),
  "closed, because its cluster is gone": aLeasedRequest({
    state: "ended",
    end: { cause: "cluster-gone", by: "U0ONCALL", at: at(9).toISOString(), why: reason },
    endedAt: at(9).toISOString(),
  }),
  "ended, and the cluster has no record of it": aLeasedRequest({
    state: "ended",
    endedAt: at(9).toISOString(),
    isForgotten: true,
  }),
  "being revoked, and something fails": aLeasedRequest(
    { state: "active", end: { cause: "revoked", by: "U0ONCALL", at: at(9).toISOString(), why: reason } },
    { trouble: aTrouble({ attempts: 12 }) },
  ),
};

const extension = (request: AccessRequest): ApprovedRequest => {
  if (request.state !== "approved") throw new Error("It is approved.");
  return request;
};
const extensions = {
  "extended, and active": extension(aLeasedRequest({ state: "active" }, { id: "r-7k3f9s2d" })),
  "extended, and ended": extension(
    aLeasedRequest({ state: "ended", endedAt: at(9).toISOString() }, { id: "r-7k3f9s2d" }),
  ),
};

type Cards = Readonly<Record<string, Message>>;

function requestCards(
  requests: readonly (readonly [string, AccessRequest])[],
  change: Partial<AccessRequest>,
  cluster: Cluster | null = cardCluster,
): Cards {
  return Object.fromEntries(
    requests.map(([name, request]) => [name, approvalMessage(changed(request, change), cluster ?? undefined)]),
  );
}

function named(suffix: string, cards: Cards): Cards {
  return Object.fromEntries(Object.entries(cards).map(([name, card]) => [`${name}, ${suffix}`, card]));
}

const asked = Object.entries(kinds).map(([name, change]) => [name, aPreviewedRequest(change)] as const);
const rescue = beginRescue(
  {
    ...{
      cluster: cardCluster,
      principalArn: role,
      by: "U0ONCALL",
      durationSeconds: 3600,
      reason,
      good: null,
      keeps: false,
    },
    as: person,
  },
  "r-1",
  { now: () => at(0) },
  3600,
);
const emergency: readonly (readonly [string, AccessRequest])[] = [
  ["a rescue", rescue],
  ["emergency access", { ...anEmergency(), principal: permissionSet }],
];

const every = [...asked, ...waiting, ...emergency];
const outcomes = [...decided, ...Object.entries(more)];

const departed = ["U0APPROVER2", "U0APPROVER3", "U0APPROVER4"];
const pressed: Cards = {
  "with every warning, and approvers are gone": approvalMessage(
    changed(aPreviewedRequest(warned), roomy),
    cardCluster,
    { departed, present: ["U0APPROVER", "U0APPROVER5"] },
  ),
  "with every warning, and no approver is left": approvalMessage(
    changed(aPreviewedRequest(warned), roomy),
    cardCluster,
    { departed, present: [] },
  ),
  "with every warning, and something fails": approvalMessage(
    changed(aPreviewedRequest({ ...warned, trouble: aTrouble({ attempts: 12 }) }), roomy),
    cardCluster,
  ),
};

/** The same, asked by another person. Only the holder of a lease extends it. */
const byAnother = every.map(
  ([name, each]) => [name, each.extends ? each : changed(each, { askedBy: "U0LEAD" })] as const,
);

/** The cards of which someone must decide, of every kind. */
export const openCards = {
  usual: { ...requestCards(every, usual), ...openMigrationCards(12) },
  long: {
    ...pressed,
    ...requestCards(every, roomy),
    ...openMigrationCards(24),
    ...named("in namespaces", requestCards(byAnother, { ...roomy, namespaces: chosen(2, 24) })),
    ...named("in wide letters", requestCards(every, { ...roomy, reason: wideReason })),
    ...named("for a person", requestCards(every, { ...roomy, principal: person })),
    ...named("whose cluster was removed", requestCards([...asked, ...waiting], roomy, null)),
  },
  longest: { ...requestCards(byAnother, longest), ...openMigrationCards(63) },
} as const;

const extended = (change: Change): Cards =>
  Object.fromEntries(
    Object.entries(extensions).map(([name, each]) => [
      name,
      approvalMessage(changed(aLeasedRequest({ state: "active" }), change), cardCluster, null, each),
    ]),
  );

const settledOf = (change: Change) => ({ ...requestCards(outcomes, change), ...extended(change) });

/** The cards of every outcome. */
export const settledCards = {
  usual: {
    ...named("on staging", requestCards(decided, {})),
    ...settledOf(usual),
    ...named("whose cluster was removed", requestCards(outcomes, usual, null)),
    ...settledMigrationCards(12),
  },
  namespaces: settledOf({ ...usual, namespaces: chosen(3, 24) }),
  longest: { ...settledOf(longest), ...settledMigrationCards(63) },
} as const;

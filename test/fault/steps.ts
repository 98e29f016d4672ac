import type { ProcessName } from "./killable-product.ts";

/** What a person does; every call of the product belongs to one of them. */
export const phases = ["ask", "approve", "revoke"] as const;
export type Phase = (typeof phases)[number];

/** One call of the flow, that a fault can strike. */
export interface Step {
  readonly phase: Phase;
  readonly call: string;
  /** Which call of this kind, counted from the beginning of the phase, or from `after`. */
  readonly nth: number;
  /** Whose call it is. The cluster's own call to STS counts as the worker's: it waits for the answer. */
  readonly by: ProcessName;
  /** Armed only when this call has come: how many messages come before it is a matter of time. */
  readonly after?: string;
  /** The only way to end the access that makes this call; absent: both ways do. */
  readonly ending?: "revoked" | "expired";
}

/** `approve: sts.GetCallerIdentity 2` */
export function nameOf({ phase, call, nth, after }: Step): string {
  return `${phase}: ${call} ${nth}${after ? ` after ${after}` : ""}`;
}

const by =
  (who: ProcessName) =>
  (phase: Phase, call: string, nth = 1, after?: string): Step => ({
    phase,
    call,
    nth,
    by: who,
    ...(after === undefined ? {} : { after }),
  });
const worker = by("worker");
const slack = by("slack");

/** Becoming the creator; the cluster's authenticator asks for the identity of our token. */
const opening = (phase: Phase): Step[] => [
  worker(phase, "sts.AssumeRole"),
  worker(phase, "eks.DescribeCluster"),
  worker(phase, "kubernetes.get-configmap", 1),
  worker(phase, "sts.GetCallerIdentity"),
];

const writing = (phase: Phase): Step[] => [
  worker(phase, "kubernetes.dry-run-configmap"),
  worker(phase, "kubernetes.replace-configmap"),
  worker(phase, "kubernetes.get-configmap", 2),
];

const proof = "kubernetes.subject-access-review";
const write = "kubernetes.replace-configmap";

/** Every call that the product makes from the slash command to the message that says that the access is gone. */
export const steps: readonly Step[] = [
  slack("ask", "redis.commit", 1),
  slack("ask", "redis.mark-shown", 1),
  ...opening("ask"),
  worker("ask", "kubernetes.list-clusterrolebindings"),
  worker("ask", "kubernetes.list-rolebindings"),
  worker("ask", "kubernetes.get-clusterrole"),
  worker("ask", "redis.commit", 2),
  slack("ask", "slack.chat.postMessage"),
  slack("ask", "redis.mark-shown", 1, "slack.chat.postMessage"),
  slack("ask", "slack.chat.update"),

  slack("approve", "redis.commit", 1),
  slack("approve", "slack.chat.update", 1),
  slack("approve", "redis.mark-shown", 1),
  ...opening("approve"),
  worker("approve", "redis.commit", 2),
  ...writing("approve"),
  worker("approve", proof),
  worker("approve", "redis.commit", 1, proof),
  slack("approve", "slack.chat.update", 1, proof),
  slack("approve", "slack.chat.postMessage"),
  slack("approve", "redis.mark-shown", 1, "slack.chat.postMessage"),

  slack("revoke", "redis.commit", 1),
  slack("revoke", "slack.chat.update", 1),
  slack("revoke", "redis.mark-shown", 1),
  ...opening("revoke"),
  ...writing("revoke"),
  worker("revoke", "redis.commit", 1, write),
  slack("revoke", "slack.chat.update", 1, write),
  slack("revoke", "slack.chat.postMessage"),
  slack("revoke", "redis.mark-shown", 1, "slack.chat.postMessage"),
];

const create = "kubernetes.create-clusterrolebinding";
const remove = "kubernetes.delete-clusterrolebinding";

/** The calls about the bindings and the entry of such a lease, beside those that each way makes. */
export const bindingSteps: readonly Step[] = [
  worker("ask", "kubernetes.list-clusterrolebindings", 2),
  worker("ask", "kubernetes.get-configmap", 2),
  worker("ask", "kubernetes.get-clusterrole"),
  worker("approve", "kubernetes.get-clusterrolebinding", 1),
  worker("approve", "kubernetes.get-configmap", 2),
  worker("approve", "kubernetes.get-clusterrole"),
  worker("approve", "redis.commit", 2),
  worker("approve", "kubernetes.dry-run-configmap"),
  worker("approve", write),
  worker("approve", "kubernetes.get-configmap", 1, write),
  worker("approve", create),
  worker("approve", "kubernetes.get-clusterrolebinding", 1, create),
  worker("approve", proof),
  worker("approve", "redis.commit", 1, proof),
  worker("revoke", "kubernetes.list-clusterrolebindings", 1),
  worker("revoke", remove),
  worker("revoke", "kubernetes.get-clusterrolebinding", 1, remove),
  // A revocation removes the bindings first. When its time is over, the lease has no share in the entry, which goes first.
  ...[
    worker("revoke", "kubernetes.dry-run-configmap", 1, remove),
    worker("revoke", write, 1, remove),
    worker("revoke", "kubernetes.get-configmap", 1, remove),
  ].map((step) => ({ ...step, ending: "revoked" as const })),
  ...[
    worker("revoke", "kubernetes.dry-run-configmap"),
    worker("revoke", write),
    worker("revoke", "kubernetes.get-configmap", 1, write),
  ].map((step) => ({ ...step, ending: "expired" as const })),
  worker("revoke", proof),
  worker("revoke", "redis.commit", 1, proof),
];

const createEntry = "eks.CreateAccessEntry";
const deleteEntry = "eks.DeleteAccessEntry";

/** The calls of the same leases where their entry is an access entry. */
export const accessEntrySteps: readonly Step[] = [
  worker("ask", "eks.ListAccessEntries"),
  worker("approve", "eks.ListAccessEntries"),
  worker("approve", createEntry),
  worker("approve", "eks.DescribeAccessEntry", 1, createEntry),
  worker("approve", create, 1, createEntry),
  worker("approve", "redis.commit", 1, proof),
  worker("revoke", "eks.ListAccessEntries"),
  worker("revoke", "eks.DescribeAccessEntry"),
  worker("revoke", remove),
  worker("revoke", "eks.DescribeAccessEntry", 1, remove),
  worker("revoke", deleteEntry),
  worker("revoke", "eks.DescribeAccessEntry", 1, deleteEntry),
  worker("revoke", "redis.commit", 1, proof),
];

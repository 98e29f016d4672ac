import { createHash } from "node:crypto";
import { z } from "zod";
import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/event.ts";
import { placedRoleOf } from "../policy/role-text.ts";
import { type ClusterBinding, leaseLabels, type NewBinding } from "./lease-bindings.ts";
import type { Holding, Share } from "./lease-record.ts";

/** Where a binding remembers the lease that it belongs to. */
const leaseAnnotation = "eks-access/lease";

/** With which a person finds the bindings of one lease. */
const requestLabel = "eks-access/request";

/** One binding of ours, as its sealed annotation has it. */
export interface LeasePart {
  /** What the level gives by it: `ClusterRole edit in shop`. */
  readonly text: string;
  /** Whose it is, as the lease has them. */
  readonly principal: string;
  /** To whom the cluster's authenticator gave this name when it was made. */
  readonly user: string;
  readonly share: Share;
  readonly binding: ClusterBinding;
  /** It gives what its annotation says, to that user alone, and nobody deletes it. */
  readonly isIntact: boolean;
}

/** What the annotation of a binding remembers of its lease. */
export type SealedLease = Pick<LeasePart, "text" | "principal" | "user" | "share">;

/** What of a cluster's labelled bindings is ours. */
export interface OwnBindings {
  readonly parts: readonly LeasePart[];
  /** They have our label, and no seal of ours for this place: copied, edited or forged. */
  readonly forged: readonly ClusterBinding[];
}

/** Whose lease a binding is made for. */
export interface LeaseOfPerson {
  readonly principal: string;
  readonly user: string;
  readonly share: Share;
}

/** The binding of one thing that a lease gives. Its name follows from both, so that no second one can be made beside it. */
export function bindingFor(cluster: string, lease: LeaseOfPerson, text: string, keys: MemoryKeys): NewBinding | null {
  const role = placedRoleOf(text);
  if (!role) return null;
  const { principal, user, share } = lease;
  const place = { name: bindingName(share.id, text), namespace: role.namespace };
  const remembered = { v: 1 as const, text, principal, user, share };
  const seal = keys.seal("binding", sealedValue(cluster, place, remembered));
  return {
    ...place,
    labels: { ...leaseLabels, [requestLabel]: share.id },
    annotations: { [leaseAnnotation]: JSON.stringify({ ...remembered, seal }) },
    role: { kind: role.kind, name: role.name },
    user,
  };
}

/** Where the binding is of one thing that a lease gives; null: it is no role. */
export function bindingPlace(request: string, text: string): Pick<ClusterBinding, "name" | "namespace"> | null {
  const role = placedRoleOf(text);
  return role && { name: bindingName(request, text), namespace: role.namespace };
}

export function bindingName(request: string, text: string): string {
  return `eks-access-${request}-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
}

/**
 * Reads the labelled bindings of a cluster. What our key did not seal for this cluster, place and name is not believed.
 * @param read as `readSealedLease` does; for who reads often, one that remembers
 */
export function readOwnBindings(
  cluster: string,
  bindings: readonly ClusterBinding[],
  keys: MemoryKeys,
  read: typeof readSealedLease = readSealedLease,
): OwnBindings {
  const all = bindings.map((binding) => {
    const lease = read(cluster, binding, binding.annotations[leaseAnnotation], keys);
    return { binding, part: lease && { ...lease, binding, isIntact: isIntact(binding, lease.text, lease.user) } };
  });
  return {
    parts: all.flatMap(({ part }) => part ?? []),
    forged: all.flatMap(({ binding, part }) => (part ? [] : [binding])),
  };
}

const texts = z.array(z.string()).readonly();

const rememberedForm = z.strictObject({
  v: z.literal(1),
  text: z.string(),
  principal: z.string(),
  user: z.string(),
  share: z.strictObject({
    id: z.string(),
    groups: texts,
    endsAt: z.string(),
    level: z.string(),
    requester: z.string(),
    emergency: z.boolean(),
    approvers: texts,
  }),
  seal: z.string(),
});

/** What the annotation of a binding says; null: our key did not seal it for this cluster and this place. */
export function readSealedLease(
  cluster: string,
  place: Pick<ClusterBinding, "name" | "namespace">,
  annotation: string | undefined,
  keys: MemoryKeys,
): SealedLease | null {
  const read = rememberedForm.safeParse(parsed(annotation));
  if (!read.success) return null;
  const { seal, ...remembered } = read.data;
  if (!keys.isSealed("binding", sealedValue(cluster, place, remembered), seal)) return null;
  const { text, principal, user, share } = remembered;
  return { text, principal, user, share };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return null;
  }
}

/** RBAC lets anyone with the right change the subjects; the role of a binding stays for ever (Kubernetes docs, "RoleBinding"). */
function isIntact({ role, subjects, deletedAt }: ClusterBinding, text: string, user: string): boolean {
  const wanted = placedRoleOf(text);
  const [subject, ...others] = subjects;
  const isToUser = subject?.kind === "User" && subject.name === user && others.length === 0;
  return isToUser && wanted?.kind === role.kind && wanted.name === role.name && deletedAt === null;
}

/** Where it is is sealed too: a copy in another namespace is none of ours. */
function sealedValue(
  cluster: string,
  { name, namespace }: Pick<ClusterBinding, "name" | "namespace">,
  { v, text, principal, user, share }: Omit<z.infer<typeof rememberedForm>, "seal">,
): Json {
  const { id, groups, endsAt, level, requester, emergency, approvers } = share;
  const lease = { id, groups, endsAt, level, requester, emergency, approvers };
  return { cluster, name, namespace, v, text, principal, user, share: lease };
}

/** What the cluster remembers by its bindings, by lower-case ARN: every share, whichever of its bindings are left. */
export function holdingsOf(parts: readonly LeasePart[]): readonly Holding[] {
  const found = new Map<string, { arn: string; added: Set<string>; shares: Map<string, Share> }>();
  for (const { principal, text, share } of parts) {
    const key = principal.toLowerCase();
    const known = found.get(key) ?? { arn: principal, added: new Set<string>(), shares: new Map<string, Share>() };
    found.set(key, known);
    known.added.add(text);
    const other = known.shares.get(share.id);
    // Of two ends the earlier one holds: a lease never outlives what was approved first.
    if (!other || Date.parse(share.endsAt) < Date.parse(other.endsAt)) known.shares.set(share.id, share);
  }
  return [...found.values()].map(({ arn, added, shares }) => {
    return { arn, entryAdded: false, added: [...added].sort(), shares: [...shares.values()] };
  });
}

/** What there is of each lease, by request id. */
export function partsByLease(parts: readonly LeasePart[]): ReadonlyMap<string, readonly LeasePart[]> {
  const found = new Map<string, LeasePart[]>();
  for (const part of parts) {
    const same = found.get(part.share.id);
    if (same) same.push(part);
    else found.set(part.share.id, [part]);
  }
  return found;
}

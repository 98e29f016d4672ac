import { hash } from "node:crypto";
import { z } from "zod";
import { AccessError } from "../access-error.ts";
import { groupsBy } from "../collections.ts";
import { placedRoleOf } from "../policy/policy-text.ts";
import { type ApprovedRequest, ownId } from "../record.ts";
import { absentKey, type Json, type MemoryKeys, parseJson } from "../seal.ts";
import { lastUnanswered } from "./cluster-leases.ts";
import { type Holding, type Share, shareForm } from "./lease-record.ts";

/** A RoleBinding, or (namespace null) a ClusterRoleBinding, as in the cluster. */
export interface ClusterBinding {
  readonly name: string;
  readonly namespace: string | null;
  /** Null: the binding is too large to read, and all else is empty. */
  readonly uid: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly role: RoleRef;
  readonly subjects: readonly BindingSubject[];
  /** Deletion began, but finalizers keep the binding, and it still gives its rights; null: not deleted. */
  readonly deletedAt: string | null;
}

/** The role of a binding. A Role is in the binding's namespace. */
export type RoleRef = { readonly kind: "Role" | "ClusterRole"; readonly name: string };

/** A User, a Group or a ServiceAccount, which alone has a namespace. */
export interface BindingSubject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface NewBinding extends Pick<ClusterBinding, "name" | "namespace" | "labels" | "annotations" | "role"> {
  readonly user: string;
}

/** The labels of each lease's bindings: one selector finds them all (Kubernetes docs, "Recommended Labels"). */
export const leaseLabels: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": "eks-access" };

export function isLabelled({ labels }: Pick<ClusterBinding, "labels">): boolean {
  return hasAll(labels, leaseLabels);
}

function hasAll(found: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value);
}

const leaseAnnotation = "eks-access/lease";

const requestLabel = "eks-access/request";

export interface LeaseBinding {
  /** The level's text for it: `ClusterRole edit in shop`. */
  readonly text: string;
  readonly principal: string;
  /** The username that the cluster's authenticator gave the principal when the binding was made. */
  readonly user: string;
  readonly share: Share;
  readonly binding: ClusterBinding;
  /** Whether it still has its role and only that user, and is not being deleted. */
  readonly isIntact: boolean;
  /** Without our label it gives the same, but a new ledger does not find it. */
  readonly isLabelled: boolean;
}

export type SealedLease = Pick<LeaseBinding, "text" | "principal" | "user" | "share">;

/** The labelled bindings of a cluster, ours and others'. */
export interface OwnBindings {
  readonly parts: readonly LeaseBinding[];
  /** Bindings with our label, but without our seal for this place: copied, edited or forged. `lacks`: as `absentKey`. */
  readonly forged: readonly (ClusterBinding & { readonly lacks: string | null })[];
}

export type LeaseOfPerson = Pick<LeaseBinding, "principal" | "user" | "share">;

/** Null: the text names no role. The name follows from lease and role, so a repeated call can't make a second one. */
export function bindingFor(cluster: string, lease: LeaseOfPerson, text: string, keys: MemoryKeys): NewBinding | null {
  const role = placedRoleOf(text);
  if (!role) return null;
  const { principal, user, share } = lease;
  const place = { name: bindingName(share.id, text), namespace: role.namespace };
  const remembered = JSON.stringify({ v: 1, text, principal, user, share });
  const seal = keys.seal("binding", sealedValue(cluster, place, remembered));
  return {
    ...place,
    labels: { ...leaseLabels, [requestLabel]: share.id },
    annotations: { [leaseAnnotation]: `${remembered.slice(0, -1)}${sealField}${seal}"}` },
    role: { kind: role.kind, name: role.name },
    user,
  };
}

/** The name and namespace of the binding of one role of a lease; null: no run made one for this id, or the text names no role. */
export function bindingPlace(request: string, text: string): Pick<ClusterBinding, "name" | "namespace"> | null {
  const role = ownId.test(request) ? placedRoleOf(text) : null;
  return role && { name: bindingName(request, text), namespace: role.namespace };
}

export function bindingName(request: string, text: string): string {
  return `eks-access-${request}-${hash("sha256", text).slice(0, 8)}`;
}

/** Trusts those that our key sealed for this cluster, namespace and name. @param read `readSealedLease`, or one with a cache */
export function readOwnBindings(
  cluster: string,
  bindings: readonly ClusterBinding[],
  keys: MemoryKeys,
  read: typeof readSealedLease = readSealedLease,
): OwnBindings {
  const all = bindings.map((binding) => {
    const lease = read(cluster, binding, binding.annotations[leaseAnnotation], keys);
    const is = lease && {
      isIntact: bindsOnly(binding, placedRoleOf(lease.text), lease.user),
      isLabelled: isLabelled(binding),
    };
    return { binding, part: is && { ...lease, binding, ...is } };
  });
  const lacks = ({ annotations }: ClusterBinding) => absentKey(sealedIn(annotations[leaseAnnotation]).seal, keys);
  return {
    parts: all.flatMap(({ part }) => part ?? []),
    forged: all.flatMap(({ binding, part }) => (part ? [] : [{ ...binding, lacks: lacks(binding) }])),
  };
}

const sealField = ',"seal":"';

const rememberedForm = z.strictObject({
  v: z.literal(1),
  text: z.string(),
  principal: z.string(),
  user: z.string(),
  share: shareForm,
});

/** Null: our key did not seal it. The seal comes before the parser: the largest annotation takes it half a second. */
export function readSealedLease(
  cluster: string,
  place: Pick<ClusterBinding, "name" | "namespace">,
  annotation = "",
  keys: MemoryKeys,
): SealedLease | null {
  const { at, remembered, seal } = sealedIn(annotation);
  if (at < 0 || !keys.isSealed("binding", sealedValue(cluster, place, remembered), seal)) return null;
  const read = rememberedForm.safeParse(parseJson(remembered));
  if (!read.success) return null;
  const { text, principal, user, share } = read.data;
  return { text, principal, user, share };
}

function sealedIn(annotation = "") {
  const at = annotation.lastIndexOf(sealField);
  return { at, remembered: `${annotation.slice(0, at)}}`, seal: annotation.slice(at + sealField.length, -2) };
}

/** Anyone with the right can change a binding's subjects; its role never changes (Kubernetes docs, "RoleBinding"). */
function bindsOnly({ role, subjects, deletedAt }: ClusterBinding, wanted: RoleRef | null, user: string): boolean {
  const [subject, ...others] = subjects;
  const isToUser = subject?.kind === "User" && subject.name === user && others.length === 0;
  return isToUser && wanted?.kind === role.kind && wanted.name === role.name && deletedAt === null;
}

/** Whether admission left a new binding as it was sent. Further labels and annotations give nothing. */
export function isAsSent(sent: NewBinding, made: ClusterBinding): boolean {
  const isThere = made.name === sent.name && made.namespace === sent.namespace;
  const isOurs = isThere && hasAll(made.labels, sent.labels) && hasAll(made.annotations, sent.annotations);
  return isOurs && bindsOnly(made, sent.role, sent.user);
}

/** The seal covers the place too: a copy in another namespace is not ours. */
function sealedValue(
  cluster: string,
  { name, namespace }: Pick<ClusterBinding, "name" | "namespace">,
  remembered: string,
): Json {
  return { cluster, name, namespace, remembered };
}

/** What the cluster's bindings remember, by principal. A share counts while any of its bindings exists. */
export function holdingsOf(parts: readonly LeaseBinding[]): readonly Holding[] {
  const found = new Map<string, { arn: string; added: Set<string>; shares: Map<string, Share> }>();
  for (const { principal, text, share } of parts) {
    const key = principal.toLowerCase();
    const known = found.get(key) ?? { arn: principal, added: new Set<string>(), shares: new Map<string, Share>() };
    found.set(key, known);
    known.added.add(text);
    const other = known.shares.get(share.id);
    // The earlier of two ends counts: a lease never outlives its first approval.
    if (!other || Date.parse(share.endsAt) < Date.parse(other.endsAt)) known.shares.set(share.id, share);
  }
  return [...found.values()].map(({ arn, added, shares }) => {
    return { arn, entryAdded: false, added: [...added].sort(), shares: [...shares.values()] };
  });
}

export function bindingsByLease(parts: readonly LeaseBinding[]): ReadonlyMap<string, readonly LeaseBinding[]> {
  return groupsBy(parts, ({ share }) => share.id);
}

/** An unanswered POST can still arrive: kube-apiserver gives each call 60 s (`--request-timeout`). In milliseconds. */
export const arrivesWithin = 90_000;

/** Why a binding of a lease can still appear; null: none can. */
export function lateCreation(request: ApprovedRequest, now: Date): AccessError | null {
  const last = lastUnanswered(request, now);
  if (last === null || now.getTime() > last.getTime() + arrivesWithin) return null;
  const until = new Date(last.getTime() + arrivesWithin).toISOString();
  return new AccessError("binding-late", `A call for ${request.principal} can still arrive until ${until}`);
}

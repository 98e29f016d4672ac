import type { Cluster } from "../access/policy/cluster.ts";
import type { MappedIdentity } from "../access/request/record.ts";
import type { AwsAuthDocument, Severity } from "../aws-auth/index.ts";
import { DOCUMENT_LIMIT, sizeOf } from "../aws-auth/index.ts";
import { broken, counted, type Finding, found, named, notAsked, someOf } from "./link.ts";

/** How a cluster decides who may sign in, as EKS names it. */
export type AuthenticationMode = "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";

/** Who the API server takes the creator for; null: it has no SelfSubjectReview. */
export function apiServerFinding(identity: MappedIdentity | null): Finding {
  if (!identity) {
    return notAsked(
      "it let us in, but has no SelfSubjectReview, which came with Kubernetes 1.28, so it does not say as whom",
    );
  }
  const groups = identity.groups.length > 0 ? `in ${someOf(identity.groups)}` : "in no groups";
  return found(`takes us for ${named(identity.username)} ${groups}`);
}

/** Whether the creator may do what every lease needs. */
export function writeFinding(mayUpdate: boolean, cluster: Cluster): Finding {
  if (mayUpdate) return found("may update configmap `aws-auth` in `kube-system`");
  return broken(
    "may not update configmap `aws-auth` in `kube-system`",
    `Check that creator in eks-access.yml is who really created the cluster: ${named(`/eks-access creator ${cluster.name}`)}.`,
  );
}

export function modeFinding(mode: AuthenticationMode): Finding {
  if (mode === "CONFIG_MAP") return found("`CONFIG_MAP`: aws-auth alone says who signs in");
  if (mode === "API_AND_CONFIG_MAP") {
    return found("`API_AND_CONFIG_MAP`: aws-auth counts for whoever has no access entry");
  }
  return found("`API`: access entries alone say who signs in; aws-auth is not read");
}

/** What of aws-auth is not asked for where nothing in it gives or takes access. */
export const unread = notAsked("the cluster does not read aws-auth");

/** How many access entries there are, and whether what we wrote beside ours is believed. Null: the mode knows none. */
export function entriesFinding(facts: { readonly count: number; readonly untrusted: string | null } | null): Finding {
  if (!facts) return found("this mode knows none");
  const detail = counted(facts.count, "access entry", "access entries");
  if (facts.untrusted === null) return found(detail);
  return broken(`${detail}, but tags of ours are not believed: ${facts.untrusted}`, distrustRemedy);
}

/** What to do about tags of an access entry that our seal does not speak for. */
export const distrustRemedy =
  "Nothing is lost: they are written anew from the ledger with the next change; find out who edited them.";

/** What of the ConfigMap matters before anybody looks for a person in it. */
export interface DocumentFacts {
  readonly document: AwsAuthDocument;
  readonly immutable: boolean;
  /** Somebody has deleted it, and only its finalizers keep it. */
  readonly isBeingDeleted: boolean;
  /** Why our own annotation is not believed; null: it is, or there is none. */
  readonly untrusted: string | null;
}

/** The API server refuses to take immutable out again (Kubernetes docs, "Immutable ConfigMaps"). */
const immutableRemedy =
  "Kubernetes takes no `immutable: true` out of a ConfigMap: save it, take the line out of the copy, and put that in its place with `kubectl replace --force`. Between the two nobody but the creator signs in.";

const goingRemedy =
  "Nothing brings it back: save it, and create it anew as soon as it is gone. Between the two nobody whom it lets in can sign in.";

/** What to do about an annotation that our seal does not speak for. */
export const annotationRemedy =
  "Nothing is lost: it is written anew from the ledger with the next change; find out who edited it.";

/** Whether the document is there, can be written, and can be read whole. Null: there is none. */
export function documentFinding(facts: DocumentFacts | null, cluster: Cluster): Finding {
  if (!facts) return absentFinding(cluster);
  const { document, immutable, isBeingDeleted, untrusted } = facts;
  const size = sizeOf(document.data);
  const detail = [
    counted(document.entries.length, "entry", "entries"),
    problemWords(document),
    `${roomWords(size)} of room left`,
  ].join(", ");
  if (isBeingDeleted)
    return broken(`${detail}, but somebody has deleted it and only its finalizers keep it`, goingRemedy);
  if (immutable) return broken(`${detail}, but it is immutable`, immutableRemedy);
  if (untrusted !== null) {
    return broken(
      `${detail}, but the annotation ${named("eks-access/leases")} is not believed: ${untrusted}`,
      annotationRemedy,
    );
  }
  const isWhole = document.problems.every((problem) => problem.severity !== "error");
  return isWhole ? found(detail) : broken(detail, `See ${named(`/eks-access check ${cluster.name}`)}.`);
}

function absentFinding({ createAwsAuth }: Cluster): Finding {
  const absent = "there is no ConfigMap `aws-auth` in `kube-system`: nobody but the creator can sign in through it";
  if (createAwsAuth) return broken(absent, "The first lease creates it, as createAwsAuth says.");
  return broken(absent, "Create it, or set createAwsAuth for the cluster in eks-access.yml.");
}

/** `2 errors, 1 warning`; `no problems`. Notices are good to know and nothing to mend. */
function problemWords({ problems }: AwsAuthDocument): string {
  const count = (severity: Severity) => problems.filter((problem) => problem.severity === severity).length;
  const severities = ["error", "warning", "notice"] as const;
  const words = severities.flatMap((severity) => (count(severity) > 0 ? [counted(count(severity), severity)] : []));
  return words.length > 0 ? words.join(", ") : "no problems";
}

/** How far a ConfigMap of this size, in bytes, is from the limit of 1 MiB. */
function roomWords(size: number): string {
  const left = Math.max(0, DOCUMENT_LIMIT - size);
  return `${Math.floor(left / 1024)} KiB (${Math.floor((left / DOCUMENT_LIMIT) * 100)} %)`;
}

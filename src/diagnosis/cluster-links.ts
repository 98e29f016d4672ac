import { DOCUMENT_LIMIT, sizeOf } from "../access/collections.ts";
import type { MappedIdentity } from "../access/lease/lease-record.ts";
import type { AuthenticationMode, Cluster } from "../access/policy/cluster.ts";
import type { AwsAuthDocument } from "../aws-auth/index.ts";
import { broken, counted, type Finding, found, named, notAsked, someOf } from "./link.ts";
import { countsOf, countWords } from "./problems.ts";

/** The identity of a run at the API server; null: it has no SelfSubjectReview. */
export function apiServerFinding(identity: MappedIdentity | null): Finding {
  if (!identity) {
    return notAsked("it accepted us, but does not say as which user: SelfSubjectReview needs Kubernetes 1.28");
  }
  const groups = identity.groups.length > 0 ? `in ${someOf(identity.groups)}` : "in no groups";
  return found(`knows us as ${named(identity.username)} ${groups}`);
}

/** Whether the operator or the creator has the right that every lease in aws-auth needs. */
export function writeFinding(mayUpdate: boolean, { name, operator }: Cluster): Finding {
  if (mayUpdate) return found("can update configmap `aws-auth` in `kube-system`");
  return broken(
    "can't update configmap `aws-auth` in `kube-system`",
    operator
      ? `The operator lacks this right. Run \`eks-access bootstrap ${name} --apply\`.`
      : `Check creator with ${named(`/eks-access creator ${name}`)}.`,
  );
}

export function modeFinding(mode: AuthenticationMode): Finding {
  if (mode === "CONFIG_MAP") return found("`CONFIG_MAP`: only aws-auth counts");
  if (mode === "API_AND_CONFIG_MAP") {
    return found("`API_AND_CONFIG_MAP`: access entries count first, then aws-auth");
  }
  return found("`API`: only access entries count; aws-auth is not read");
}

export const documentNotRead = notAsked("the cluster does not read aws-auth");

/** The number of access entries, and whether our tags have a valid seal. Null: the mode has none. */
export function entriesFinding(facts: { readonly count: number; readonly untrusted: string | null } | null): Finding {
  if (!facts) return found("the authentication mode has none");
  const detail = counted(facts.count, "access entry", "access entries");
  if (facts.untrusted === null) return found(detail);
  return broken(
    `${detail}, but tags of eks-access have no valid seal: ${facts.untrusted}`,
    untrustedRemedy(facts.untrusted),
  );
}

export const keyRemedy = (variable = "MEMORY_KEYS") => `Unless it was stolen, add it to ${variable} again.`;

/** @param why as in a reading */
export function untrustedRemedy(why: string): string {
  return why.startsWith("this worker lacks its key ") ? keyRemedy() : "Find its editor: the next change rewrites it.";
}

export interface DocumentFacts {
  readonly document: AwsAuthDocument;
  readonly immutable: boolean;
  /** It is deleted, and only its finalizers keep it. */
  readonly isBeingDeleted: boolean;
  /** Why our annotation has no valid seal; null: it has, or there is none. */
  readonly untrusted: string | null;
}

/** The API server never makes an object mutable again (Kubernetes docs, "Immutable ConfigMaps"). */
export const immutableRemedy = "Save it without `immutable: true`, then run `kubectl replace --force`.";

export const goingRemedy = "Save it now; recreate it once it is gone.";

/** Whether the document exists, is writable and is readable as a whole. Null: there is none. */
export function documentFinding(facts: DocumentFacts | null, cluster: Cluster): Finding {
  if (!facts) {
    return broken("there is no ConfigMap `aws-auth` in `kube-system`, so it lets no one in", absentRemedy(cluster));
  }
  const { document, immutable, isBeingDeleted, untrusted } = facts;
  const { kibibytes, percent } = spaceLeft(sizeOf(document.data));
  const detail = [
    counted(document.entries.length, "entry", "entries"),
    countWords(countsOf(document.problems)) || "no problems",
    `${kibibytes} KiB (${percent} %) left`,
  ].join(", ");
  if (isBeingDeleted) return broken(`${detail}, but it is being deleted and waits for its finalizers`, goingRemedy);
  if (immutable) return broken(`${detail}, but it is immutable`, immutableRemedy);
  if (untrusted !== null) {
    return broken(
      `${detail}, but the annotation ${named("eks-access/leases")} has no valid seal: ${untrusted}`,
      untrustedRemedy(untrusted),
    );
  }
  const isWhole = document.problems.every((problem) => problem.severity !== "error");
  return isWhole ? found(detail) : broken(detail, `See ${named(`/eks-access check ${cluster.name}`)}.`);
}

export function absentRemedy({ createAwsAuth }: Cluster): string {
  return createAwsAuth ? "The first lease creates it." : "Ask an operator to create it.";
}

/** How much of a ConfigMap's limit of 1 MiB is left beside this many bytes. */
export function spaceLeft(bytes: number): { readonly kibibytes: number; readonly percent: number } {
  const left = Math.max(0, DOCUMENT_LIMIT - bytes);
  return { kibibytes: Math.floor(left / 1024), percent: Math.floor((left / DOCUMENT_LIMIT) * 100) };
}

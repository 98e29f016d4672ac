import type { AccessCheck } from "../policy/cluster.ts";
import { kubernetesGroups } from "../policy/policy-text.ts";
import type { MappedIdentity, ProofFinding } from "./lease-record.ts";

export type SignInObservation =
  /** 401: the API server does not know this token. */
  | { readonly type: "refused" }
  | {
      readonly type: "in";
      /** The identity that the API server sees; null: it did not say. */
      readonly as: MappedIdentity | null;
      readonly pods: "listed" | "forbidden";
    };

export interface SignInExpectation {
  /** By the read after the write, with the templates filled in for this session. */
  readonly identity: MappedIdentity;
  readonly place: string;
  readonly pods: PodsToList;
}

export interface PodsToList {
  /** Empty: every namespace. */
  readonly namespace: string;
  /** Whether the level promises that its leases can list them. */
  readonly isPromised: boolean;
}

export interface SignInJudgement {
  readonly finding: ProofFinding;
  /** Whether another try can't improve it. */
  readonly isFinal: boolean;
}

/** The pods to list after a sign-in: those that the level names, else those of the namespace `default`. */
export function podsToList(verify: readonly AccessCheck[]): PodsToList {
  const check = verify.find(
    ({ verb, resource, group, name }) =>
      !name && isOneOf(verb, "list") && isOneOf(resource, "pods") && isOneOf(group, ""),
  );
  return check ? { namespace: check.namespace, isPromised: true } : { namespace: "default", isPromised: false };
}

function isOneOf(written: string, wanted: string): boolean {
  return written === wanted || written === "*";
}

/** Compares a sign-in with its expectation. @param afterMs since a read confirmed the mapping */
export function judgeSignIn(expected: SignInExpectation, seen: SignInObservation, afterMs: number): SignInJudgement {
  if (seen.type === "refused") return again({ result: "no", detail: refusedText(expected, afterMs) });
  const difference = seen.as && differenceOf(expected, seen.as);
  const who = seenAs(seen.as);
  if (difference) return again({ result: "no", detail: `${who}, but ${difference} by ${expected.place}` });
  const where = expected.pods.namespace === "" ? "in every namespace" : `in ${expected.pods.namespace}`;
  if (seen.pods === "forbidden" && expected.pods.isPromised) {
    return again({ result: "no", detail: `${who}, but can't list pods ${where}, which the level promises` });
  }
  const pods =
    seen.pods === "listed" ? `listed pods ${where}` : `can't list pods ${where}, which the level does not promise`;
  return { finding: { result: "yes", detail: `${who}, ${pods}, ${afterMs} ms after it was mapped` }, isFinal: true };
}

function again(finding: ProofFinding): SignInJudgement {
  return { finding, isFinal: false };
}

function refusedText({ identity, place }: SignInExpectation, afterMs: number): string {
  const since = `the API server still refused its token (Unauthorized) ${afterMs} ms after it was mapped`;
  return `${since}, although by ${place} it is ${identity.username}: /eks-access why finds the cause`;
}

function seenAs(identity: MappedIdentity | null): string {
  if (!identity) return "with an unknown name (this API server answers no SelfSubjectReview)";
  const groups = shownGroups(identity);
  return `as ${identity.username} with ${groups.length > 0 ? groups.join(", ") : "no groups"}`;
}

/** How the signed-in identity differs from the expected one; null: it does not. */
function differenceOf({ identity }: SignInExpectation, found: MappedIdentity): string | null {
  const [wanted, has] = [kubernetesGroups(identity.groups), shownGroups(found)];
  const missing = wanted.filter((group) => !has.includes(group));
  const more = has.filter((group) => !wanted.includes(group));
  const parts = [
    ...(found.username === identity.username ? [] : [`it should be ${identity.username}`]),
    ...(missing.length > 0 ? [`${missing.join(", ")} should be there`] : []),
    ...(more.length > 0 ? [`${more.join(", ")} should not be there`] : []),
  ];
  return parts.length > 0 ? parts.join(" and ") : null;
}

/** Every sign-in adds `system:authenticated`. */
function shownGroups({ groups }: MappedIdentity): readonly string[] {
  return groups.filter((group) => group !== "system:authenticated");
}

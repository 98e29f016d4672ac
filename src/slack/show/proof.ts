import { isReviewPending, isSignInPending } from "../../access/lease/lease.ts";
import { findingsOf, type Lease, type Proof, type ProofFinding } from "../../access/lease/lease-record.ts";
import { asClause, triedText } from "./failure-words.ts";

function findingWords(result: ProofFinding["result"], name: string): string {
  if (result === "yes") return `✓ ${name}`;
  return result === "no" ? `✗ not ${name}` : `– ${name} not tested`;
}

/** One line for each finding. Empty: nothing is proved yet. */
export function proofLines(lease: Lease): string {
  if (!lease.proof) return "";
  const lines = findingsOf(lease.proof).map(({ name, finding }) => {
    return `${findingWords(finding.result, `*${name}*`)}: ${asClause(finding.detail, 350)}`;
  });
  const review = isReviewPending(lease) && lease.reviewTrouble;
  const signIn = isSignInPending(lease) && lease.signInTrouble;
  return [
    ...lines,
    ...(review ? [`:warning: Authorized: ${triedText(review)}`] : []),
    ...(signIn ? [`:warning: Signing in: ${triedText(signIn)}`] : []),
  ].join("\n");
}

/** The findings without details, for example `✓ mapped, ✓ authorized, – signed in not tested`. */
export function proofMarks(proof: Proof): string {
  return findingsOf(proof)
    .map(({ name, finding: { result } }) => findingWords(result, name))
    .join(", ");
}

/** What no question can prove about an end: the API server caches tokens, and does not check open connections. */
const unprovedEnd =
  "Not proved: the API server may accept a known token for about two minutes. Open watches and exec sessions stay open.";

/** Every request asks RBAC, so no cached token delays the end of a binding. */
const unprovedUnbinding = "Open watches and exec sessions stay open.";

/** One line for each finding about an end, each other lease, and what no question can prove. */
export function endProofLines({ end, endProof, written }: Lease): string {
  if (end?.cause === "cluster-gone") return "";
  const isByBinding = written?.way === "binding";
  const unproved = isByBinding ? unprovedUnbinding : unprovedEnd;
  if (!endProof) return unproved;
  const { mapped, authorized, others, trouble } = endProof;
  const refused = mapped.result === "no" && !isByBinding ? "; new sign-ins are refused" : "";
  return [
    `${endFinding(isByBinding ? "bound" : "mapped", mapped)}${refused}`,
    endFinding("authorized", authorized),
    ...others.slice(0, 5).map((other) => `:warning: Another lease remains: ${asClause(other, 200)}`),
    ...(trouble?.message && authorized.result === "not tested" ? [`:warning: Authorized: ${triedText(trouble)}`] : []),
    unproved,
  ].join("\n");
}

/** At an end, "no" is good. */
function endFinding(name: string, { result, detail }: ProofFinding): string {
  if (result === "yes") return `✗ *still ${name}*: ${asClause(detail, 350)}`;
  return `${result === "no" ? "✓" : "–"} *not ${name}*${result === "no" ? "" : " not tested"}: ${asClause(detail, 350)}`;
}

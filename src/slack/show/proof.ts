import { isShellSafe } from "../../access/arn.ts";
import { isReviewPending, isSignInPending } from "../../access/lease/lease.ts";
import { findingsOf, type Lease, type Proof, type ProofFinding } from "../../access/lease/lease-record.ts";
import { type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import { admittedBy, entryArnOf, isIdentityCenterRole, readHolder } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { Message } from "./message.ts";
import { code, codeBlock, preformatted, section } from "./mrkdwn.ts";
import { asClause, triedText } from "./words.ts";

export function signInMessage(request: AccessRequest, cluster: Cluster): Message {
  const { region, eksName, name } = cluster;
  const profile = isIdentityCenterRole(request.principal) ? ' --profile "$AWS_PROFILE"' : "";
  const lines = [
    ...(profile ? [`aws sso login${profile}`] : []),
    `aws eks update-kubeconfig --region ${region} --name ${eksName} --alias ${name}${profile}`,
    `kubectl get pods${namespaceOption(request, cluster)}`,
  ].join("\n");
  const admitted = admittedBy(entryArnOf(request.principal));
  // People assume a role of IAM Identity Center only through its permission set.
  const intro =
    admitted.type === "permission-set"
      ? `Set ${code("AWS_PROFILE")} to your profile of the permission set ${code(admitted.name)}. Then paste:`
      : `Sign in with the credentials of ${code(request.principal)}`;
  const hint = assumeHint(request, cluster);
  return {
    text: [intro, codeBlock(lines), ...(hint ? [hint] : [])].join("\n"),
    blocks: [section(intro), preformatted(lines), ...(hint ? [section(hint)] : [])],
  };
}

/** If a level allows listing pods in one namespace only, its check names it. */
function namespaceOption({ level }: AccessRequest, { levels }: Cluster): string {
  const checks = levels.find((each) => each.name === level)?.verify ?? [];
  const namespace = checks.find(({ resource }) => resource === "pods")?.namespace ?? "";
  return /^[a-z0-9-]+$/.test(namespace) && namespace !== "default" ? ` --namespace ${namespace}` : "";
}

/** STS needs a role's path, which the configuration or an access entry has. For people without a profile. */
function assumeHint({ principal: arn, lease }: AccessRequest, cluster: Cluster): string {
  const reading = readHolder(arn);
  if (reading.type === "invalid" || reading.principal.kind === "user") return "";
  const admitted = admittedBy(entryArnOf(arn));
  if (admitted.type === "permission-set") return "";
  // The session's name comes with assuming the role, and kubectl would use a different one.
  if (reading.principal.kind === "session" && !isIdentityCenterRole(arn))
    return `Use your profile for ${code(admitted.name)}.`;
  const way = signInMethod(cluster, arn);
  const known = way.type === "role" ? way.roleArn : (lease?.proof?.entryArn ?? "");
  if (isShellSafe(known)) return `No profile for this role? Add ${code(`--role-arn ${known}`)} to the first line.`;
  const line = `aws iam get-role --role-name ${reading.principal.name} --query Role.Arn --output text`;
  return `No profile for this role? Add ${code("--role-arn")} and what ${code(line)} prints to the first line.`;
}

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

import { isShellSafe } from "../../access/arn.ts";
import { type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import { admittedBy, entryArnOf, isIdentityCenterRole, readHolder } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { Message } from "./message.ts";
import { code, codeBlock, preformatted, section } from "./mrkdwn.ts";

/** The lines that a person pastes into a terminal to use their new access. */
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

import type { Cluster } from "../../access/policy/cluster.ts";
import { signInWay } from "../../access/policy/sign-in.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { admittedBy, readPrincipal } from "../../aws-auth/index.ts";
import { code, codeBlock } from "../blocks/mrkdwn.ts";

/** The lines to copy for somebody whose access is active, and with whose credentials they work. */
export function signInText(request: AccessRequest, cluster: Cluster): string {
  const { region, eksName, name } = cluster;
  const lines = [
    `aws eks update-kubeconfig --region ${region} --name ${eksName} --alias ${name}`,
    `kubectl get pods${namespaceOption(request, cluster)}`,
  ];
  const hint = assumeHint(request.principal, cluster);
  const block = codeBlock(lines.join("\n"));
  return `Sign in with the credentials of ${code(request.principal)}:\n${block}${hint && `\n${hint}`}`;
}

/** Who may list pods in one namespace alone would be refused in another: the level's own check says in which. */
function namespaceOption({ level }: AccessRequest, { levels }: Cluster): string {
  const checks = levels.find((each) => each.name === level)?.verify ?? [];
  const namespace = checks.find(({ resource }) => resource === "pods")?.namespace ?? "";
  return /^[a-z0-9-]+$/.test(namespace) && namespace !== "default" ? ` --namespace ${namespace}` : "";
}

/**
 * aws-auth knows a role without its path, but STS assumes it with its path only, and `--role-arn` is for those who do
 * not have the role's credentials yet: nothing here can tell what they have. Where the worker itself may assume the role, the
 * configuration has its path.
 */
function assumeHint(arn: string, cluster: Cluster): string {
  const reading = readPrincipal(arn);
  if (reading.type === "invalid" || reading.principal.kind === "user") return "";
  const admitted = admittedBy(arn);
  // Nobody can assume a role of IAM Identity Center in another way.
  if (admitted.type === "permission-set")
    return `They come with a profile of the permission set ${code(admitted.name)}: add ${code("--profile <name>")} to the first line.`;
  const way = signInWay(cluster, arn);
  if (way.type === "role") {
    return `Where you have to assume the role first, add ${code(`--role-arn ${way.roleArn}`)} to the first line.`;
  }
  return `Where you have to assume the role first, add ${code(`--role-arn ${arn}`)} to the first line, with the role's path if it has one.`;
}

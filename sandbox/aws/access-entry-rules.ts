import { type EntryType, entryTypes, readPrincipal } from "./eks-cluster.ts";
import { refuse } from "./refusal.ts";

/** EKS's access policies that the sandbox has rules for. */
export const accessPolicies = [
  "AmazonEKSAdminPolicy",
  "AmazonEKSAdminViewPolicy",
  "AmazonEKSClusterAdminPolicy",
  "AmazonEKSEditPolicy",
  "AmazonEKSSecretReaderPolicy",
  "AmazonEKSViewPolicy",
] as const;

const maxTags = 50;

/**
 * The parameters of access entries as EKS requires them, before it looks at the cluster. Sources, besides the EKS API reference, the
 * user guide, the quotas (general/latest/gr/eks.html) and the Service Authorization Reference:
 *
 * - reserved beginnings of names, the format of ARNs, scopes, the refusals of node types: github.com/badmintoncryer/cdk-preflight, measured
 *   on 2026-09-25
 * - texts of errors: terraform-aws-modules/terraform-aws-eks issues 2969, 3293, 3024, 3206; aws-controllers-k8s/community issue 2144
 * - modes: pulumi/pulumi-eks issue 1493, aws/aws-cdk issue 31032; entries of managed nodes: aws/containers-roadmap issue 185
 *
 * No source says: the texts for a missing colon, an unknown type or scope, an empty group, too many entries, pages and tags; the
 * answer to a repeated token with other parameters; whether tags at creation need `eks:TagResource`; the error for a policy that is
 * not associated; groups of node types other than `EC2_LINUX`; whether the root user can have an entry; the mode during an update,
 * and the error of a second one; whether entries fill in `{{AccountID}}` and `{{AccessKeyID}}`; how long the authorizer caches.
 */

const reserved = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/** EKS's message has this order, without the role of HyperPod. */
const nodeTypes = "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]";

/** What no principal of an entry can be, whether it exists or not. @throws Refusal, as all checks here */
export function checkPrincipal(principalArn: string): void {
  if (!readPrincipal(principalArn)) invalid("The principalArn parameter format is not valid");
  if (principalArn.includes(":role/aws-service-role/")) {
    invalid("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role");
  }
}

export function readType(text: string): EntryType {
  const type = entryTypes.find((each) => each === text);
  return type ?? invalid(`AccessEntry type must be one of [${entryTypes.join(", ")}]`);
}

/** The principal that a type needs: nodes are roles of the cluster's own account. */
export function checkType(type: EntryType, principalArn: string, clusterAccount: string): void {
  const principal = readPrincipal(principalArn);
  if (type === "STANDARD" || !principal) return;
  if (principal.kind !== "role") {
    invalid(`AccessEntry principalArn must be IAM role when using types ${nodeTypes}`);
  }
  if (principal.account !== clusterAccount) {
    invalid(`AccessEntry principalArn must be from the same account as the cluster when using types ${nodeTypes}`);
  }
}

export function checkNames(type: EntryType, username: string | undefined, groups: readonly string[] = []): void {
  if (type !== "STANDARD") {
    if (username === undefined && groups.length === 0) return;
    const what = username === undefined ? "kubernetesGroups" : "username";
    invalid(`The specified ${what} is invalid: setting ${what} is not allowed when the type is "${type}"`);
  }
  if (username !== undefined) checkUsername(username);
  for (const group of groups) checkGroup(group);
}

function checkUsername(username: string): void {
  const prefix = reserved.find((each) => username.startsWith(each));
  if (prefix) invalid(`The username must not begin with ${prefix}`);
  const at = username.search(/\{\{SessionName(?:Raw)?\}\}/);
  if (at >= 0 && !username.slice(0, at).includes(":")) {
    invalid("The username must include a colon before {{SessionName}}");
  }
}

function checkGroup(group: string): void {
  const prefix = reserved.find((each) => group.startsWith(each));
  if (prefix) invalid(`The kubernetes group name ${group} is invalid, it cannot start with ${prefix}`);
  if (group === "") invalid("The kubernetes group name is invalid, it cannot be empty");
}

/** The scope of an association: only a namespace scope has namespaces. */
export function checkScope(type: string, namespaces: readonly string[]): void {
  if (type !== "namespace" && type !== "cluster") invalid("accessScope type must be one of [cluster, namespace]");
  if (type === "namespace" && namespaces.length === 0) {
    invalid("At least 1 namespace must be provided if the type is set as namespace");
  }
  if (type === "cluster" && namespaces.length > 0) {
    invalid("accessScope should not include namespaces if the type is not set as namespace");
  }
}

export function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}

/** EKS User Guide, "Tag restrictions". */
export function tagsProblem(tags: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(tags);
  if (entries.length > maxTags) return `The number of tags must not exceed ${maxTags}`;
  for (const [key, value] of entries) {
    const problem = tagProblem(key, value);
    if (problem) return problem;
  }
  return undefined;
}

function tagProblem(key: string, value: string): string | undefined {
  if (key === "" || key.length > 128) return "The length of a tag key must be between 1 and 128";
  if (value.length > 256) return `The length of the value of the tag ${key} must not exceed 256`;
  if (/^aws:/i.test(key) || /^aws:/i.test(value)) return "Tag keys and values must not begin with aws:";
  const unusual = [key, value].some((text) => !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text));
  return unusual ? `The tag ${key} has characters that are not allowed` : undefined;
}

export function policyArnOf(partition: string, name: string): string {
  return `arn:${partition}:eks::aws:cluster-access-policy/${name}`;
}

import { isObject } from "../json.ts";
import { invalid } from "./access-entry-rules.ts";
import type { AuthenticationMode, ClusterUpdate, EksCluster, NodeRole } from "./eks-cluster.ts";
import { switchMode } from "./eks-clusters.ts";
import { type AllowedCall, type EksHandlers, type EksService, findCluster, page, textOf } from "./eks-service.ts";
import { refuse } from "./refusal.ts";

/** The modes in order: one step at a time, and never back. */
const modes: readonly AuthenticationMode[] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];

export const clusterConfigCalls = {
  /** UpdateClusterConfig, as far as authentication goes (EKS API reference). */
  UpdateClusterConfig: (service, call) => {
    const { accessConfig } = call.body;
    const wanted = isObject(accessConfig) ? textOf(accessConfig.authenticationMode) : undefined;
    if (wanted === undefined) invalid("The type for cluster update was not provided.");
    const cluster = findCluster(service, call);
    const token = textOf(call.body.clientRequestToken);
    const before = token === undefined ? undefined : cluster.updates.find((each) => each.clientRequestToken === token);
    if (before) return { update: updateObject(service, before) };
    const running = cluster.updates.find(({ endsAt }) => endsAt > service.now().getTime());
    if (running) {
      const message = `Cannot AccessConfigUpdate because cluster ${cluster.name} currently has update ${running.id} in progress`;
      refuse("InvalidRequestException", message);
    }
    const mode = modes[modes.indexOf(cluster.authenticationMode) + 1];
    if (mode === undefined || mode !== wanted) {
      invalid(`Unsupported authentication mode update from ${cluster.authenticationMode} to ${wanted}`);
    }
    return { update: updateObject(service, begin(service, cluster, mode, token)) };
  },
  DescribeUpdate: (service, call) => {
    const update = findCluster(service, call).updates.find(({ id }) => id === call.updateId);
    if (update) return { update: updateObject(service, update) };
    return refuse("ResourceNotFoundException", `No update found for ID: ${call.updateId}`, 404);
  },
  /** ListNodegroups and DescribeNodegroup, as far as they are about the role (EKS API reference). */
  ListNodegroups: (service, call) => list(service, call, "nodegroups", nodegroupsOf),
  DescribeNodegroup: (service, call) => {
    const { name, type, arn } = find(service, call, nodegroupsOf);
    const amiType = type === "EC2_WINDOWS" ? "WINDOWS_CORE_2022_x86_64" : "AL2023_x86_64_STANDARD";
    return { nodegroup: { nodegroupName: name, clusterName: call.cluster, nodeRole: arn, amiType } };
  },
  /** ListFargateProfiles and DescribeFargateProfile, as far as they are about the role. */
  ListFargateProfiles: (service, call) => list(service, call, "fargateProfileNames", profilesOf),
  DescribeFargateProfile: (service, call) => {
    const { name, arn } = find(service, call, profilesOf);
    return { fargateProfile: { fargateProfileName: name, clusterName: call.cluster, podExecutionRoleArn: arn } };
  },
} as const satisfies Partial<EksHandlers>;

function begin(
  { clusters, now, settings }: EksService,
  cluster: EksCluster,
  mode: AuthenticationMode,
  clientRequestToken: string | undefined,
): ClusterUpdate {
  const createdAt = now();
  const made = { id: crypto.randomUUID(), mode, createdAt, endsAt: createdAt.getTime() + settings.updateMs };
  const update = { ...made, ...(clientRequestToken === undefined ? {} : { clientRequestToken }) };
  clusters.set(cluster.arn, { ...cluster, status: "UPDATING", updates: [...cluster.updates, update] });
  return update;
}

export function endUpdates(service: EksService): void {
  const now = service.now().getTime();
  for (const [arn, cluster] of service.clusters) {
    const [ended] = cluster.updates.slice(-1).filter(({ endsAt }) => endsAt <= now);
    if (cluster.status !== "UPDATING" || !ended) continue;
    service.clusters.set(arn, switchMode(service, { ...cluster, status: "ACTIVE" }, ended.mode));
  }
}

/** The shape Update of the EKS API reference. */
function updateObject({ now }: EksService, { id, mode, createdAt, endsAt }: ClusterUpdate): object {
  return {
    id,
    status: endsAt <= now().getTime() ? "Successful" : "InProgress",
    type: "AccessConfigUpdate",
    params: [{ type: "AuthenticationMode", value: mode }],
    createdAt: createdAt.getTime() / 1000,
    errors: [],
  };
}

type Nodes = NodeRole & { readonly name: string };

const isFargate = ({ type }: NodeRole) => type === "FARGATE_LINUX";

function nodegroupsOf({ nodeRoles }: EksCluster): Nodes[] {
  return nodeRoles.filter((role) => !isFargate(role)).map((role, index) => ({ ...role, name: `ng-${index + 1}` }));
}

function profilesOf({ nodeRoles }: EksCluster): Nodes[] {
  return nodeRoles.filter(isFargate).map((role, index) => ({ ...role, name: `fp-${index + 1}` }));
}

function list(service: EksService, call: AllowedCall, field: string, of: (cluster: EksCluster) => readonly Nodes[]) {
  const names = of(findCluster(service, call)).map(({ name }) => name);
  const { items, nextToken } = page(names, call.query);
  return { [field]: items, ...(nextToken && { nextToken }) };
}

function find(service: EksService, call: AllowedCall, of: (cluster: EksCluster) => readonly Nodes[]) {
  const found = of(findCluster(service, call)).find(({ name }) => name === call.nodes);
  const message = `No node group or Fargate profile found for name: ${call.nodes}.`;
  return found ?? refuse("ResourceNotFoundException", message, 404);
}

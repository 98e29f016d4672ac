import type { Refusal } from "../../aws-auth/index.ts";
import type { Cluster } from "../policy/cluster.ts";
import { leasesAnnotation } from "./annotation.ts";
import type { SectionWriter } from "./drift.ts";

/** A tool that owns `aws-auth` of a cluster. It would revert a lease there. */
export interface MapOwner {
  readonly name: string;
  /** The manager in managedFields that shows it; null: the configuration names the owner. */
  readonly manager: string | null;
  /** The setting that makes the tool ignore a lease, in one clause, to copy. */
  readonly setting: string;
}

interface Tool {
  readonly word: string;
  readonly name: string;
  /** The name under which it writes; versions and hashes follow the dash. */
  readonly manager: RegExp;
  readonly setting: string;
}

/**
 * The names in managedFields: Terraform's provider writes as `HashiCorp` (its user agent), and `kubernetes_config_map_v1_data` as
 * `Terraform` (the default of its `field_manager`); Argo CD as `argocd-controller`; Flux by the names of its controllers.
 */
const tools: readonly Tool[] = [
  {
    word: "terraform",
    name: "Terraform",
    manager: /^(HashiCorp|Terraform|terraform-provider-kubernetes.*)$/,
    setting:
      "give its resource lifecycle { ignore_changes = [data, metadata[0].annotations] }, or set manage_aws_auth_configmap = false in terraform-aws-eks",
  },
  {
    word: "argocd",
    name: "Argo CD",
    manager: /^argocd-/,
    setting: `give its Application ignoreDifferences: [{ kind: ConfigMap, name: aws-auth, jsonPointers: [/data, /metadata/annotations/${leasesAnnotation.replace("/", "~1")}] }] and the sync option RespectIgnoreDifferences=true`,
  },
  {
    word: "flux",
    name: "Flux",
    manager: /^(kustomize|helm)-controller$/,
    setting: "give aws-auth in Git the annotation kustomize.toolkit.fluxcd.io/ssa: IfNotPresent",
  },
  {
    word: "pulumi",
    name: "Pulumi",
    manager: /^pulumi-/,
    setting: 'give its resource ignoreChanges: ["data", "metadata.annotations"]',
  },
  {
    word: "helm",
    name: "Helm",
    manager: /^helm$/,
    setting: "remove aws-auth from the chart, after you annotated it with helm.sh/resource-policy: keep",
  },
];

const sections: readonly string[] = ["mapRoles", "mapUsers", "mapAccounts"];

/** The owner of a cluster's `aws-auth`: of the configuration, or a tool that wrote a section last. @param writers by managedFields */
export function mapOwner({ owner }: Pick<Cluster, "owner">, writers: readonly SectionWriter[]): MapOwner | null {
  if (owner === "none") return null;
  if (owner !== undefined) return named(owner, null);
  for (const { manager, dataKeys } of writers) {
    const tool = tools.find((each) => each.manager.test(manager));
    if (tool && dataKeys.some((key) => sections.includes(key))) return named(tool.word, manager);
  }
  return null;
}

function named(word: string, manager: string | null): MapOwner {
  const tool = tools.find((each) => each.word === word);
  const { name, setting } = tool ?? { name: word, setting: `make ${word} ignore the data and annotations of aws-auth` };
  return { name, manager, setting };
}

/** Why a lease can't begin in another tool's document. Leases still end there. */
export function ownedDocument({ name }: Pick<Cluster, "name">, owner: MapOwner): Refusal {
  const message = `${belongsTo(name, owner)}, which would revert this. Ask for a level that binds roles, or an operator to make ${owner.name} ignore leases: /eks-access check ${name} has the setting.`;
  return { code: "document-owned", message };
}

/** One clause, for example: aws-auth of payments belongs to Terraform (HashiCorp wrote it last). */
export function belongsTo(cluster: string, { name, manager }: MapOwner): string {
  const why = manager === null ? "" : ` (${manager} wrote it last)`;
  return `aws-auth of ${cluster} belongs to ${name}${why}`;
}

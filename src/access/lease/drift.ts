import { isBlocking } from "../access-error.ts";
import type { Cluster } from "../policy/cluster.ts";
import { covers } from "../policy/policy-text.ts";
import type { RoleSeen } from "../policy/rights.ts";
import type { Refusal } from "../principal.ts";
import type { ApprovedRequest } from "../record.ts";
import { leasesAnnotation } from "./annotation.ts";
import type { MappedIdentity } from "./lease-record.ts";

/** After a write: the proof that nothing else is there. @param what the document, or an access entry */
export function asPlanned(what: string): string {
  return `Read back, ${what} is as planned.`;
}

/** Without a full stop. */
export function readBackDiffers(what: string): string {
  return `Read back, ${what} is not as planned`;
}

/** Without a full stop. @param what the document or the access entry that it changed, made or deleted */
export function anotherWriter(did: string, what: string): string {
  return `Another writer ${did} ${what}`;
}

export interface Drift {
  readonly request: ApprovedRequest;
  /** One clause: the missing part, and the last writer. */
  readonly message: string;
  /** The section of the document can't be read: the part may still be there. */
  readonly isUnread?: true;
}

export interface SectionWriter {
  readonly manager: string;
  readonly time: string | null;
  /** The keys of `data` that this manager set last. */
  readonly dataKeys: readonly string[];
}

/** A problem that keeps a section of the document from being read. */
interface BlockedSection {
  readonly code: string;
  readonly section: string | null;
  readonly line: number | null;
}

/**
 * What a lease's entry lacks; null: nothing. @param groups from a sealed source @param writers of the document; null: an access
 * entry @param blocking an unreadable section has lost nothing, but gives nothing @param section of the entry
 */
export function driftOf(
  request: ApprovedRequest,
  entry: MappedIdentity | null,
  writers: readonly SectionWriter[] | null,
  blocking: readonly BlockedSection[] = [],
  groups: readonly string[] = request.groups,
  section: string = sectionOf(request),
): Drift | null {
  const missing = groups.filter((group) => !covers(entry?.groups ?? [], group));
  if (missing.length === 0) return null;
  const unread = entry ? undefined : blocking.find((each) => isBlocking(each.code) && each.section === section);
  if (unread) return { request, message: `${section} can't be read from line ${unread.line} on`, isUnread: true };
  const what = entry
    ? `the entry of ${request.principal} lacks ${missing.join(", ")}`
    : `the entry of ${request.principal} is gone`;
  const who = writers ? lastWriter(request, writers, section) : "CloudTrail says who changed it";
  return { request, message: `${what}; ${who}` };
}

/**
 * Why a role of a lease gives nothing any more: a clause; null: none is known to. Of a role that is not among these, what the last
 * look found remains. One that was without rules when it was approved is as approved.
 */
export function lostRole(
  { groups: own, lease, preview }: ApprovedRequest,
  roles: ReadonlyMap<string, RoleSeen>,
  groups: readonly string[] = own,
): string | null {
  const known = lease.drift?.message ?? null;
  for (const text of groups) {
    const { rules = [], digest = null } = roles.get(text) ?? {};
    const what = `the ${text.startsWith("ClusterRole") ? text.replace(/ in .*/, "") : text}`;
    if (digest === null && known?.startsWith(`${what} `)) return known;
    if (rules === null) return `${what} is gone`;
    const isEmpty = digest !== null && rules.length === 0;
    if (isEmpty && !preview?.base?.groups.includes(`${text} ${digest}`)) return `${what} has no rules any more`;
  }
  return null;
}

/** Whether a drift's message is of `lostRole`. */
export function isOfRole(message: string): boolean {
  return /^the (?:Cluster)?Role /.test(message);
}

/** What a lease lost, and why the worker does not restore it. */
export function notRestored(missing: string, why: string): string {
  return `${missing}; the worker does not restore it: ${why}`;
}

/** The same of a repair that the cluster refused: each later run tries again. */
export function notRestoredYet(missing: string, why: string): string {
  return `${missing}; the worker can't restore access yet: ${why}`;
}

export function isNotRestored(message: string): boolean {
  return /; the worker (?:does not restore it|can't restore access yet): /.test(message);
}

/** Neither the worker nor a new request restores it. */
export function needsOperator(message: string): boolean {
  return isOfRole(message) || /^map\w+ can't be read | is immutable\. /.test(message);
}

/** No one wrote over a lease in `aws-auth` that the cluster does not read any more. */
export function requestAgain(message: string): string {
  const isUnread = message.startsWith("it is in aws-auth, which");
  return isUnread ? "Request it again." : "Ask the other writer to keep it, then request it again.";
}

function sectionOf({ principal }: ApprovedRequest): string {
  return principal.includes(":user/") ? "mapUsers" : "mapRoles";
}

/** managedFields never names the remover: only the last writer of the section after our lease became active. */
function lastWriter(request: ApprovedRequest, writers: readonly SectionWriter[], section: string): string {
  const since = Math.floor(Date.parse(request.lease.activeSince ?? "") / 1000) * 1000;
  const [last] = writers
    .filter(
      ({ manager, dataKeys, time }) =>
        manager !== "eks-access" && dataKeys.includes(section) && Date.parse(time ?? "") >= since,
    )
    .toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""));
  return last ? `${last.manager} wrote ${section} last, ${last.time}` : "the cluster does not say who removed it";
}

/** API servers of a cluster have their own clocks. */
const clocksDifferMs = 60_000;

/**
 * Whether the section has what our last write left there: what an admission webhook adds is the writer's. Each of our writes plans all
 * sections, and a webhook in it takes no section over: so others' last write of this one is well before ours.
 */
export function isAsWeLeftIt(writers: readonly SectionWriter[], section: string): boolean {
  const ours = writers.filter(({ manager }) => manager === "eks-access");
  const plannedMs = Math.max(...ours.map(({ time }) => Date.parse(time ?? "")));
  const last = writers.filter(({ dataKeys }) => dataKeys.includes(section));
  const isPlanned = (writer: SectionWriter) =>
    ours.includes(writer) || Date.parse(writer.time ?? "") < plannedMs - clocksDifferMs;
  return last.length > 0 && last.every(isPlanned);
}

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
  const message = `${belongsTo(name, owner)}, which would revert this. Ask for a level that binds roles, or an operator for the setting of /eks-access check ${name}.`;
  return { code: "document-owned", message };
}

/** One clause, for example: aws-auth of payments belongs to Terraform (HashiCorp wrote it last). */
export function belongsTo(cluster: string, { name, manager }: MapOwner): string {
  const why = manager === null ? "" : ` (${manager} wrote it last)`;
  return `aws-auth of ${cluster} belongs to ${name}${why}`;
}

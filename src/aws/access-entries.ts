import { type AccessScope, type EKS, NotFoundException, ResourceNotFoundException } from "@aws-sdk/client-eks";
import { z } from "zod";
import { AccessError, type FailureCode } from "../access/access-error.ts";
import type { MappedIdentity } from "../access/lease/lease-record.ts";
import type { ScopedPolicy } from "../access/policy/policy-text.ts";
import { entryArnOf, entryArnsByPrincipal } from "../access/principal.ts";
import type { AccessEntry, NewEntry } from "../access-entry/index.ts";
import { principalOfCalls, type RequestIds } from "../operations/announcements.ts";
import { allOfPages, type PageBounds } from "../operations/bounds.ts";
import { answeredList, answeredWith, logRequestId } from "./client-settings.ts";
import { type ClusterAddress, clusterPlace, type EksCluster } from "./eks-cluster.ts";
import { awsFailure } from "./explain-aws-error.ts";

interface Calls {
  readonly client: EKS;
  readonly clusterName: string;
  readonly clusterArn: string;
  readonly partition: string;
  readonly call: Call;
}

/** Sends a call, and translates its failure. @param principalArn null: it is about all entries, or the cluster itself */
type Call = <T extends object>(action: string, principalArn: string | null, send: () => Promise<T>) => Promise<T>;

/** A cluster's calls. @throws AccessError, such as `access-entry-conflict` */
export type AccessEntries = ReturnType<typeof accessEntriesOf>;

const pageSize = 100;

function entryBounds(): PageBounds {
  return { pages: 50, items: 50 * pageSize, deadline: AbortSignal.timeout(30_000) };
}

/** The access entries of one cluster, one call each: no two are atomic together. They hold credentials: they live for one run. */
export function accessEntriesOf(eks: EksCluster, log?: RequestIds) {
  const { address, client, description } = eks;
  const { eksName: clusterName, partition } = address;
  const call: Call = async (action, principalArn, send) => {
    try {
      const about = principalArn === null ? undefined : principalOfCalls(principalArn);
      return await logRequestId(log, `eks:${action}`, send(), about);
    } catch (error) {
      throw entryFailure(error, action, principalArn, address);
    }
  };
  const calls = { client, clusterName, partition, clusterArn: description.arn, call };
  const changes = { ...calls, client: retryRefusedOnly(eks.newClient()) };
  return {
    /** The ARNs of the principals, with their paths. */
    list: () => listAll(calls),
    /** Null: the principal has none. The ARN must be in the form of IAM. */
    describe: (principalArn: string) => describe(calls, principalArn),
    /** Without its access policies, in one call; null: the principal has no entry. */
    identityOf: async (principalArn: string): Promise<MappedIdentity | null> => {
      const found = await describeAlone(calls, principalArn);
      return found && { username: found.username ?? "", groups: found.kubernetesGroups ?? [] };
    },
    ...entryChanges(changes),
    ...policyChanges(changes),
    ...tagChanges(changes),
  };
}

function entryChanges({ client, clusterName, call }: Calls) {
  return {
    /** The entry's own ARN, and its time by EKS' clock. */
    create: async (entry: NewEntry): Promise<Pick<AccessEntry, "arn" | "createdAt">> => {
      const { principalArn, username, groups, tags } = entry;
      // The SDK sends one token with each try of a call.
      const rest = { clusterName, principalArn, username, type: "STANDARD" };
      const input = { ...rest, kubernetesGroups: [...groups], tags: { ...tags } };
      const { accessEntry } = await call("CreateAccessEntry", principalArn, () => client.createAccessEntry(input));
      return { arn: accessEntry?.accessEntryArn ?? "", ...madeAt(accessEntry) };
    },
    /** Sets all its groups; the username stays. */
    setGroups: async (principalArn: string, groups: readonly string[]) => {
      const input = { clusterName, principalArn, kubernetesGroups: [...groups] };
      await call("UpdateAccessEntry", principalArn, () => client.updateAccessEntry(input));
    },
    /** Succeeds if the entry is already gone. */
    remove: async (principalArn: string) => {
      const input = { clusterName, principalArn };
      await call("DeleteAccessEntry", principalArn, () => orAbsent(client.deleteAccessEntry(input)));
    },
  };
}

function policyChanges({ client, clusterName, partition, call }: Calls) {
  const policyArnOf = (name: string) => `arn:${partition}:eks::aws:cluster-access-policy/${name}`;
  return {
    /** Replaces the scope of a policy that is already associated. */
    associate: async (principalArn: string, { name, namespaces }: ScopedPolicy) => {
      const accessScope: AccessScope = namespaces
        ? { type: "namespace", namespaces: [...namespaces] }
        : { type: "cluster" };
      const input = { clusterName, principalArn, policyArn: policyArnOf(name), accessScope };
      await call("AssociateAccessPolicy", principalArn, () => client.associateAccessPolicy(input));
    },
    /** Succeeds if the policy is already gone. */
    disassociate: async (principalArn: string, name: string) => {
      const input = { clusterName, principalArn, policyArn: policyArnOf(name) };
      await call("DisassociateAccessPolicy", principalArn, () => orAbsent(client.disassociateAccessPolicy(input)));
    },
  };
}

async function listAll({ client, clusterName, call }: Calls): Promise<readonly string[]> {
  const what = `eks:ListAccessEntries of cluster ${clusterName}`;
  return allOfPages(what, entryBounds(), async (nextToken) => {
    const input = { clusterName, nextToken, maxResults: pageSize };
    const answer = await call("ListAccessEntries", null, () => client.listAccessEntries(input));
    return { items: answeredList(answer.accessEntries, what), next: answer.nextToken };
  });
}

const text = z.string().optional();

/** The SDK gives each member as it came. */
const entryForm = z.object({
  principalArn: z.string(),
  ...{ accessEntryArn: text, type: text, username: text },
  kubernetesGroups: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

/** Without its policies. */
async function describeAlone({ client, clusterName, call }: Calls, principalArn: string) {
  const answer = await call("DescribeAccessEntry", principalArn, () =>
    orAbsent(client.describeAccessEntry({ clusterName, principalArn })),
  );
  if ("isAbsent" in answer) return null;
  const entry = answer.accessEntry;
  // A proxy can answer with what it kept of another call, and its groups would be written here.
  const { data: known } = entryForm.safeParse(entry);
  const isOfIt = known?.principalArn.toLowerCase() === principalArn.toLowerCase();
  return answeredWith(isOfIt ? entry : undefined, `eks:DescribeAccessEntry of ${principalArn}`);
}

async function describe(calls: Calls, principalArn: string): Promise<AccessEntry | null> {
  const found = await describeAlone(calls, principalArn);
  if (!found) return null;
  const { accessEntryArn = "", type = "STANDARD", username = "", kubernetesGroups = [], tags = {} } = found;
  const about = { clusterName: calls.clusterName, principalArn };
  const policies = type === "STANDARD" ? await policiesOf(calls, about) : [];
  const entry = { principalArn, arn: accessEntryArn, type, username, groups: kubernetesGroups, policies, tags };
  return { ...entry, ...madeAt(found) };
}

function madeAt(found: { readonly createdAt?: Date | undefined } | undefined): Pick<AccessEntry, "createdAt"> {
  return found?.createdAt ? { createdAt: found.createdAt.toISOString() } : {};
}

async function policiesOf(
  { client, call }: Calls,
  about: { readonly clusterName: string; readonly principalArn: string },
): Promise<readonly ScopedPolicy[]> {
  const what = `eks:ListAssociatedAccessPolicies of ${about.principalArn}`;
  const associated = await allOfPages(what, entryBounds(), async (nextToken) => {
    const input = { ...about, nextToken, maxResults: pageSize };
    const answer = await call("ListAssociatedAccessPolicies", about.principalArn, () =>
      orAbsent(client.listAssociatedAccessPolicies(input)),
    );
    if ("isAbsent" in answer) return { items: [], next: undefined };
    return { items: answeredList(answer.associatedAccessPolicies, what), next: answer.nextToken };
  });
  return associated.map(({ policyArn, accessScope }) => {
    const [name] = /[^/]+$/.exec(policyArn ?? "") ?? [];
    return { name: answeredWith(name, what), namespaces: namespacesOf(accessScope) };
  });
}

/** A scope that we do not know counts as every namespace: full control is seen, and no level of ours is read as given. */
function namespacesOf({ type, namespaces = [] }: Partial<AccessScope> = {}): readonly string[] | null {
  if (type === "cluster") return null;
  return type === "namespace" && namespaces.length > 0 ? namespaces : ["**"];
}

type Tags = Readonly<Record<string, string>>;
type Tagged = Pick<AccessEntry, "arn" | "principalArn">;

function tagChanges({ client, clusterArn, call }: Calls) {
  const tag = async (resourceArn: string, about: string | null, tags: Tags) => {
    const input = { resourceArn, tags: { ...tags } };
    await call("TagResource", about, () => client.tagResource(input));
  };
  const untag = async (resourceArn: string, about: string | null, keys: readonly string[]) => {
    const input = { resourceArn, tagKeys: [...keys] };
    await call("UntagResource", about, () => orAbsent(client.untagResource(input)));
  };
  return {
    tag: ({ arn, principalArn }: Tagged, tags: Tags) => tag(arn, principalArn, tags),
    untag: ({ arn, principalArn }: Tagged, keys: readonly string[]) => untag(arn, principalArn, keys),
    /** All in one call, on the cluster itself. */
    tagCluster: (tags: Tags) => tag(clusterArn, null, tags),
    untagCluster: (keys: readonly string[]) => untag(clusterArn, null, keys),
  };
}

/** Lets a client retry only throttled calls: an unanswered one can still arrive minutes later, so its sender must know about it. */
function retryRefusedOnly(client: EKS): EKS {
  const standard = client.config.retryStrategy;
  client.config.retryStrategy = async () => {
    const strategy = await standard();
    if (!("refreshRetryTokenForRetry" in strategy)) throw new Error("The AWS SDK has another retry strategy");
    return {
      acquireInitialRetryToken: (scope) => strategy.acquireInitialRetryToken(scope),
      recordSuccess: (token) => strategy.recordSuccess(token),
      refreshRetryTokenForRetry: async (token, failed) => {
        // If this rejects, the call fails with its first failure.
        if (failed.errorType !== "THROTTLING") throw new Error("not to be tried again");
        return strategy.refreshRetryTokenForRetry(token, failed);
      },
    };
  };
  return client;
}

/** A principal's entry; null: it has none. Searches all entries, because a caller's ARN lacks a role's path. @throws AccessError */
export async function entryFor(
  { list, describe }: Pick<AccessEntries, "list" | "describe">,
  principalArn: string,
): Promise<{ readonly entry: AccessEntry | null; readonly listed: readonly string[] }> {
  const listed = await list();
  const found = entryArnsByPrincipal(listed).get(entryArnOf(principalArn).toLowerCase());
  return { entry: found === undefined ? null : await describe(found), listed };
}

/** Its answer, or that what it is about does not exist. */
async function orAbsent<T extends object>(call: Promise<T>) {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error) && !isAboutCluster(error)) return { isAbsent: true, $metadata: error.$metadata } as const;
    throw error;
  }
}

/** TagResource and UntagResource have another name for it (EKS API reference). */
function isNotFound(error: unknown): error is ResourceNotFoundException | NotFoundException {
  return error instanceof ResourceNotFoundException || error instanceof NotFoundException;
}

function isAboutCluster({ message }: Error): boolean {
  return message.startsWith("No cluster found");
}

/** The errors that have another meaning for access entries than elsewhere in AWS, by name. */
const meanings: ReadonlyMap<string, FailureCode> = new Map([
  ["ResourceInUseException", "access-entry-conflict"],
  ["ResourceNotFoundException", "access-entry-conflict"],
  ["NotFoundException", "access-entry-conflict"],
  ["ResourceLimitExceededException", "access-entry-limit"],
  ["InvalidParameterException", "access-entry-refused"],
  ["InvalidRequestException", "access-entry-mode"],
  ["AccessDeniedException", "access-entry-denied"],
  ["AccessDenied", "access-entry-denied"],
]);

/** Translates a failure of a call about access entries. @param principalArn null: it was about all of them */
export function entryFailure(
  error: unknown,
  action: string,
  principalArn: string | null,
  address: ClusterAddress,
): AccessError {
  const place = clusterPlace(address);
  const failure = awsFailure(error, `eks:${action} on ${principalArn ? `${principalArn} in ` : ""}${place}`);
  if (!(error instanceof Error)) return failure;
  if (error.name === "ResourceNotFoundException" && isAboutCluster(error)) {
    return new AccessError("cluster-not-found", `EKS knows no ${place}`, { cause: failure.cause });
  }
  const meant = meanings.get(error.name);
  // EKS can refuse the token of a list's next page: nothing was asked for that does not exist.
  const code = meant === "access-entry-refused" && /^(?:List|Describe)/.test(action) ? "aws-unexpected" : meant;
  if (!code) return failure;
  const remedy = code === "access-entry-denied" ? address.entriesRemedy : undefined;
  return new AccessError(code, failure.what, { cause: failure.cause, ...(remedy !== undefined && { remedy }) });
}

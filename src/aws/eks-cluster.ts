import { setTimeout as wait } from "node:timers/promises";
import { type Cluster, EKS, ResourceNotFoundException } from "@aws-sdk/client-eks";
import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import { type AuthenticationMode, authenticationModes } from "../access/policy/cluster.ts";
import { outsideWords } from "../access/redact.ts";
import { measuredStep, type RequestIds } from "../operations/announcements.ts";
import {
  type AwsCredentials,
  answeredWith,
  awsAnswer,
  type CredentialSource,
  clientSettings,
  incomplete,
  logRequestId,
} from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";
import { roleMadeAt } from "./iam-role.ts";
import { ownCredentials } from "./sts.ts";

/** An update takes some minutes (EKS User Guide, "Change authentication mode"). */
const maxLooks = 180;

const endpointForm = /^https:\/\/[\w.:[\]-]{1,255}\/?$/;
const longest = 300;

const text = z.string().nullish();
/** The SDK gives each member as it came, and some of a cluster that EKS creates are null. */
const textsForm = z.object({
  ...{ name: text, arn: text, endpoint: text, status: text, version: text },
  certificateAuthority: z.object({ data: text }).nullish(),
  tags: z.record(z.string(), z.string()).nullish(),
});

export interface ClusterAddress {
  readonly eksName: string;
  readonly region: string;
  readonly account: string;
  readonly partition: string;
  /** What to do if EKS refuses a call about access entries; absent: as for every identity. */
  readonly entriesRemedy?: string;
}

export interface ClusterDescription {
  readonly name: string;
  readonly arn: string;
  readonly endpoint: string;
  readonly certificateAuthority: string;
  readonly status: string;
  readonly authenticationMode: AuthenticationMode;
  /** Whether EKS gave the creator rights in Kubernetes, which terraform-aws-eks 20 switches off. */
  readonly isCreatorAdmin: boolean;
  readonly createdAt: Date | null;
  /** Of Kubernetes: `1.33`. */
  readonly version: string;
  /** Of the cluster itself, ours and others'. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * One EKS cluster, as some credentials reach it. EKS finds a cluster by its name, in the account of the credentials. So a value of
 * this class exists only after EKS answered these credentials with the expected ARN, and every call of EKS takes one. It holds
 * credentials: it lives for one run.
 */
export class EksCluster {
  readonly address: ClusterAddress;
  /** From when it was opened. */
  readonly description: ClusterDescription;
  /** With the checked credentials, and no others in its life. */
  readonly client: EKS;
  readonly #credentials: AwsCredentials;

  private constructor(
    credentials: AwsCredentials,
    client: EKS,
    address: ClusterAddress,
    description: ClusterDescription,
  ) {
    this.#credentials = credentials;
    this.client = client;
    this.address = address;
    this.description = description;
  }

  static async open(source: CredentialSource, address: ClusterAddress, log?: RequestIds): Promise<EksCluster> {
    const credentials = source === "default" ? await ownCredentials(address.region) : source;
    const client = new EKS(clientSettings(credentials, address.region));
    return new EksCluster(credentials, client, address, await describeCluster(client, address, log));
  }

  /** As it is now. @throws AccessError */
  describe(log?: RequestIds): Promise<ClusterDescription> {
    return describeCluster(this.client, this.address, log);
  }

  /** When IAM made a role of the credentials' account, ISO 8601; null: there is none of this name. @throws AccessError */
  roleMadeAt(roleArn: string, log?: RequestIds): Promise<string | null> {
    return roleMadeAt(this.#credentials, roleArn, log);
  }

  /** Another one with the same credentials, for other retries. */
  newClient(): EKS {
    return new EKS(clientSettings(this.#credentials, this.address.region));
  }
}

function describeCluster(client: EKS, address: ClusterAddress, log?: RequestIds): Promise<ClusterDescription> {
  const what = `eks:DescribeCluster on ${clusterPlace(address)}`;
  return measuredStep("describe", async () => {
    try {
      const input = { name: address.eksName };
      const { cluster } = await logRequestId(log, "eks:DescribeCluster", client.describeCluster(input));
      return describe(answeredWith(textsForm.safeParse(cluster).success ? cluster : undefined, what), address, what);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw awsFailure(error, what);
      throw new AccessError("cluster-not-found", `EKS knows no ${clusterPlace(address)}`, { cause: error });
    }
  });
}

function answeredWrong(answer: string, address: ClusterAddress): AccessError {
  const said = outsideWords(answer, longest) || "no ARN";
  return new AccessError("cluster-mismatch", `EKS answered with ${said}, not with ${clusterPlace(address)}`);
}

function describe(cluster: Cluster, address: ClusterAddress, call: string): ClusterDescription {
  const { name = "", arn = "", endpoint = "", status } = cluster;
  const { eksName, region, account, partition } = address;
  if (name !== eksName || arn !== `arn:${partition}:eks:${region}:${account}:cluster/${eksName}`) {
    throw answeredWrong(arn, address);
  }
  if (!status) throw incomplete(call);
  const certificateAuthority = cluster.certificateAuthority?.data ?? "";
  // A cluster keeps serving during an upgrade or another change.
  const isServing = status === "ACTIVE" || status === "UPDATING";
  if (!isServing) {
    const said = outsideWords(status, longest);
    const remedy = neverActive.get(status);
    const what = `EKS says that ${clusterPlace(address)} is ${said}`;
    throw new ClusterNotActive(what, remedy ? { remedy } : {}, cluster.createdAt);
  }
  if (!endpoint || !certificateAuthority) throw incomplete(call);
  // The token is a credential: it must not travel in the clear, or to a host behind the name that people read.
  if (!endpointForm.test(endpoint)) throw answeredWrong(endpoint, address);
  // Clusters that are older than access entries have no accessConfig.
  const answered = cluster.accessConfig?.authenticationMode ?? "CONFIG_MAP";
  const authenticationMode = authenticationModes.find((mode) => mode === answered);
  if (!authenticationMode) {
    const what = `EKS says that ${clusterPlace(address)} is ${outsideWords(answered, longest)}`;
    throw new AccessError("aws-unexpected", what, { remedy: "See Upgrade in docs/operating.md." });
  }
  return {
    name,
    arn,
    endpoint,
    certificateAuthority,
    status,
    authenticationMode,
    isCreatorAdmin: cluster.accessConfig?.bootstrapClusterCreatorAdminPermissions ?? true,
    createdAt: cluster.createdAt ?? null,
    version: cluster.version ?? "",
    tags: cluster.tags ?? {},
  };
}

/** It has no address yet or any more, but a time of creation. */
export class ClusterNotActive extends AccessError {
  readonly createdAt: Date | null;

  constructor(what: string, options: { readonly remedy?: string }, createdAt: Date | undefined) {
    super("cluster-not-active", what, options);
    this.createdAt = createdAt ?? null;
  }
}

/** Those that EKS does not make ACTIVE by itself, with what to do. */
const neverActive: ReadonlyMap<string, string> = new Map([
  ["DELETING", "Once gone, run eks-access retire."],
  ["FAILED", "Recreate it."],
]);

export function clusterPlace({ eksName, region, account }: ClusterAddress): string {
  return `cluster ${eksName} in ${region} of account ${account}`;
}

function lookAfterMs(look: number): number {
  return Math.min(5_000, 100 * 2 ** look);
}

interface SwitchContext {
  readonly awsRequests?: RequestIds;
  readonly pause?: (ms: number) => Promise<unknown>;
  readonly say?: (sentence: string) => void;
}

/** Irreversible. Waits for EKS to confirm it. @returns false: it already read access entries @throws AccessError */
export async function switchToAccessEntries(
  eks: EksCluster,
  { awsRequests: log, pause = wait, say }: SwitchContext,
): Promise<boolean> {
  const { address, client } = eks;
  for (let look = 0; look < maxLooks; look += 1) {
    const { status, authenticationMode } = await eks.describe(log);
    if (authenticationMode !== "CONFIG_MAP") return look > 0;
    if (look === 0) say?.("Switching the mode takes minutes.");
    const begun = status === "ACTIVE" ? await beginUpdate(eks, log) : null;
    if (begun) {
      await untilUpdated(client, address, begun.update?.id, log, pause);
      return true;
    }
    await pause(lookAfterMs(look));
  }
  throw tookTooLong(address);
}

/** Null: another run began it at the same moment, or EKS took an earlier call of this one. */
async function beginUpdate(eks: EksCluster, log: RequestIds | undefined) {
  const { address, client } = eks;
  const accessConfig = { authenticationMode: "API_AND_CONFIG_MAP" } as const;
  try {
    return await awsAnswer(
      `eks:UpdateClusterConfig on ${clusterPlace(address)}`,
      logRequestId(log, "eks:UpdateClusterConfig", client.updateClusterConfig({ name: address.eksName, accessConfig })),
    );
  } catch (error) {
    const { status, authenticationMode } = await eks.describe(log);
    if (status === "ACTIVE" && authenticationMode === "CONFIG_MAP") throw error;
    return null;
  }
}

async function untilUpdated(
  client: EKS,
  address: ClusterAddress,
  updateId: string | undefined,
  log: RequestIds | undefined,
  pause: NonNullable<SwitchContext["pause"]>,
): Promise<void> {
  const { eksName: name } = address;
  const place = clusterPlace(address);
  for (let look = 0; look < maxLooks; look += 1) {
    const { update: now } = await awsAnswer(
      `eks:DescribeUpdate on ${place}`,
      logRequestId(log, "eks:DescribeUpdate", client.describeUpdate({ name, updateId })),
    );
    if (now?.status === "Successful") return;
    if (now?.status === "Failed" || now?.status === "Cancelled") {
      const said = Array.isArray(now.errors) ? now.errors.map((each) => each?.errorMessage ?? "") : [];
      const why = outsideWords(said.join(" "), longest);
      const what = `EKS did not switch the authentication mode of ${place}: ${why || now.status}`;
      throw new AccessError("aws-request-refused", what, { remedy: "Fix that, then run it again." });
    }
    await pause(lookAfterMs(look));
  }
  throw tookTooLong(address);
}

function tookTooLong({ eksName }: ClusterAddress): AccessError {
  return new AccessError("cluster-not-active", `The update of cluster ${eksName} does not end`);
}

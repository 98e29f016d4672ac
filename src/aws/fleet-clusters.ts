import { type Cluster, EKS, ResourceNotFoundException } from "@aws-sdk/client-eks";
import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import type { AuthenticationMode, Labels } from "../access/policy/cluster.ts";
import { outsideWords } from "../access/redact.ts";
import { allOfPages } from "../operations/bounds.ts";
import { answeredList, answeredWith, awsAnswer, type CredentialSource, clientSettings } from "./client-settings.ts";
import type { ClusterDescription } from "./eks-cluster.ts";

export interface FleetRegion {
  /** The clusters' names in EKS. @throws AccessError */
  readonly names: () => Promise<readonly string[]>;
  /** A cluster as EKS describes it; null: it can't be used, or is gone since it was listed. @throws AccessError */
  readonly lookAt: (eksName: string) => Promise<SeenCluster | null>;
}

/** A cluster as AWS describes it; the configuration need not name it. */
export interface SeenCluster
  extends Pick<ClusterDescription, "arn" | "createdAt" | "endpoint" | "certificateAuthority"> {
  readonly mode: AuthenticationMode;
  /** Whether the API server can be reached from outside its network. */
  readonly isPublic: boolean;
  /** Without those of AWS. */
  readonly tags: Labels;
}

const tagsForm = z.record(z.string(), z.string()).optional();

/** EKS allows an account 100 clusters in a region, and more on request. */
const bounds = () => ({ pages: 50, items: 5_000, deadline: AbortSignal.timeout(60_000) });

export function fleetRegion(source: CredentialSource, account: string, region: string): FleetRegion {
  // EKS throttles an account with many clusters: the SDK waits longer after each try.
  const client = new EKS({ ...clientSettings(source, region), maxAttempts: 6 });
  const where = `in ${region} of account ${account}`;
  const describe = async (name: string): Promise<Cluster | null> => {
    const what = `eks:DescribeCluster of ${name} ${where}`;
    const answer = client.describeCluster({ name }).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return { cluster: null };
      throw error;
    });
    const { cluster } = await awsAnswer(what, answer);
    if (cluster === null) return null;
    const said = String(cluster?.arn ?? "no ARN");
    // A proxy can answer with what it kept of another call, and tags choose the rule.
    if (!said.endsWith(`:eks:${region}:${account}:cluster/${name}`)) {
      const wrong = `EKS answered with ${outsideWords(said, 400)}, not with ${name} ${where}`;
      throw new AccessError("cluster-mismatch", wrong);
    }
    const known = answeredWith(tagsForm.safeParse(cluster?.tags).success ? cluster : undefined, what);
    return known.status === "ACTIVE" || known.status === "UPDATING" ? known : null;
  };
  return {
    names: () =>
      allOfPages(`eks:ListClusters ${where}`, bounds(), async (nextToken) => {
        const answer = await awsAnswer(`eks:ListClusters ${where}`, client.listClusters({ nextToken }));
        return { items: answeredList(answer.clusters, `eks:ListClusters ${where}`), next: answer.nextToken };
      }),
    lookAt: async (name) => {
      const cluster = await describe(name);
      return cluster && seen(cluster);
    },
  };
}

function seen({ arn = "", accessConfig, resourcesVpcConfig, createdAt, endpoint, ...rest }: Cluster): SeenCluster {
  return {
    arn,
    mode: accessConfig?.authenticationMode ?? "CONFIG_MAP",
    isPublic: resourcesVpcConfig?.endpointPublicAccess ?? true,
    createdAt: createdAt ?? null,
    endpoint: endpoint ?? "",
    certificateAuthority: rest.certificateAuthority?.data ?? "",
    // AWS sets tags that begin so, and people can't.
    tags: Object.fromEntries(Object.entries(rest.tags ?? {}).filter(([key]) => !key.startsWith("aws:"))),
  };
}

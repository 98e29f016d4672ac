import {
  DescribeAccessEntryCommand,
  EKSClient,
  ListAccessEntriesCommand,
  ListAssociatedAccessPoliciesCommand,
} from "@aws-sdk/client-eks";
import { clientSettings } from "./client-settings.ts";
import type { AwsCredentials } from "./credentials.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** An access entry of EKS: it goes before aws-auth for its principal. */
export interface AccessEntry {
  /** With its path, unlike in aws-auth. */
  readonly principalArn: string;
  readonly username: string;
  readonly groups: readonly string[];
  /** Names of access policies, for example `AmazonEKSViewPolicy`. */
  readonly policies: readonly string[];
}

/** Entries come by the hundred; a cluster may have thousands. */
const mostPages = 50;

/**
 * The access entry of a role or user; null: it has none. All entries are gone through, because an entry names a role with
 * its path, and who signs in does not (EKS User Guide, "Create access entries").
 *
 * @param principalArn as aws-auth would have it, a role without its path
 * @throws AccessError
 */
export async function findAccessEntry(
  credentials: AwsCredentials,
  { eksName, region }: { readonly eksName: string; readonly region: string },
  principalArn: string,
): Promise<AccessEntry | null> {
  const client = new EKSClient(clientSettings(credentials, region));
  try {
    const found = await findArn(client, eksName, principalArn.toLowerCase());
    return found === null ? null : await readEntry(client, eksName, found);
  } catch (error) {
    throw awsFailure(error, `eks access entries of cluster ${eksName} in ${region}`);
  } finally {
    client.destroy();
  }
}

async function findArn(client: EKSClient, clusterName: string, wanted: string): Promise<string | null> {
  let nextToken: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await client.send(new ListAccessEntriesCommand({ clusterName, nextToken, maxResults: 100 }));
    const arn = answer.accessEntries?.find((each) => withoutRolePath(each).toLowerCase() === wanted);
    if (arn !== undefined) return arn;
    nextToken = answer.nextToken;
    if (!nextToken) return null;
  }
  return null;
}

async function readEntry(client: EKSClient, clusterName: string, principalArn: string): Promise<AccessEntry> {
  const { accessEntry } = await client.send(new DescribeAccessEntryCommand({ clusterName, principalArn }));
  const { associatedAccessPolicies = [] } = await client.send(
    new ListAssociatedAccessPoliciesCommand({ clusterName, principalArn, maxResults: 100 }),
  );
  return {
    principalArn,
    username: accessEntry?.username ?? "",
    groups: accessEntry?.kubernetesGroups ?? [],
    policies: associatedAccessPolicies.flatMap(({ policyArn }) => policyArn?.split("/").at(-1) ?? []),
  };
}

function withoutRolePath(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/");
}

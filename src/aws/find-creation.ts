import { setTimeout as wait } from "node:timers/promises";
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { clientSettings } from "./client-settings.ts";
import { type CreationRecord, readCreationRecord } from "./creation-record.ts";
import type { CredentialSource } from "./credentials.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** LookupEvents allows two calls a second for an account and region. */
const betweenPagesMs = 550;
const mostPages = 200;

/**
 * The CloudTrail record of a cluster's creation, of the last 90 days in its region; null where there is none.
 * @throws AccessError
 */
export async function findCreation(
  source: CredentialSource,
  region: string,
  cluster: { readonly arn: string; readonly createdAt: Date | null },
): Promise<CreationRecord | null> {
  const client = new CloudTrailClient(clientSettings(source, region));
  try {
    let next: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      if (page > 0) await wait(betweenPagesMs);
      const answer = await client.send(
        new LookupEventsCommand({
          LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateCluster" }],
          MaxResults: 50,
          ...(next ? { NextToken: next } : {}),
        }),
      );
      for (const { CloudTrailEvent } of answer.Events ?? []) {
        const record = readCreationRecord(CloudTrailEvent ?? "", cluster);
        if (record) return record;
      }
      next = answer.NextToken;
      if (!next) return null;
    }
    return null;
  } catch (error) {
    throw awsFailure(error, `cloudtrail:LookupEvents in ${region}`);
  } finally {
    client.destroy();
  }
}

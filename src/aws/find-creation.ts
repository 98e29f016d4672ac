import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import { fromAssumedRole } from "../access/arn.ts";
import { type CreationRecord, isRecordOfCluster, recordWithinMs } from "../access/policy/creator.ts";
import { parseJson } from "../access/seal.ts";
import { boundedPages } from "../operations/bounds.ts";
import { type AwsCredentials, answeredList, type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";
import { callerIdentity, ownCredentials } from "./sts.ts";

/** People read these texts, and the ledger keeps them. */
const visible = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[!-~]*$/);

const identity = z.object({
  type: z.string().max(64).regex(/^\w*$/).optional(),
  arn: visible(2048).optional(),
  invokedBy: visible(256).optional(),
  sessionContext: z.object({ sessionIssuer: z.object({ arn: visible(2048).optional() }).optional() }).optional(),
});

const schema = z.object({
  eventID: visible(64),
  eventTime: z.iso.datetime(),
  eventSource: z.string(),
  errorCode: z.string().optional(),
  userIdentity: identity,
  responseElements: z.object({ cluster: z.object({ arn: z.string().optional() }).optional() }).nullish(),
});

/** In characters; a record has some thousand. It is one text of the answer, so the bound on values does not see into it. */
const largestRecord = 512 * 1024;
/** How far LookupEvents looks back. */
const historyMs = 90 * 24 * 3600 * 1000;
/** LookupEvents allows two calls a second for an account and region: the milliseconds between two. */
export const betweenLookupsMs = 550;
const mostOf = { pages: 100, items: 5_000, milliseconds: 120_000 };

/** Null: no record in 90 days. @param turn awaited before each call, for `betweenLookupsMs` @throws AccessError */
export async function findCreation(
  source: CredentialSource,
  region: string,
  cluster: CreatedCluster,
  now: Date,
  turn: () => Promise<void>,
): Promise<CreationRecord | null> {
  if (cluster.createdAt && now.getTime() - cluster.createdAt.getTime() > historyMs) return null;
  await expectOwnAccount(source, region, cluster);
  const credentials = source === "default" ? await ownCredentials(region) : source;
  for await (const json of creations(credentials, region, cluster.createdAt, turn)) {
    const record = readCreationRecord(json, cluster);
    if (record) return record;
  }
  return null;
}

/** Another account has another history: its "no record" would answer nothing. */
async function expectOwnAccount(source: CredentialSource, region: string, { arn }: CreatedCluster): Promise<void> {
  const [, , , , account = ""] = arn.split(":");
  const own = await callerIdentity(source, region);
  if (own.account === account) return;
  const what = `Account ${own.account} can't search the history of account ${account}`;
  throw new AccessError("aws-request-refused", what, { remedy: "Find CreateCluster there." });
}

/** Every event called CreateCluster, of any service, newest first. */
async function* creations(
  credentials: AwsCredentials,
  region: string,
  createdAt: Date | null,
  turn: () => Promise<void>,
): AsyncGenerator<string> {
  // Loaded only here: most workers act as an operator, and never ask.
  const { CloudTrail } = await import("@aws-sdk/client-cloudtrail");
  // All callers in the account share the two calls a second.
  const client = new CloudTrail({ ...clientSettings(credentials, region), maxAttempts: 6 });
  const what = `cloudtrail:LookupEvents in ${region}`;
  try {
    const bounds = { ...mostOf, deadline: AbortSignal.timeout(mostOf.milliseconds) };
    const pages = boundedPages(what, bounds, async (token) => {
      await turn();
      const answer = await client.lookupEvents({
        LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateCluster" }],
        MaxResults: 50,
        ...(createdAt && around(createdAt)),
        ...(token && { NextToken: token }),
      });
      return { items: answeredList(answer.Events, what), next: answer.NextToken };
    });
    for await (const events of pages) for (const event of events) yield event.CloudTrailEvent ?? "";
  } catch (error) {
    throw awsFailure(error, what);
  }
}

/** With the time of the creation one page is enough, however many clusters there are. */
function around(createdAt: Date): { StartTime: Date; EndTime: Date } {
  return {
    StartTime: new Date(createdAt.getTime() - recordWithinMs),
    EndTime: new Date(createdAt.getTime() + recordWithinMs),
  };
}

type UserIdentity = z.infer<typeof identity>;

/** The cluster. Without `createdAt` the newest creation of its ARN counts. */
export type CreatedCluster = { readonly arn: string; readonly createdAt: Date | null };

/**
 * Reads the JSON of one CloudTrail event; null: it is not the successful creation of this EKS cluster. ECS, Redshift, DAX and MemoryDB
 * also have a `CreateCluster`. A new cluster can have a deleted one's name: `createdAt` identifies the present one.
 * Source: CloudTrail User Guide, "userIdentity element".
 */
export function readCreationRecord(json: string, cluster: CreatedCluster): CreationRecord | null {
  if (json.length > largestRecord) return null;
  const event = schema.safeParse(parseJson(json));
  if (!event.success || event.data.eventSource !== "eks.amazonaws.com" || event.data.errorCode) return null;
  const { eventID, eventTime, userIdentity, responseElements } = event.data;
  if (responseElements?.cluster?.arn !== cluster.arn) return null;
  const { type = "unknown", invokedBy = null } = userIdentity;
  const record = { eventId: eventID, at: eventTime, kind: type, arn: namedBy(type, userIdentity), invokedBy };
  return isRecordOfCluster(record, cluster.createdAt) ? record : null;
}

/** The issuer of a session of a role or a federated user. A service or another account has none. */
function namedBy(type: string, { arn, sessionContext }: UserIdentity): string | null {
  if (type === "IAMUser" || type === "Root" || type === "Role") return arn ?? null;
  const issuer = sessionContext?.sessionIssuer?.arn ?? null;
  if (type === "AssumedRole") return issuer ?? fromAssumedRole(arn ?? "");
  return type === "FederatedUser" ? issuer : null;
}

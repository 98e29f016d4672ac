import { type AssumeRoleCommandInput, type AssumeRoleCommandOutput, STS } from "@aws-sdk/client-sts";
import { fromIni } from "@aws-sdk/credential-providers";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import { AccessError, hasCode } from "../access/access-error.ts";
import { measuredStep, type RequestIds } from "../operations/announcements.ts";
import { servedTime } from "../operations/deadlines.ts";
import {
  type AwsCredentials,
  awsAnswer,
  type CredentialSource,
  clientSettings,
  foundInTime,
  incomplete,
  logRequestId,
} from "./client-settings.ts";

/** The process's own client of each region: a new one would look up its credentials again, with a call for IRSA. */
const own = new Map<string, STS>();

const kept = new WeakSet<STS>();

/** A user's path has any visible sign, and 512 of them at most (API reference of IAM, "User"). */
const arnForm = /^arn:[\w-]+:(?:sts|iam)::\d{12}:[!-~]{1,700}$/;

export interface AssumeOptions {
  readonly roleArn: string;
  readonly region: string;
  readonly externalId?: string | undefined;
  readonly sessionName: string;
  readonly sourceIdentity?: string | undefined;
  /** Session tags; they need sts:TagSession in the trust policy. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Whether AWS passes the tags on to the sessions that are assumed from this one; those can't set them again. */
  readonly transitive?: boolean | undefined;
  /** A policy of IAM in JSON: the session's rights are those that it and the role share. Needs no permission. */
  readonly policy?: string | undefined;
  /** By default 900, the shortest that STS gives. */
  readonly durationSeconds?: number | undefined;
}

/** Credentials with the identity that STS named in the same answer: it needs no further question. */
export type AssumedSession = AwsCredentials & { readonly identity: CallerIdentity };

/** Assumes a role for the shortest time. The credentials are for memory only: never log or store them. @throws AccessError */
export async function assumeRole(
  source: CredentialSource,
  options: AssumeOptions,
  log?: RequestIds,
): Promise<AssumedSession> {
  const { roleArn, region } = options;
  const assume = () =>
    callSts(source, region, `sts:AssumeRole on ${roleArn}`, async (client) => {
      return sessionIn(await logRequestId(log, "sts:AssumeRole", client.assumeRole(inputOf(options))), roleArn);
    });
  return measuredStep("assume", assume);
}

function inputOf(options: AssumeOptions): AssumeRoleCommandInput {
  const tags = Object.entries(options.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return {
    RoleArn: options.roleArn,
    RoleSessionName: options.sessionName,
    DurationSeconds: options.durationSeconds ?? 900,
    ...(options.externalId === undefined ? {} : { ExternalId: options.externalId }),
    ...(options.policy === undefined ? {} : { Policy: options.policy }),
    ...(options.sourceIdentity === undefined ? {} : { SourceIdentity: options.sourceIdentity }),
    // An empty list would still require sts:TagSession.
    ...(tags.length === 0 ? {} : { Tags: tags }),
    ...(options.transitive && tags.length > 0 ? { TransitiveTagKeys: Object.keys(options.tags ?? {}) } : {}),
  };
}

function sessionIn({ Credentials, AssumedRoleUser }: AssumeRoleCommandOutput, roleArn: string): AssumedSession {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  const { Arn: arn, AssumedRoleId } = AssumedRoleUser ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !arn || !AssumedRoleId || !arnForm.test(arn)) {
    throw incomplete(`sts:AssumeRole on ${roleArn}`);
  }
  return {
    identity: { arn, account: arn.split(":")[4] ?? "" },
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration ? { expiration: Expiration } : {}),
  };
}

/** The worker's present credentials, from the kept client of the region. @throws AccessError */
export async function ownCredentials(region: string): Promise<AwsCredentials> {
  return callSts("default", region, "its own identity", async (client) => picked(await client.config.credentials()));
}

/** The credentials of a named profile, read each time, so that a rotated key counts at once. @throws AccessError */
export async function credentialsOfProfile(profile: string, region: string): Promise<AwsCredentials> {
  try {
    return picked(await foundInTime(fromIni({ profile, ignoreCache: true, clientConfig: { region } })()));
  } catch (error) {
    if (error instanceof AccessError) throw error;
    throw new AccessError("aws-credentials-missing", `The worker has no AWS credentials in its profile ${profile}`, {
      cause: error,
      remedy: `Put them into [${profile}] of AWS_SHARED_CREDENTIALS_FILE.`,
    });
  }
}

function picked({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredentials): AwsCredentials {
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), ...(expiration && { expiration }) };
}

/** Calls STS of a region. @param what action and resource in IAM's form */
async function callSts<T>(
  source: CredentialSource,
  region: string,
  what: string,
  send: (client: STS) => Promise<T>,
): Promise<T> {
  const client = source === "default" ? ownClient(region) : new STS(clientSettings(source, region));
  try {
    return await awsAnswer(what, send(client));
  } catch (error) {
    if (source !== "default") throw error;
    own.delete(placeOf(region));
    if (!hasCode(error, "aws-credentials-invalid", "aws-credentials-expired") || !kept.has(client)) throw error;
    // They come from an earlier call, and may have been rotated since.
    return await awsAnswer(what, send(ownClient(region)));
  } finally {
    kept.add(client);
  }
}

function ownClient(region: string): STS {
  const known = own.get(placeOf(region));
  if (known) return known;
  const client = new STS(clientSettings("default", region));
  own.set(placeOf(region), client);
  return client;
}

function placeOf(region: string): string {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID = "" } = process.env;
  return `${region} ${AWS_ENDPOINT_URL_STS ?? AWS_ENDPOINT_URL ?? ""} ${AWS_ACCESS_KEY_ID}`;
}

export interface CallerIdentity {
  /** `…:user/NAME` or `…:assumed-role/NAME/SESSION`. */
  readonly arn: string;
  readonly account: string;
}

/** As a step of a run: asks STS of the region for our identity. */
export async function callerIdentity(
  source: CredentialSource,
  region: string,
  log?: RequestIds,
): Promise<CallerIdentity> {
  return measuredStep("caller-identity", () => askCallerIdentity(source, region, log));
}

/** Asks STS of the region for our identity. Needs no permission, so a failure is about the credentials or the network. */
export function askCallerIdentity(source: CredentialSource, region: string, log?: RequestIds): Promise<CallerIdentity> {
  const action = "sts:GetCallerIdentity";
  return callSts(source, region, action, async (client) => {
    const { Arn, Account, UserId } = await logRequestId(log, action, client.getCallerIdentity({}));
    if (!Arn || !Account || !UserId || !arnForm.test(Arn) || !/^\d{12}$/.test(Account)) throw incomplete(action);
    return { arn: Arn, account: Account };
  });
}

/** AWS refuses a signature that is five minutes off; a cluster refuses a token earlier. */
export const maxSkewSeconds = 60;

/** By STS's answer without credentials. @throws AccessError `aws-unreachable` */
export async function timeOfAws(region: string): Promise<Date> {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL } = process.env;
  try {
    return await servedTime(AWS_ENDPOINT_URL_STS ?? AWS_ENDPOINT_URL ?? `https://${stsHost(region)}`);
  } catch (error) {
    throw new AccessError("aws-unreachable", "Can't reach STS", { cause: error });
  }
}

/** The signature covers the cluster's name in EKS: a token for one cluster is useless at another. */
const clusterHeader = "x-k8s-aws-id";

/** A client's own SHA-256 is by Node's crypto. */
type RegionalSts = Pick<STS["config"], "sha256"> & { readonly host: string };

const regions = new Map<string, RegionalSts>();

/**
 * A bearer token for one EKS cluster: a presigned STS GetCallerIdentity that the cluster's authenticator sends to STS. It is
 * accepted until 15 minutes after `now`. The API server remembers its answer to a token: a check of the present needs a new one.
 * Format: aws-iam-authenticator, pkg/token.
 *
 * @param now the time of signing, in whole seconds
 * @param expiresIn seconds in the signature. The AWS CLI signs 60; the authenticator counts 15 minutes from X-Amz-Date anyway.
 *   It makes two tokens of one second differ.
 */
export async function mintToken(
  credentials: AwsCredentials,
  cluster: { readonly eksName: string; readonly region: string },
  now: Date,
  expiresIn = 60,
): Promise<string> {
  const { host, sha256 } = regionalSts(cluster.region);
  const signer = new SignatureV4({ service: "sts", region: cluster.region, credentials, sha256 });
  const request = new HttpRequest({
    method: "GET",
    protocol: "https:",
    hostname: host,
    path: "/",
    query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
    headers: { host, [clusterHeader]: cluster.eksName },
  });
  const signed = await signer.presign(request, { expiresIn, signingDate: now });
  return `k8s-aws-v1.${Buffer.from(urlOf(signed), "utf8").toString("base64url")}`;
}

/** The STS host of a region, by the SDK's rules. Not AWS_ENDPOINT_URL_STS: the authenticator accepts no other host. */
export function stsHost(region: string): string {
  return regionalSts(region).host;
}

function regionalSts(region: string): RegionalSts {
  const known = regions.get(region);
  if (known) return known;
  const client = new STS({ region });
  const { sha256, endpointProvider } = client.config;
  const { url } = endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false });
  client.destroy();
  const found = { host: url.hostname, sha256 };
  regions.set(region, found);
  return found;
}

function urlOf(request: { hostname: string; path: string; query?: HttpRequest["query"] }): string {
  const query = Object.entries(request.query ?? {}).flatMap(([key, value]) =>
    [value ?? []].flat().map((each) => `${encodeURIComponent(key)}=${encodeURIComponent(each)}`),
  );
  return `https://${request.hostname}${request.path}?${query.join("&")}`;
}

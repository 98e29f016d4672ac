import { AssumeRoleCommand, type AssumeRoleCommandInput, type AssumeRoleCommandOutput } from "@aws-sdk/client-sts";
import type { RequestIds } from "../access/audit/event.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { step } from "../operations/metrics/steps.ts";
import { callSts } from "./call-sts.ts";
import type { AwsCredentials, CredentialSource } from "./credentials.ts";
import { logged } from "./request-log.ts";

/** Which role to assume, and what CloudTrail is to say about why. */
export interface AssumeOptions {
  readonly roleArn: string;
  readonly region: string;
  readonly externalId?: string | undefined;
  /** Made by `sessionNameOf`. */
  readonly sessionName: string;
  /** Made by `sessionNameOf`; stays with every session that is assumed from this one. */
  readonly sourceIdentity?: string | undefined;
  /** Session tags; they need sts:TagSession in the trust policy. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Whether the tags go on to the sessions that are assumed from this one; they can't be set there again. */
  readonly transitive?: boolean | undefined;
  /** A policy of IAM in JSON: the session may do what it and the role allow together. Needs no permission. */
  readonly policy?: string | undefined;
  /** 900, the shortest that STS gives, unless said otherwise. */
  readonly durationSeconds?: number | undefined;
}

/** Assumes a role for the shortest time. The credentials are for the caller's memory only: never log or store them. */
export async function assumeRole(
  source: CredentialSource,
  options: AssumeOptions,
  log?: RequestIds,
): Promise<AwsCredentials> {
  const { roleArn, region } = options;
  const assume = () =>
    callSts(source, region, `sts:AssumeRole on ${roleArn}`, async (client) => {
      const answer = await logged(log, "sts:AssumeRole", client.send(new AssumeRoleCommand(inputOf(options))));
      return credentialsIn(answer, roleArn);
    });
  return step("assume", assume);
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
    // An empty list would ask for sts:TagSession all the same.
    ...(tags.length === 0 ? {} : { Tags: tags }),
    ...(options.transitive && tags.length > 0 ? { TransitiveTagKeys: Object.keys(options.tags ?? {}) } : {}),
  };
}

function credentialsIn({ Credentials }: AssumeRoleCommandOutput, roleArn: string): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken) {
    throw new AccessError("aws-unexpected", `AWS answered sts:AssumeRole on ${roleArn} without credentials`);
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration ? { expiration: Expiration } : {}),
  };
}

import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure } from "../access/access-error.ts";
import { mapOwner } from "../access/lease/drift.ts";
import { creatorOf, type RoleStep } from "../access/policy/creator.ts";
import type { FleetPlace } from "../access/policy/fleet-list.ts";
import type { CredentialSource } from "../aws/client-settings.ts";
import { betweenLookupsMs, findCreation } from "../aws/find-creation.ts";
import type { FleetRegion, SeenCluster } from "../aws/fleet-clusters.ts";
import { sessionNameOf, surveySessionPolicy } from "../aws/session-policy.ts";
import { assumeRole, mintToken, ownCredentials } from "../aws/sts.ts";
import type { SurveyedCluster, SurveyedCreator, SurveyedMap } from "../config/proposed-config.ts";
import { connectCluster, whileOpen } from "../kubernetes/cluster-client.ts";
import { type FailedPlace, lookInRegions } from "./upkeep/look-at-fleet.ts";

export interface SurveyScope {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  /** The caller's account, where it looks as itself. */
  readonly ownAccount: string;
  /** The role to look with in any other account. */
  readonly roleFor: (account: string) => RoleStep;
}

export interface SurveyOptions {
  readonly now: () => Date;
  /** Waits between two calls of CloudTrail in one region. Milliseconds. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface Survey {
  readonly clusters: readonly SurveyedCluster[];
  readonly failed: readonly FailedPlace[];
}

/** A reachable API server answers within this time. */
const mapWithinMs = 3_000;

/**
 * Looks at the clusters of these accounts and regions: EKS describes each, CloudTrail names its creator, and the
 * cluster shows the owner of its `aws-auth`. It changes nothing, and in another account its session can't.
 */
export async function surveyClusters(scope: SurveyScope, options: SurveyOptions): Promise<Survey> {
  const sessions = new Map<string, Promise<CredentialSource>>();
  const { found: clusters, failed } = await lookInRegions({
    ...scope,
    sessionIn: ({ account, region }) => {
      const session = sessions.get(account) ?? openAccount(scope, account, region);
      sessions.set(account, session);
      return session;
    },
    lookIn: (eks, session) => surveyIn(eks, session, options),
  });
  return { clusters, failed };
}

async function openAccount({ ownAccount, roleFor }: SurveyScope, account: string, region: string) {
  if (account === ownAccount) return "default" as const;
  return assumeRole("default", {
    ...roleFor(account),
    region,
    sessionName: sessionNameOf("init"),
    policy: surveySessionPolicy(),
  });
}

function surveyIn(eks: FleetRegion, source: CredentialSource, { now, pause = wait }: SurveyOptions) {
  const turn = turns(pause);
  return async (place: FleetPlace): Promise<SurveyedCluster | null> => {
    const seen = await eks.lookAt(place.eksName);
    if (!seen) return null;
    const { tags, mode, isPublic } = seen;
    const creator = await creatorIn(source, place, seen, now(), turn);
    return { ...place, tags, mode, isPublic, creator, map: await mapIn(source, place, seen, now()) };
  };
}

function turns(pause: (ms: number) => Promise<unknown>): () => Promise<void> {
  let isFirst = true;
  return async () => {
    if (!isFirst) await pause(betweenLookupsMs);
    isFirst = false;
  };
}

async function creatorIn(
  source: CredentialSource,
  { account, region }: FleetPlace,
  { arn, createdAt }: SeenCluster,
  now: Date,
  turn: () => Promise<void>,
): Promise<SurveyedCreator> {
  const unknown = (why: string) => ({ type: "unknown", why }) as const;
  try {
    const record = await findCreation(source, region, { arn, createdAt }, now, turn);
    if (!record) return unknown("not in CloudTrail's 90 days");
    const verdict = creatorOf(record, account, { through: [] });
    if (verdict.type === "unusable") return unknown(verdict.why);
    const { creator } = verdict;
    return creator.type === "role" ? { type: "role", arn: creator.roleArn } : { type: "user", arn: creator.userArn };
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

async function mapIn(
  source: CredentialSource,
  { eksName, region }: FleetPlace,
  { mode, isPublic, endpoint, certificateAuthority }: SeenCluster,
  now: Date,
): Promise<SurveyedMap> {
  if (mode === "API") return { type: "unused" };
  if (!isPublic) return { type: "unknown", why: "private API server" };
  // The token is a credential: it must not travel in the clear.
  if (!endpoint.startsWith("https://")) return { type: "unknown", why: "no https address" };
  try {
    const credentials = source === "default" ? await ownCredentials(region) : source;
    const token = await mintToken(credentials, { eksName, region }, now);
    const client = connectCluster({ name: eksName, endpoint, certificateAuthority, token }, { timeoutMs: mapWithinMs });
    const map = await whileOpen(client, ({ readAwsAuth }) => readAwsAuth());
    const owner = map && mapOwner({}, map.managers);
    return owner ? { type: "owned", by: owner.name } : { type: map ? "free" : "absent" };
  } catch (error) {
    return { type: "unknown", why: reasonOf(error) };
  }
}

const reasons: Readonly<Record<string, string>> = {
  "aws-access-denied": "CloudTrail refuses you",
  "cluster-unauthorized": "the cluster does not know you",
  "cluster-forbidden": "the cluster refuses you",
  "cluster-unreachable": "unreachable from here",
};

function reasonOf(error: unknown): string {
  const known = error instanceof AccessError ? reasons[error.code] : undefined;
  return known ?? explainFailure(error);
}

import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure, hasCode, nullIf, withRemedy } from "../../access/access-error.ts";
import { canonicalCaller } from "../../access/arn.ts";
import type { MappedIdentity, ProofFinding } from "../../access/lease/lease-record.ts";
import { judgeSignIn, type PodsToList, type SignInObservation } from "../../access/lease/sign-in.ts";
import type { AccessCheck, Cluster, SignInMethod } from "../../access/policy/cluster.ts";
import { kubernetesGroups } from "../../access/policy/policy-text.ts";
import { withoutRolePath } from "../../access/principal.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { entryFor } from "../../aws/access-entries.ts";
import type { AwsCredentials } from "../../aws/client-settings.ts";
import { nothingSessionPolicy, type Purpose, sessionOf, tagsOf } from "../../aws/session-policy.ts";
import { assumeRole } from "../../aws/sts.ts";
import { render, resolve } from "../../aws-auth/index.ts";
import { broken, type Finding, found, named, notAsked } from "../../diagnosis/link.ts";
import { type ClusterClient, whileOpen } from "../../kubernetes/cluster-client.ts";
import type { RequestIds } from "../../operations/announcements.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { reviewAsPrincipal } from "../reconcile/review.ts";
import { readRemembered } from "../remembered.ts";

/** Milliseconds. The authenticator rereads aws-auth within about a second; an access entry takes some seconds. */
const waitsMs = [250, 500, 1_000, 2_000, 3_000, 4_000, 5_000];

export interface SignIn {
  /** The identity that the cluster's present state gives; it can change between tries. @throws AccessError */
  readonly expected: () => Promise<SessionIdentity>;
  readonly pods: PodsToList;
  /** Checks that only the principal can ask the API server. */
  readonly checks?: readonly AccessCheck[];
  /** A client with a new token of the principal for each attempt. @throws AccessError */
  readonly connect: (attempt: number) => Promise<ClusterClient>;
  /** When a read confirmed the entry, in milliseconds since the epoch. */
  readonly mappedAt: number;
}

export interface SignedIn {
  readonly finding: ProofFinding;
  /** What the API server allows it; null: not asked. */
  readonly authorized: ProofFinding | null;
}

/**
 * Signs in as the principal until the API server sees the expected identity, a bounded number of times. Each try has a
 * new token, because an API server caches its answer to a token, also a refusal (kubernetes, apiserver,
 * cached_token_authenticator). @throws why the last try had no answer
 */
export async function signIn(
  { expected, pods, checks = [], connect, mappedAt }: SignIn,
  { now, pause = wait }: { readonly now: () => Date; readonly pause?: (ms: number) => Promise<unknown> },
): Promise<SignedIn> {
  for (let attempt = 0; ; attempt += 1) {
    const { identity, place } = await expected();
    if (!identity) {
      return { finding: { result: "not tested", detail: `it is no longer in ${place}` }, authorized: null };
    }
    const seen = await observe(() => connect(attempt), pods, checks);
    const waitMs = waitsMs[attempt];
    if (seen.type === "no answer") {
      if (waitMs === undefined) throw seen.error;
    } else {
      const { finding, isFinal } = judgeSignIn({ identity, place, pods }, seen, now().getTime() - mappedAt);
      const authorized = seen.type === "in" ? seen.authorized : null;
      // An access policy takes effect some seconds after the entry.
      if ((isFinal && authorized?.result !== "no") || waitMs === undefined) return { finding, authorized };
    }
    await pause(waitMs);
  }
}

type Seen =
  | (SignInObservation & Pick<SignedIn, "authorized">)
  | { readonly type: "no answer"; readonly error: unknown };

async function observe(
  connect: () => Promise<ClusterClient>,
  pods: PodsToList,
  checks: readonly AccessCheck[],
): Promise<Seen> {
  try {
    return await whileOpen(connect(), async (client) => {
      // Null: the API server is too old for the question, or refuses it.
      const as = await client.whoAmI().catch(nullIfForbidden);
      const authorized = await reviewAsPrincipal(client, checks);
      // The API server authenticates first: a refused identity has signed in.
      const listed = await client.listPods(pods.namespace, 1).catch(nullIfForbidden);
      return { type: "in", as, pods: listed ? "listed" : "forbidden", authorized };
    });
  } catch (error) {
    if (hasCode(error, "cluster-unauthorized")) return { type: "refused", authorized: null };
    return { type: "no answer", error };
  }
}

const nullIfForbidden = nullIf("cluster-forbidden");

export interface PrincipalSession {
  /** For the memory of one run: never log or store them. */
  readonly credentials: AwsCredentials;
  /** As STS says it: `arn:…:assumed-role/R/S`. */
  readonly arn: string;
}

/** In a session without rights in AWS. CloudTrail shows the request. @param log gets the calls to AWS @throws AccessError */
export async function becomePrincipal(
  { region, name }: Cluster,
  { roleArn, externalId }: Extract<SignInMethod, { type: "role" }>,
  purpose: Purpose,
  log?: RequestIds,
): Promise<PrincipalSession> {
  const session = { ...sessionOf([purpose]), tags: tagsOf([purpose]), policy: nothingSessionPolicy() };
  const remedy = `Let the worker assume the role (deploy/iam), or remove it from signIn.roles of ${name}.`;
  const assuming = assumeRole("default", { roleArn, externalId, region, ...session }, log);
  const credentials = await assuming.catch(withRemedy(remedy, "aws-access-denied"));
  const { arn, account } = credentials.identity;
  const isIt = canonicalCaller(arn)?.toLowerCase() === withoutRolePath(roleArn).toLowerCase();
  if (isIt && account === roleArn.split(":")[4]) return { credentials, arn };
  throw new AccessError("principal-mismatch", `AWS says that the assumed ${roleArn} is ${arn}`);
}

export interface SessionIdentity {
  readonly identity: MappedIdentity | null;
  /** `aws-auth`, or `the access entries`. */
  readonly place: string;
}

/** With the templates filled in. An access entry overrides the document. @throws AccessError */
export async function identityOfSession(
  { mode, entries, client }: OpenedCluster,
  principal: string,
  session: PrincipalSession,
): Promise<SessionIdentity> {
  const entry = entries && (await entryFor(entries, principal)).entry;
  if (entry || mode === "API") {
    return { identity: entry && identityByEntry(entry, session), place: "the access entries" };
  }
  const configMap = await client.readAwsAuth();
  const { accessKeyId } = session.credentials;
  const document = await readRemembered(configMap?.data ?? {});
  return { identity: resolve(document, session.arn, accessKeyId), place: "aws-auth" };
}

/** By its access entry, with the templates filled in; null: its username can't be. */
export function identityByEntry(entry: AccessEntry, { arn, credentials }: PrincipalSession): MappedIdentity | null {
  const [, , , , accountId = ""] = arn.split(":");
  const sessionName = arn.split("/").at(-1) ?? "";
  const username = render(entry.username, { accountId, sessionName, accessKeyId: credentials.accessKeyId });
  return username === null ? null : { username, groups: kubernetesGroups(entry.groups) };
}

/** Whether the worker can assume the roles of `signIn.roles`. A pattern names roles that we can't list. */
export async function examineSignIn(cluster: Cluster): Promise<readonly Finding[]> {
  const { roles, externalId } = cluster.signIn;
  const findings: Finding[] = [];
  for (const roleArn of roles) {
    const pattern = `${named(roleArn)} is a pattern; the proof of a lease says whether the worker can assume its role`;
    const isPattern = roleArn.includes("*");
    findings.push(isPattern ? notAsked(`sign in: ${pattern}`) : await ofRole(cluster, roleArn, externalId));
  }
  return findings;
}

async function ofRole(cluster: Cluster, roleArn: string, externalId: string | undefined): Promise<Finding> {
  try {
    const purpose = { id: "doctor", requester: "doctor" };
    const { arn } = await becomePrincipal(cluster, { type: "role", roleArn, externalId }, purpose);
    return found(`sign in: the worker can assume ${arn}`);
  } catch (error) {
    if (error instanceof AccessError) return broken(`sign in: ${error.what}`, error.remedy);
    return broken(`sign in: the worker can't assume ${named(roleArn)}`, explainFailure(error));
  }
}

import { AccessError, explainFailure } from "../../access/access-error.ts";
import { keptWith } from "../../access/collections.ts";
import {
  type EmailStatement,
  type Identities,
  isFreshEmail,
  readIdentities,
  sealIdentities,
} from "../../access/found-identities.ts";
import { type IdentityCenterSettings, type IdentityRules, isCurrent, rolesOf } from "../../access/identities.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import type { CredentialSource } from "../../aws/client-settings.ts";
import { identityCenterSessionPolicy, type Purpose } from "../../aws/session-policy.ts";
import { broken, type Finding, found, notAsked } from "../../diagnosis/link.ts";
import type { IdentitiesReport } from "../../diagnosis/reports.ts";
import { sessionThrough } from "../become-creator.ts";
import type { WorkerContext } from "../context.ts";
import { type ReachedCluster, reachCluster } from "../open-cluster.ts";
import { openEksForEntries } from "../open-eks.ts";
import { readLiveDocument } from "./look-at-cluster.ts";

export interface IdentitiesQuestion {
  /** Of the person to look up. Only the Slack process can sign it, so an attacker with Redis can't choose another address. */
  readonly email: EmailStatement;
}

/** Finds a person's identities on a cluster, seals them, and remembers them for the next question. */
export async function reportIdentities(
  context: WorkerContext,
  cluster: Cluster,
  { email: statement }: IdentitiesQuestion,
): Promise<IdentitiesReport> {
  const { ledger, keys, config, now } = context;
  const { user, email } = statement;
  if (!isFreshEmail(statement, keys.decision, now())) {
    context.log.warn(
      { user, cluster: cluster.name },
      "a question has an email address without a fresh signature of the Slack process",
    );
    return { type: "failed", message: "The Slack process did not sign this question just now. Try again." };
  }
  const known = readIdentities((await ledger.identitiesOf(user)).get(cluster.name), user, cluster, keys.preview, now());
  if (known && isCurrent(known, email, config.identities, now())) return { type: "found", found: known };
  try {
    const { directory = known?.directory, ...rest } = await lookUp(context, cluster, statement);
    const unsealed = { user, email, at: now().toISOString(), ...rest, ...(directory && { directory }) };
    const found = sealIdentities(unsealed, cluster, keys.preview);
    await ledger.rememberIdentities(found);
    return { type: "found", found };
  } catch (error) {
    const code = error instanceof AccessError ? error.code : "unexpected";
    context.log.warn({ user, cluster: cluster.name, code, err: error }, "could not look up a person");
    return { type: "failed", message: explainFailure(error) };
  }
}

type Found = Pick<Identities, "person" | "why" | "directory">;

/** @throws AccessError: a failure is no answer, and it remembers nothing */
async function lookUp(context: WorkerContext, cluster: Cluster, { user, email }: EmailStatement): Promise<Found> {
  const center = identityCenterOf(context);
  if (!center) return { person: null, why: "not-configured" };
  const purpose = { id: "identities", requester: user };
  const reader = await becomeReader(center, purpose);
  // Loaded only here: few installations name an Identity Center.
  const { findPerson } = await import("../../aws/identity-center.ts");
  const reading = await findPerson(reader, center, email, cluster.account);
  if (reading.type === "none") return { person: null, why: reading.why };
  const { userName, permissionSets } = reading;
  if (permissionSets.length === 0)
    return { person: { userName, permissionSets: [], roles: [] }, why: "no-permission-set" };
  accountsOfDirectory(context.config.identities).add(cluster.account);
  const named = await reachCluster(context, cluster, purpose, (reached) => namedIn(context, cluster, reached));
  const roles = rolesOf(permissionSets, named, cluster.account);
  const person = { userName, permissionSets: [...permissionSets], roles };
  return { person, why: roles.length > 0 ? null : "role-unknown", directory: center.instanceArn };
}

/** Where the present directory has shown someone's permission set: those accounts are of its organization. */
export const accountsOfDirectory = keptWith((_: IdentityRules) => new Set<string>());

/** The session that may read the directory, and nothing else. @throws AccessError */
export function becomeReader(center: IdentityCenterSettings, purpose: Purpose): Promise<CredentialSource> {
  return sessionThrough(center.region, [center], [purpose], identityCenterSessionPolicy());
}

/** Whether the worker can look people up; empty: no setting asks for it. */
export async function examineIdentityCenter(config: WorkerContext["config"]): Promise<readonly Finding[]> {
  const center = identityCenterOf({ config });
  const [cluster] = config.clusters.values();
  if (!center || !cluster) return [];
  try {
    const reader = await becomeReader(center, { id: "doctor", requester: "doctor" });
    const { tryIdentityCenter } = await import("../../aws/identity-center.ts");
    const isKnown = await tryIdentityCenter(reader, center, cluster.account);
    const said = `the worker reads the directory as ${center.roleArn}`;
    return [
      found(said),
      ...(isKnown ? [] : [notAsked(`only a person's request shows whether ${center.instanceArn} is right`)]),
    ];
  } catch (error) {
    if (error instanceof AccessError) return [broken(error.what, error.remedy)];
    return [broken("can't check it", explainFailure(error))];
  }
}

export function identityCenterOf({ config }: Pick<WorkerContext, "config">): IdentityCenterSettings | null {
  const source = config.identities.sources.find(({ type }) => type === "identity-center");
  return source?.type === "identity-center" ? source.settings : null;
}

/** No one can compute the suffix of an Identity Center role, and iam:ListRoles would need a right in each account. */
async function namedIn(context: WorkerContext, cluster: Cluster, reached: ReachedCluster): Promise<readonly string[]> {
  const { authenticationMode: mode } = reached.description;
  const looked = mode === "API" ? null : await readLiveDocument(reached.client, cluster, context.keys.memory);
  const mapped = looked?.document.entries.map(({ arn }) => arn) ?? [];
  if (mode === "CONFIG_MAP") return mapped;
  const eks = await openEksForEntries(cluster, reached.eks);
  return [...mapped, ...(await accessEntriesOf(eks).list())];
}

import { z } from "zod";
import { type Cluster, sealedClusterOf } from "./policy/cluster.ts";
import {
  type DecisionKeys,
  type DecisionPublicKeys,
  hasSeal,
  type PreviewKeys,
  type PreviewPublicKeys,
  withSeal,
} from "./seal.ts";
import { isRecent } from "./seals.ts";

// What a worker finds about a person in Identity Center: the signed question of the Slack process, and the sealed answer.

/** Slack's confirmation of a person's address. Only the Slack process can ask Slack, and signs the answer for the worker. */
export interface EmailStatement {
  readonly user: string;
  readonly email: string;
  readonly at: string;
  readonly seal: string;
}

/** A question waits for a worker for a minute at most. */
const statementMs = 5 * 60_000;

export function sealEmail(user: string, email: string, now: Date, keys: DecisionKeys): EmailStatement {
  return withSeal(keys, "email", { user, email, at: now.toISOString() });
}

/** Whether our Slack process said so just now: an address can change its owner. */
export function isFreshEmail(said: EmailStatement, keys: DecisionPublicKeys, now: Date): boolean {
  return isRecent(said, now, statementMs) && hasSeal(keys, "email", said);
}

const reasons = [
  "user-not-found",
  "email-of-two-users",
  "user-disabled",
  "no-permission-set",
  "role-unknown",
  "not-configured",
] as const;

export type NoIdentity = (typeof reasons)[number];

/** The directory's answer about an address, in one account. */
export type PersonReading =
  /** @property permissionSets their names, sorted */
  | { readonly type: "person"; readonly userName: string; readonly permissionSets: readonly string[] }
  | { readonly type: "none"; readonly why: NoIdentity };

export const maxPermissionSets = 1_000;
const text = z.string().max(2048);
const identitiesForm = z.strictObject({
  user: text,
  email: text,
  cluster: text,
  at: z.iso.datetime(),
  person: z
    .strictObject({
      userName: text,
      permissionSets: z.array(text).max(maxPermissionSets),
      roles: z.array(text).max(1000),
    })
    .nullable(),
  why: z.enum(reasons).nullable(),
  directory: text.optional(),
  seal: text,
});

/**
 * What a worker found about a person on a cluster, sealed. `person.roles`: of their permission sets, without paths. `why`: why
 * there are none. `directory`: the instance that has shown a permission set of theirs in the cluster's account; absent: none.
 */
export type Identities = Readonly<z.output<typeof identitiesForm>>;

export function sealIdentities(
  about: Omit<Identities, "seal" | "cluster">,
  cluster: Cluster,
  keys: PreviewKeys,
): Identities {
  return withSeal(keys, "identities", { ...about, cluster: cluster.name }, { cluster: sealedClusterOf(cluster) });
}

const maxKeptMs = 24 * 3_600_000;

/** Null: it has another form. Do not trust it without its seal. */
export function asIdentities(value: unknown): Identities | null {
  return identitiesForm.safeParse(value).data ?? null;
}

/** What a worker sealed about this person on this cluster in the last day; null: it is something else. */
export function readIdentities(
  value: unknown,
  user: string,
  cluster: Cluster,
  keys: PreviewPublicKeys,
  now: Date,
): Identities | null {
  const found = asIdentities(value);
  if (found?.user !== user || found.cluster !== cluster.name || !isRecent(found, now, maxKeptMs)) return null;
  return hasSeal(keys, "identities", found, { cluster: sealedClusterOf(cluster) }) ? found : null;
}

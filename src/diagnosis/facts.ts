import { z } from "zod";
import { type Immutable, itemsForm, type MappedIdentity, textsForm } from "../access/lease/lease-record.ts";
import type { AuthenticationMode, Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import type { AwsAuthDocument } from "../aws-auth/index.ts";
import type { NamedRole } from "./replaced-roles.ts";

/** Why kubectl says `Unauthorized` or `Forbidden`; docs/diagnosis.md lists them. */
export const causeCodes = [
  "not-a-principal",
  "creator",
  "operator",
  "wrong-partition",
  "mode-api",
  "access-entry-wins",
  "document-absent",
  "section-broken",
  "section-misspelt",
  "content-dropped",
  "entry-never-matches",
  "user-path",
  "wrong-account",
  "role-replaced",
  "near-miss",
  "template-shuts-out",
  "ambiguous",
  "shadowed",
  "without-groups",
  "group-unbound",
  "not-allowed",
  "drifted",
  "not-yet",
  "lease-ended",
  "request-closed",
  "lease-ends-soon",
  "not-mapped",
  "entry-dead",
  "entries-unread",
  "own-side",
] as const;

export type AccessEntryFact =
  | { readonly type: "none" }
  | {
      readonly type: "entry";
      readonly identity: MappedIdentity;
      /** `STANDARD` for people; other types are for nodes. */
      readonly kind: string;
      /** As in its ARN, with the path of a role. */
      readonly principalArn: string;
      /** Absent: EKS did not say. */
      readonly createdAt?: string | undefined;
      /** When IAM made the role of this name. Absent: unknown. */
      readonly madeAt?: string | undefined;
      /** Why IAM did not say it: a clause. Null or absent: the worker did not ask, or IAM has no such role. */
      readonly whyUnknown?: string | null;
      /** Names of access policies, for example `AmazonEKSViewPolicy`. */
      readonly policies: readonly string[];
    }
  /** Why it is unknown: a clause. */
  | { readonly type: "not asked"; readonly why: string };

export interface WhyFacts {
  readonly cluster: Cluster;
  readonly given: string;
  readonly user: string;
  /** The identity that EKS always lets in; null: unknown, or no one. */
  readonly creatorArn: string | null;
  readonly mode: AuthenticationMode;
  readonly accessEntry: AccessEntryFact;
  /** Null: the cluster does not read it, there is none, or it could not be read. */
  readonly document: AwsAuthDocument | null;
  /** The roles that access entries name; null: unknown. */
  readonly rolesInEntries: readonly NamedRole[] | null;
  /** Groups that any binding of the cluster names; null: unknown. */
  readonly boundGroups: ReadonlySet<string> | null;
  /** Whether this identity can list pods in `default`, by the API server; null: not asked. */
  readonly pods: { readonly allowed: boolean; readonly reason: string } | null;
  /** The principal's known requests for this cluster, newest first. */
  readonly requests: readonly AccessRequest[];
  readonly now: Date;
}

type CauseCode = (typeof causeCodes)[number];

export type CauseButton = NonNullable<Cause["offer"]>;

/** Backticks mark values to read or copy. Times are ISO 8601. */
export type Cause = Immutable<z.output<typeof causeForm>>;
const causeForm = z.object({
  code: z.enum(causeCodes),
  message: z.string(),
  remedy: z.string(),
  offer: z.object({ type: z.enum(["ask-again", "extend"]), request: z.string() }).nullable(),
});

export type Diagnosis = Immutable<z.output<typeof diagnosisForm>>;
export const diagnosisForm = z.object({
  /** In the authenticator's form; null: the given text is no ARN of a role or user. */
  principal: z.string().nullable(),
  /** How the given ARN differs. */
  noticed: z.string().nullable(),
  /** The principal's identity in the cluster; null: none, unknown or random. */
  identity: z.object({ username: z.string(), groups: textsForm }).nullable(),
  /** kubectl's answer to `get pods` now, as far as it is predictable. */
  symptom: z.enum(["unauthorized", "forbidden", "none", "random", "unknown"]),
  /** The surest first; never empty. */
  causes: itemsForm(causeForm),
});

export function cause(code: CauseCode, message: string, remedy: string, offer: CauseButton | null = null): Cause {
  return { code, message, remedy, offer };
}

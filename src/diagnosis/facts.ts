import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest, MappedIdentity } from "../access/request/record.ts";
import type { AwsAuthDocument } from "../aws-auth/index.ts";
import type { AuthenticationMode } from "./cluster-links.ts";

/** Why kubectl says `Unauthorized` or `Forbidden`; docs/diagnosis.md has each with its remedy. */
export const causeCodes = [
  "not-a-principal",
  "creator",
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
  "own-side",
] as const;

/** The principal's own access entry, which goes before aws-auth wherever the cluster's mode knows access entries. */
export type AccessEntryFact =
  | { readonly type: "none" }
  | {
      readonly type: "entry";
      readonly identity: MappedIdentity;
      /** `STANDARD` for people; others are of nodes. */
      readonly kind: string;
      /** Names of access policies, for example `AmazonEKSViewPolicy`. */
      readonly policies: readonly string[];
    }
  /** Why it could not be asked: a clause. */
  | { readonly type: "not asked"; readonly why: string };

/** All that is known when somebody asks why they can't get in. */
export interface WhyFacts {
  readonly cluster: Cluster;
  /** The ARN as it was given, or as it is linked. */
  readonly given: string;
  /** Slack user id of whoever asks. */
  readonly user: string;
  /** Null: not known, where nothing was asked of the cluster. */
  readonly creatorArn: string | null;
  readonly mode: AuthenticationMode;
  readonly accessEntry: AccessEntryFact;
  /** Null: there is no ConfigMap. */
  readonly document: AwsAuthDocument | null;
  /** Groups that any binding of the cluster names; null: could not be asked. */
  readonly boundGroups: ReadonlySet<string> | null;
  /** Whether who they are may list pods in `default`, by the API server; null: not asked. */
  readonly pods: { readonly allowed: boolean; readonly reason: string } | null;
  /** What is known of the principal's requests for this cluster, newest first. */
  readonly requests: readonly AccessRequest[];
  readonly now: Date;
}

type CauseCode = (typeof causeCodes)[number];

/** What a button under the cause does, with the id of the request that it is about. */
export interface CauseButton {
  readonly type: "ask-again" | "extend";
  readonly request: string;
}

/** Values to read or to copy stand between backticks, times as ISO 8601. */
export interface Cause {
  readonly code: CauseCode;
  /** What is the matter, and where: sentences. */
  readonly message: string;
  /** What to do about it: sentences. */
  readonly remedy: string;
  readonly offer: CauseButton | null;
}

export function cause(code: CauseCode, message: string, remedy: string, offer: CauseButton | null = null): Cause {
  return { code, message, remedy, offer };
}

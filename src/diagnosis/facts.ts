import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest, MappedIdentity } from "../access/request/record.ts";
import type { AwsAuthDocument } from "../aws-auth/index.ts";
import type { AuthenticationMode } from "./cluster-links.ts";

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

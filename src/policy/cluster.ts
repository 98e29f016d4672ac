import type { Way } from "../access-entry/way.ts";
import type { TicketRule } from "../request/ticket.ts";
import type { BreakGlass } from "./break-glass.ts";
import type { Creator } from "./creator.ts";
import type { Rule } from "./rule.ts";
import type { SignInSettings } from "./sign-in.ts";

/** One thing that a level must allow, asked of the API server after each grant. */
export interface AccessCheck {
  readonly verb: string;
  readonly resource: string;
  /** API group; empty for the core group. */
  readonly group: string;
  /** Empty: all namespaces. */
  readonly namespace: string;
}

/** A named set of Kubernetes groups and access policies that clusters offer. */
export interface Level {
  readonly name: string;
  /** Groups, and access policies as `src/access-entry/policy-text.ts` writes them. */
  readonly groups: readonly string[];
  readonly maxDurationSeconds: number;
  /** What a grant of this level must be able to do; empty: nothing is tested. */
  readonly verify: readonly AccessCheck[];
}

export interface AccessEntrySettings {
  /** As whom EKS is asked to make and change them. */
  readonly as: "creator" | "worker";
  /** Paths that roles have in IAM, `/team/`: aws-auth has roles without them, and EKS takes them with. */
  readonly rolePaths: readonly string[];
}

/** One EKS cluster that the configuration names, with its approval rule. */
export interface Cluster {
  /** The name that people type. */
  readonly name: string;
  /** The name that EKS knows it by. */
  readonly eksName: string;
  readonly region: string;
  readonly account: string;
  readonly creator: Creator;
  /** Where the worker reaches the API server, `https://…`, where that is another place than EKS names. */
  readonly endpoint?: string | undefined;
  /** PEM in base64: who signs the certificate there, where that is another authority than EKS names. */
  readonly certificateAuthority?: string | undefined;
  /** The Slack channel in which approvers are asked. */
  readonly channel: string;
  /** Slack user ids and user groups (`S…`). */
  readonly approvers: readonly string[];
  readonly levels: readonly Level[];
  /** The first one that fits decides. */
  readonly rules: readonly Rule[];
  /** Why the cluster takes no requests now; null: it does. */
  readonly quiet: string | null;
  readonly ticket: TicketRule;
  /** Null: nobody may. */
  readonly breakGlass: BreakGlass | null;
  /** Slack user ids and user groups of people on call: they may revoke any grant of this cluster. */
  readonly onCall: readonly string[];
  /** What is done where somebody else took a grant's part out of aws-auth before its end. */
  readonly drift: "report" | "repair";
  /** Accounts other than the cluster's own whose principals may be given access. */
  readonly foreignAccounts: readonly string[];
  /** Whether an absent aws-auth may be created. */
  readonly createAwsAuth: boolean;
  /** How new grants are made where the cluster reads both. */
  readonly grants: Way;
  readonly accessEntries: AccessEntrySettings;
  /** As which principals the worker signs in, to prove their grants. */
  readonly signIn: SignInSettings;
}

/**
 * Every failure outside our control, with its remedy. `retry`: whether the same attempt can succeed later; `after-repair`: only after an
 * operator's repair, for which all requests of the cluster wait. An expected refusal is a value, not an AccessError.
 * test/access/promises.test.ts tests the promises of remedies. The code that schedules a retry announces it.
 */
const catalogue = {
  "aws-access-denied": {
    retry: "after-repair",
    remedy: "Check the trust policy, the external id, MFA conditions and service control policies.",
  },
  "aws-credentials-expired": { retry: true, remedy: "If this lasts, renew the worker's own AWS credentials." },
  "aws-credentials-missing": {
    retry: "after-repair",
    remedy: "Give the worker an AWS identity, for example an IRSA service account.",
  },
  "aws-credentials-invalid": {
    retry: "after-repair",
    remedy: "Check the worker's own AWS credentials, and its clock.",
  },
  "aws-request-refused": {
    retry: "after-repair",
    remedy: "Correct in eks-access.yml what AWS's answer names.",
  },
  "aws-region-disabled": {
    retry: "after-repair",
    remedy: "Enable the region for the account, or correct the region in eks-access.yml.",
  },
  "aws-throttled": { retry: true, remedy: "If this lasts, ask AWS for a higher quota." },
  "aws-unreachable": { retry: true, remedy: "Check the worker's network path to AWS." },
  "aws-failing": { retry: true, remedy: "If this lasts, see health.aws.amazon.com." },
  "aws-unexpected": {
    retry: true,
    remedy: "Check the AWS Health Dashboard; the worker's log has more.",
  },
  "creator-unknown": {
    retry: "after-repair",
    remedy: "Name the creator in eks-access.yml, with roleArn or userArn.",
  },
  "creator-mismatch": { retry: "after-repair", remedy: "Correct the creator in eks-access.yml." },
  "principal-mismatch": { retry: false, remedy: "Correct signIn.roles of the cluster in eks-access.yml." },
  "cluster-not-found": { retry: false, remedy: "Correct eksName, region or account in eks-access.yml." },
  "cluster-not-configured": {
    retry: true,
    remedy: "Add the cluster to eks-access.yml again until nothing is open there, or run eks-access retire.",
  },
  "cluster-not-active": { retry: true, remedy: "Wait until EKS reports the cluster as ACTIVE." },
  "cluster-mismatch": { retry: "after-repair", remedy: "Correct eksName, region or account in eks-access.yml." },
  "cluster-unreachable": {
    retry: true,
    remedy: "Check the network path from the worker to the cluster's endpoint.",
  },
  "cluster-unauthorized": {
    retry: true,
    remedy: "Check that creator in eks-access.yml created the cluster. If so, its authenticator may be down.",
  },
  "cluster-token-too-large": {
    retry: true,
    remedy: "Pass the worker fewer session tags, or set disableSessionTags in its EKS Pod Identity association.",
  },
  "cluster-forbidden": {
    retry: "after-repair",
    remedy: "Check that creator in eks-access.yml created the cluster.",
  },
  "cluster-refused-write": {
    retry: false,
    remedy: "Let the admission webhook or validation in its answer allow this change.",
  },
  "cluster-conflict": {
    retry: true,
    remedy: "If this lasts, find the other writer of aws-auth with /eks-access check.",
  },
  "cluster-throttled": {
    retry: true,
    remedy: "If this lasts, find the client that overloads the API server.",
  },
  "cluster-unexpected": {
    retry: true,
    remedy: "Check the cluster's health and admission webhooks; the worker's log has more.",
  },
  // It can be ours: if the answer to its creation was lost, the next run finds it.
  "binding-exists": { retry: true, remedy: "Delete the binding of that name, unless eks-access created it." },
  "binding-forbidden": {
    retry: "after-repair",
    remedy: "Let the worker's identity create and delete bindings, and use the verb bind on the role.",
  },
  "binding-changed": {
    retry: false,
    remedy:
      "The worker deleted it at once. Exempt objects with the label app.kubernetes.io/managed-by: eks-access there, then ask again.",
  },
  "namespace-absent": { retry: false, remedy: "Create the namespace, or ask for another one." },
  "role-absent": { retry: false, remedy: "Create the role in the cluster, or correct the level in eks-access.yml." },
  "access-entry-conflict": {
    retry: true,
    remedy: "If this lasts, find the other writer of this access entry in CloudTrail.",
  },
  "migration-not-approved": {
    retry: false,
    remedy: "Two approvers can approve the plan in Slack: /eks-access migrate shows it.",
  },
  "migration-stopped": {
    retry: false,
    remedy: "Repair it and press Try again, or press Stop and ask again.",
  },
  "access-entry-limit": {
    retry: "after-repair",
    remedy: "Delete unused access entries, or ask AWS for a higher quota.",
  },
  "access-entry-refused": {
    retry: false,
    remedy: "Check that the role or user exists; name paths of roles in accessEntries.rolePaths.",
  },
  "access-entry-mode": {
    retry: true,
    remedy: "Check that the cluster's authentication mode is API or API_AND_CONFIG_MAP.",
  },
  "access-entry-late": {
    retry: true,
    remedy: "Do nothing: the worker removes what arrives.",
  },
  "binding-kept": {
    retry: true,
    remedy: "Remove its finalizers (kubectl get -o yaml shows them): until then it gives its rights.",
  },
  "binding-late": {
    retry: true,
    remedy: "Do nothing: the worker removes what arrives.",
  },
  "access-entry-denied": {
    retry: "after-repair",
    remedy: "Give the role that accessEntries.as names the statements of deploy/iam/access-entries-policy.json.",
  },
  "answer-too-large": {
    retry: false,
    remedy: "Remove what you don't need there.",
  },
  "document-absent": {
    retry: false,
    remedy: "Create it in kube-system, or set createAwsAuth in eks-access.yml.",
  },
  // An immutable ConfigMap can't become mutable again (Kubernetes docs, "Immutable ConfigMaps").
  "document-immutable": {
    retry: false,
    remedy: "Save it, remove immutable: true from the copy, and run kubectl replace --force with the copy.",
  },
  "document-unchanged": { retry: true, remedy: "Repair that; then the worker removes it." },
  "record-changed": { retry: true, remedy: "Another process changed the record. Look at it again." },
  "ledger-unreachable": { retry: true, remedy: "Check that Redis runs, and check REDIS_URL." },
  "clock-behind": { retry: true, remedy: "Set the clocks of this machine and of Redis by NTP." },
  "ledger-refused": { retry: false, remedy: "Check user, password and certificates of REDIS_URL." },
  "ledger-schema": {
    retry: false,
    remedy: "Start the eks-access that wrote it, or follow the runbook Upgrade in docs/operating.md.",
  },
  "config-invalid": { retry: false, remedy: "Correct the configuration and start again." },
  "redis-not-found": { retry: false, remedy: "Install redis-server or valkey-server, or set REDIS_URL." },
  "port-in-use": { retry: false, remedy: "Stop the other process, or choose another port." },
  "slack-unreachable": { retry: true, remedy: "Check the network path to Slack." },
  "slack-refused": { retry: false, remedy: "Check the bot's scopes, its token and that it is in the channel." },
  "audit-webhook": { retry: true, remedy: "Check audit.webhook in eks-access.yml, and the server there." },
  "audit-sink-differs": {
    retry: false,
    remedy:
      "Another ledger may have written it, or this one before Redis was restored. Set another audit.s3.prefix in eks-access.yml.",
  },
  unexpected: { retry: true, remedy: "The log has the details." },
} as const satisfies Record<string, { retry: boolean | "after-repair"; remedy: string }>;

export type FailureCode = keyof typeof catalogue;

export const failureCodes = Object.keys(catalogue) as readonly FailureCode[];

/** Whether an operator must repair the worker's rights first. @param code any text */
export function isRepairable(code: string): boolean {
  return Object.hasOwn(catalogue, code) && catalogue[code as FailureCode].retry === "after-repair";
}

const UNREAD: ReadonlySet<string> = new Set([
  "section-unreadable",
  "section-too-large",
  "section-not-a-list",
  "byte-order-mark",
]);

/** Whether a problem of an aws-auth document leaves its section unread as a whole. @param code any text */
export function isUnread(code: string): boolean {
  return UNREAD.has(code);
}

/** Whether a problem of an aws-auth document stops every change of its section, until a person repairs the text. @param code any text */
export function isBlocking(code: string): boolean {
  return isUnread(code) || code === "content-dropped";
}

/** A failure with a code, a message (what, where, how to fix it), and whether a retry can help. */
export class AccessError extends Error {
  readonly code: FailureCode;
  /** Whether the same attempt can succeed later without a person's change. */
  readonly retryable: boolean;
  /** Whether no other attempt of the same request can succeed either. */
  readonly isFinal: boolean;
  /** What failed and where: a clause without a full stop. Never holds a secret. */
  readonly what: string;
  readonly remedy: string;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FailureCode,
    what: string,
    options: { cause?: unknown; remedy?: string; retryAfterMs?: number } = {},
  ) {
    const remedy = options.remedy ?? catalogue[code].remedy;
    super(`${what}. ${remedy}`, { cause: options.cause });
    this.name = "AccessError";
    this.code = code;
    this.what = what;
    this.remedy = remedy;
    this.retryable = catalogue[code].retry === true;
    this.isFinal = catalogue[code].retry === false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether our own records did not answer, or refused us. */
export function isLedgerFailure(error: unknown): boolean {
  return error instanceof AccessError && error.code.startsWith("ledger-");
}

/** The sentence that people read for any failure. An unexpected error's own text may hold a secret, so it never appears. */
export function explainFailure(error: unknown): string {
  if (error instanceof AccessError) return error.message;
  return "Something unexpected failed. The process's log has the details.";
}

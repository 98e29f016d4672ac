/** Remedies of failures outside our control, after which the same attempt can succeed later. The code that schedules it announces it. */
const passing = {
  "aws-credentials-expired": "If this lasts, renew the worker's AWS credentials.",
  "aws-throttled": "If this lasts, ask AWS for a higher quota.",
  "aws-unreachable": "Check the network path.",
  "aws-failing": "If this lasts, see health.aws.amazon.com.",
  "aws-unexpected": "If this lasts, see health.aws.amazon.com.",
  "cluster-not-configured": "Add the cluster again. If it was deleted, run eks-access retire.",
  "cluster-not-active": "Wait until EKS reports ACTIVE.",
  "cluster-unreachable": "Check the network path.",
  "cluster-unauthorized": "Check creator with /eks-access creator. If it is right, the authenticator may be down.",
  "cluster-token-too-large": "Pass fewer session tags (EKS Pod Identity: disableSessionTags).",
  "cluster-conflict": "If this lasts, find the other writer with /eks-access check.",
  "cluster-throttled": "If this lasts, find its busiest client.",
  "cluster-unexpected": "Check the cluster's health and admission webhooks.",
  // It can be ours: if the answer to its creation was lost, the next run finds it.
  "binding-exists": "Delete that binding, unless eks-access created it.",
  "access-entry-conflict": "If this lasts, find the other writer in CloudTrail.",
  "access-entry-mode": "Check that the authentication mode is API or API_AND_CONFIG_MAP.",
  "access-entry-late": "Do nothing: the worker removes what arrives.",
  "binding-kept": "Remove its finalizers: it still gives rights.",
  "binding-late": "Do nothing: the worker removes what arrives.",
  "document-changed": "Let the admission webhook leave aws-auth alone.",
  "document-unchanged": "Repair that; then the worker removes it.",
  "record-changed": "Look at it again.",
  "ledger-unreachable": "Check Redis and REDIS_URL.",
  "clock-wrong": "Set the clocks by NTP.",
  "slack-unreachable": "Check the network path.",
  "audit-webhook": "Correct audit.webhook or its server.",
  unexpected: "The log has the details.",
};

/** Those that pass only after an operator's repair, for which all requests of the cluster wait. */
const repairable = {
  "aws-access-denied": "Check the role's policies, trust policy, external id, MFA and SCPs.",
  "aws-credentials-missing": "Give the worker an AWS identity, such as IRSA.",
  "aws-credentials-invalid": "Check the worker's AWS credentials and clock.",
  "aws-request-refused": "Correct that in eks-access.yml.",
  "aws-region-disabled": "Enable the region, or correct it.",
  "creator-unknown": "Set creator: roleArn or userArn.",
  "creator-mismatch": "Correct creator's profile or userArn.",
  "cluster-mismatch": "Correct eksName, region or account.",
  "cluster-forbidden": "Check creator with /eks-access creator.",
  "binding-forbidden": "Let the worker create and delete bindings, and bind the role.",
  "access-entry-limit": "Delete unused access entries, or raise the quota.",
  "access-entry-denied": "Give accessEntries.as the statements of deploy/iam/access-entries-policy.json.",
};

/** Those after which no other attempt of the same request can succeed. */
const final = {
  "principal-mismatch": "Correct signIn.roles.",
  "cluster-not-found": "Correct eksName, region or account.",
  "cluster-refused-write": "Let that webhook or policy allow this.",
  "binding-changed": "It is deleted. Exempt the label app.kubernetes.io/managed-by: eks-access there, then ask again.",
  "namespace-absent": "Create it, or ask for another one.",
  "role-absent": "Create it, or correct the level.",
  "migration-not-approved": "Get two approvals: /eks-access migrate.",
  "migration-stopped": "Repair it and press Try again, or press Stop.",
  "access-entry-refused": "Check that this path exists (--role, --arn, accessEntries.rolePaths).",
  "answer-too-large": "Remove unneeded items there.",
  "document-absent": "Create it in kube-system, or set createAwsAuth.",
  // An immutable ConfigMap can't become mutable again (Kubernetes docs, "Immutable ConfigMaps").
  "document-immutable": "Save it without immutable: true, then run kubectl replace --force.",
  "ledger-refused": "Check REDIS_URL's user, password and certificates.",
  "ledger-schema": "See Upgrade in docs/operating.md.",
  "config-invalid": "Correct the configuration and start again.",
  "redis-not-found": "Install redis-server, or set REDIS_URL.",
  "port-in-use": "Stop the other process, or choose another port.",
  "slack-refused": "Check the bot's scopes, token and channel.",
  "audit-sink-differs": "Set another audit.s3.prefix: another or a restored ledger wrote there.",
};

/** An expected refusal is a value, not an AccessError. test/access/promises.test.ts tests the promises of remedies. */
const remedies = { ...passing, ...repairable, ...final };

export type FailureCode = keyof typeof remedies;

export const failureCodes = Object.keys(remedies) as readonly FailureCode[];

/** Whether an operator must repair the worker's rights first. @param code any text */
export function isRepairable(code: string): boolean {
  return Object.hasOwn(repairable, code);
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

/** For a certificate that is not valid now: the machine's clock can be the reason. @param code of Node's TLS; null: another failure */
export function outOfTimeRemedy(code: string): string | null {
  return /^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(code)
    ? "Set this machine's clock by NTP, or renew the certificate."
    : null;
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
    const remedy = options.remedy ?? remedies[code];
    super(`${what}. ${remedy}`, { cause: options.cause });
    this.name = "AccessError";
    this.code = code;
    this.what = what;
    this.remedy = remedy;
    this.retryable = Object.hasOwn(passing, code);
    this.isFinal = Object.hasOwn(final, code);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether it is a failure with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly FailureCode[]): error is AccessError {
  return error instanceof AccessError && codes.includes(error.code);
}

/** Of the promise of a call: null instead of a failure with one of these codes. */
export function nullIf(...codes: readonly FailureCode[]): (error: unknown) => null {
  return (error) => {
    if (hasCode(error, ...codes)) return null;
    throw error;
  };
}

/** The same: a failure with one of these codes says this remedy instead of its own. */
export function withRemedy(remedy: string, ...codes: readonly FailureCode[]): (error: unknown) => never {
  return (error) => {
    throw hasCode(error, ...codes) ? new AccessError(error.code, error.what, { cause: error.cause, remedy }) : error;
  };
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

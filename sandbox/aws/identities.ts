const tests = ["StringEquals", "StringLike", "ArnEquals", "ArnLike", "Null"] as const;

export interface TrustPolicy {
  /** ARNs of users, roles and role sessions. `arn:aws:iam::<account>:root` or an account id: every principal there, if its identity policy allows it. */
  principals: readonly string[];
  externalId?: string;
  requireSourceIdentity?: boolean;
  /** Whether the policy has `sts:SetSourceIdentity`; yes by default. */
  allowSourceIdentity?: boolean;
  /** Whether the policy has `sts:TagSession`; yes by default. */
  allowTags?: boolean;
}

export interface Identity {
  kind: "user" | "role";
  arn: string;
  accountId: string;
  name: string;
  /** AIDA… or AROA…, as GetCallerIdentity shows it. */
  id: string;
  /** IAM has whole seconds. */
  createdAt: Date;
  /** Actions that an identity policy allows on every resource, for example `eks:DescribeCluster`, `eks:*`. */
  allow: readonly string[];
  /** A further policy with resources and conditions. */
  policy: PolicyStatements;
  trust: TrustPolicy;
  maxSessionSeconds: number;
}

export interface Caller {
  identity: Identity;
  /** As GetCallerIdentity gives it: a role's session is `arn:aws:sts::…:assumed-role/R/S`. */
  arn: string;
  userId: string;
  accessKeyId: string;
  secretAccessKey: string;
  session?: Session;
}

export type PolicyStatements = readonly {
  /** A denial in any statement overrides every allowance. */
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: readonly Condition[];
}[];

/** One key of a condition (IAM User Guide, "IAM JSON policy elements: Condition operators"). */
export interface Condition {
  readonly test: (typeof tests)[number];
  /** `ForAllValues`: every value of the key must match, and an absent key matches too. */
  readonly every: boolean;
  readonly key: string;
  readonly values: readonly string[];
}

/** The facts of a call, by the key of a condition; absent: the call has no such fact. */
export type ConditionContext = Readonly<Record<string, readonly string[]>>;

export interface Session {
  token: string;
  expiresAt: Date;
  sourceIdentity?: string;
  tags: ReadonlyMap<string, string>;
  /** Limits the session besides its role's rights; undefined: no limit. */
  policy?: PolicyStatements;
  /** The keys of tags that AWS passes on to further sessions. */
  transitive: ReadonlySet<string>;
}

export type Credentials = { accessKeyId: string; secretAccessKey: string };

export type SessionCredentials = Credentials & { sessionToken: string; expiration: Date };

export function identityAllows(
  { allow, policy }: Identity,
  action: string,
  resource: string,
  context: ConditionContext = {},
): boolean {
  if (hasStatement("Deny", policy, action, resource, context)) return false;
  return allow.some((pattern) => matches(pattern, action)) || policyAllows(policy, action, resource, context);
}

/** True without a policy. */
export function sessionAllows(
  { session }: Caller,
  action: string,
  resource: string,
  context: ConditionContext = {},
): boolean {
  return session?.policy === undefined || policyAllows(session.policy, action, resource, context);
}

/** Whether the identity policy and the session policy both allow an action (IAM User Guide, "Session policies"). */
export function mayCall(caller: Caller, action: string, resource: string, context: ConditionContext = {}): boolean {
  const known = { ...context, ...tagsOf(caller) };
  return identityAllows(caller.identity, action, resource, known) && sessionAllows(caller, action, resource, known);
}

/** The tags of a session, by their condition keys (IAM User Guide, "AWS global condition context keys"). */
function tagsOf({ session }: Caller): ConditionContext {
  return Object.fromEntries([...(session?.tags ?? [])].map(([key, value]) => [`aws:PrincipalTag/${key}`, [value]]));
}

function policyAllows(statements: PolicyStatements, action: string, resource: string, context: ConditionContext) {
  const has = (effect: "Allow" | "Deny") => hasStatement(effect, statements, action, resource, context);
  return has("Allow") && !has("Deny");
}

function hasStatement(
  wanted: "Allow" | "Deny",
  statements: PolicyStatements,
  action: string,
  resource: string,
  context: ConditionContext,
): boolean {
  return statements.some(
    ({ effect, actions, resources, conditions }) =>
      effect === wanted &&
      actions.some((pattern) => matches(pattern, action)) &&
      resources.some((pattern) => matches(pattern, resource)) &&
      conditions.every((condition) => isMet(condition, context)),
  );
}

function isMet({ test, every, key, values }: Condition, context: ConditionContext): boolean {
  const own = context[key] ?? [];
  if (test === "Null") return values.includes(String(own.length === 0));
  const like = test !== "StringEquals";
  const fits = (value: string) => values.some((wanted) => (like ? matches(wanted, value) : wanted === value));
  return every ? own.every(fits) : own.some(fits);
}

/** `*` matches any run of characters and `?` one, as in IAM. */
export function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "s").test(text);
}

/** Null: AWS calls it malformed. The sandbox refuses what it does not know: an ignored condition would allow more. */
export function readPolicyDocument(text: string): PolicyStatements | null {
  try {
    const { Version, Statement } = JSON.parse(text) as { Version?: unknown; Statement?: unknown };
    if (Version !== "2012-10-17" || !Array.isArray(Statement)) return null;
    return Statement.map(readStatement);
  } catch {
    return null;
  }
}

function readStatement({
  Effect,
  Action,
  Resource,
  Condition = {},
  Sid: _,
  ...unknown
}: Record<string, unknown>): PolicyStatements[number] {
  const actions = texts(Action);
  const resources = texts(Resource);
  const isKnown = actions.length > 0 && resources.length > 0 && Object.keys(unknown).length === 0;
  if (!isKnown || (Effect !== "Allow" && Effect !== "Deny")) throw new Error("not a statement we know");
  return { effect: Effect, actions, resources, conditions: readConditions(Condition) };
}

function readConditions(condition: unknown): readonly Condition[] {
  if (typeof condition !== "object" || condition === null) throw new Error("not a condition we know");
  return Object.entries(condition).flatMap(([operator, keys]: [string, unknown]) => {
    const [, set, name] = /^(?:(ForAllValues|ForAnyValue):)?(\w+)$/.exec(operator) ?? [];
    const test = tests.find((each) => each === name);
    if (!test || typeof keys !== "object" || keys === null) throw new Error("not a condition we know");
    const every = set === "ForAllValues";
    return Object.entries(keys).map(([key, values]) => ({ test, every, key, values: texts(values) }));
  });
}

function texts(value: unknown): readonly string[] {
  return [value].flat().filter((each) => typeof each === "string");
}

import { formatDuration } from "../ask/duration.ts";
import { isPermanent } from "../lease/lease-record.ts";
import { admittedBy, admittedInWords, entryArnOf, type Holder, isOwnPrincipal } from "../principal.ts";
import { isTheirs } from "../record.ts";
import { type Cluster, isSessionPinned, type Level, matchesArnPattern, partitionOf, type Rule } from "./cluster.ts";
import { creatorArnOf, refuseIdentity } from "./creator.ts";
import { bindsRoles, isFullControl } from "./policy-text.ts";
import {
  approvalsNeeded,
  approversOf,
  hoursInWords,
  isShutAt,
  isUser,
  levelsFor,
  type Person,
  type RequesterFacts,
  ruleFor,
  sharedLeases,
} from "./rule.ts";

export interface PolicyQuestion extends RequestedAccess {
  readonly requester: string;
  /** As in the request. */
  readonly askedBy?: string | null;
  readonly requesterFacts: RequesterFacts;
}

export type AskRefusal =
  | RequestRefusal
  | "no-rule"
  | "quiet"
  | "outside-hours"
  | "not-permanent"
  | "principal-not-allowed"
  | "not-linked"
  | "shared"
  /** Who asks for another person, with an ARN that is not known as theirs. */
  | "not-theirs"
  | "too-few-approvers";

export type AskVerdict =
  | { readonly type: "allowed"; readonly rule: Rule }
  /** `rule`: the one that refuses; null: no rule decides this. */
  | (Reason & { readonly type: "refused"; readonly rule: Rule | null });

/** A refusal lists the allowed values. @param moment null: no particular time, so hours do not count */
export function mayAsk(asking: PolicyQuestion, moment: Date | null): AskVerdict {
  const { cluster, level, requester, requesterFacts } = asking;
  const impossible = refuseRequest(asking);
  if (impossible) return { type: "refused", ...impossible, rule: null };
  const person = { user: requester, memberships: requesterFacts.memberships };
  const rule = ruleFor(cluster, level.name, person);
  if (!rule) {
    const message = `The policy does not let you ask for ${level.name} on ${cluster.name}.`;
    return { type: "refused", code: "no-rule", message, rule };
  }
  const reason = refusalBy(rule, asking, person, moment);
  return reason ? { type: "refused", ...reason, rule } : { type: "allowed", rule };
}

/** `message`: a sentence with the allowed values. */
type Reason<Code extends AskRefusal = AskRefusal> = { readonly code: Code; readonly message: string };

/** Why the cluster or its deciding rule refuses; null: they allow it. */
function refusalBy(rule: Rule, asking: PolicyQuestion, person: Person, moment: Date | null): Reason | null {
  const { cluster, level, durationSeconds } = asking;
  const { name, quiet } = cluster;
  if (quiet !== null) {
    return { code: "quiet", message: `${name} takes no requests now: ${quiet.replace(/\.$/, "")}.` };
  }
  const longest = rule.maxDurationSeconds;
  if (isPermanent(durationSeconds)) {
    const most = Math.min(longest ?? Number.POSITIVE_INFINITY, level.maxDurationSeconds);
    if (!rule.permanent) return { code: "not-permanent", message: tooLong(cluster, level, most) };
  } else if (longest !== null && durationSeconds > longest) {
    return { code: "too-long", message: tooLong(cluster, level, longest) };
  }
  const principal = refusedPrincipal(rule, asking) ?? refusedShared(rule, asking, person);
  if (principal) return principal;
  if (moment && rule.hours && isShutAt(rule, moment)) {
    const message = `${level.name} on ${cluster.name} takes requests only ${hoursInWords(rule.hours)}.`;
    return { code: "outside-hours", message };
  }
  return moment ? tooFewApprovers(rule, asking, moment) : null;
}

function tooLong(cluster: Cluster, level: Level, longest: number): string {
  return `${level.name} on ${cluster.name} lasts at most ${formatDuration(longest)}.`;
}

function refusedPrincipal({ principals }: Rule, asking: PolicyQuestion): Reason | null {
  const { cluster, level, principal, requesterFacts } = asking;
  const what = `${level.name} on ${cluster.name}`;
  const notFor = (allowed: readonly string[], given: string): Reason => {
    return { code: "principal-not-allowed", message: `${what} is for ${allowed.join(" or ")} only, not for ${given}.` };
  };
  const { accounts, arns, linkedOnly } = principals;
  if (accounts && !accounts.includes(principal.account)) return notFor(accounts, principal.account);
  if (arns && !arns.some((pattern) => matchesArnPattern(pattern, entryArnOf(principal.arn)))) {
    return notFor(arns, principal.arn);
  }
  if (!linkedOnly || isOwnPrincipal(requesterFacts.linked, principal.arn)) return null;
  const linked = requesterFacts.linked ? `Yours is ${requesterFacts.linked}.` : "Link yours with /eks-access link.";
  return { code: "not-linked", message: `${what} is only for your linked principal. ${linked}` };
}

/** A lease for a role admits everyone who can assume it; one for a user or a session admits one person. */
function refusedShared(rule: Rule, { cluster, level, principal }: PolicyQuestion, person: Person): Reason | null {
  if (principal.kind !== "role" || sharedLeases(rule, level) === "warn") return null;
  const everyone = admittedInWords(admittedBy(principal.arn));
  const where = rule.name ? `the rule "${rule.name}"` : "a rule of the policy";
  const message = `${level.name} on ${cluster.name} is for one person only: ${everyone} would get it. ${askInstead(cluster, level, principal, person)} An operator can allow it with shared: warn in ${where}.`;
  return { code: "shared", message };
}

/** The principals that admit one person. A session does only if people can't choose its name and the level binds roles. */
function askInstead(cluster: Cluster, level: Level, { arn }: Holder, person: Person): string {
  const binding = levelsFor(cluster, person).filter(({ groups }) => bindsRoles(groups));
  if (binding.length === 0 || !isSessionPinned(cluster, arn)) return "Ask for an IAM user.";
  const isItself = binding.some(({ name }) => name === level.name);
  const what = isItself ? "" : `${binding.map(({ name }) => name).join(" or ")} with `;
  return `Ask for ${what}your own session, or for an IAM user.`;
}

function tooFewApprovers(rule: Rule, asking: PolicyQuestion, moment: Date): Reason | null {
  const { cluster, level } = asking;
  const approvers = approversOf(rule, cluster);
  if (!approvers.every(isUser)) return null;
  const others = new Set(approvers.filter((each) => rule.selfApproval || !isTheirs(asking, each))).size;
  const needed = approvalsNeeded(rule, level, moment);
  if (others >= needed) return null;
  const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
  const who =
    others === 0 ? "no other person can approve" : `only ${others} other${others === 1 ? "" : "s"} can approve`;
  const message = `${level.name} on ${cluster.name} needs ${approvals}, but ${who}. Ask an operator to add an approver.`;
  return { code: "too-few-approvers", message };
}

export interface RequestedAccess {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly principal: Holder;
  readonly durationSeconds: number;
}

export type RequestRefusal =
  | "too-long"
  | "foreign-account"
  | "wrong-partition"
  | "creator"
  | "operator"
  | "level-not-offered"
  | "session";

/** Why no person can ask for this; null: the policy decides. */
export function refuseRequest(requested: RequestedAccess): Reason<RequestRefusal> | null {
  const { cluster, level, principal, durationSeconds } = requested;
  if (!cluster.levels.some((offered) => offered.name === level.name)) {
    const offered = cluster.levels.map((each) => each.name).join(", ");
    return {
      code: "level-not-offered",
      message: `${cluster.name} does not offer ${level.name}. Levels: ${offered}.`,
    };
  }
  const tooLong = refuseDuration(level, durationSeconds);
  if (tooLong !== null) return { code: "too-long", message: tooLong };
  const session = refuseSession(cluster, level, principal);
  if (session !== null) return { code: "session", message: session };
  // Only the worker knows a discovered creator, and its plan refuses it.
  const creatorArn = creatorArnOf(cluster.creator);
  return refuseIdentity(cluster, entryArnOf(principal.arn), creatorArn) ?? refusePlace(cluster, principal);
}

/** Why a cluster takes no principal of this partition or account; null: it takes it. */
export function refusePlace(
  cluster: Cluster,
  { arn, account, partition }: Pick<Holder, "arn" | "account" | "partition">,
): Reason<"wrong-partition" | "foreign-account"> | null {
  const own = partitionOf(cluster);
  if (partition !== own) {
    return { code: "wrong-partition", message: `${arn} is in ${partition}, ${cluster.name} in ${own}.` };
  }
  if (account === cluster.account || cluster.foreignAccounts.includes(account)) return null;
  const message = `${arn} is in ${account}, ${cluster.name} in ${cluster.account}. An operator can add it to foreignAccounts.`;
  return { code: "foreign-account", message };
}

/** Why one session of a role can't have a level; null: it can, or the principal is no session. */
function refuseSession(cluster: Cluster, level: Level, { kind, arn }: Holder): string | null {
  if (kind !== "session") return null;
  const role = entryArnOf(arn);
  // By default `refusedShared` would then refuse the role.
  const user = isFullControl(level.groups) ? "Ask for an IAM user. If the policy allows shared leases, ask" : "Ask";
  if (!bindsRoles(level.groups)) {
    return `${level.name} gives groups, which everyone with the role gets. ${user} for the role: ${role}.`;
  }
  if (isSessionPinned(cluster, role)) return null;
  return `People choose the session names of ${role}. ${user} for the role. If its trust policy fixes them, an operator can use pinnedSessions.`;
}

/** Why a duration is too long for a level; null: it is not. */
export function refuseDuration(level: Level, durationSeconds: number): string | null {
  // `mayAsk` decides about permanent leases, by the rule.
  if (durationSeconds <= level.maxDurationSeconds || isPermanent(durationSeconds)) return null;
  return `${level.name} lasts at most ${formatDuration(level.maxDurationSeconds)}.`;
}

import { formatDuration, isPermanent } from "../request/duration.ts";
import type { Cluster, Level, Rule } from "./cluster.ts";
import { hoursInWords } from "./hours.ts";
import { mayRequest, type RequestRefusal, type Wish } from "./may-request.ts";
import { isUser, type Person, type Standing } from "./person.ts";
import { approvalsNeeded, approversOf, isOutside, ruleFor } from "./rule.ts";

/** Somebody who wants something. */
export interface Asking extends Wish {
  /** Slack user id. */
  readonly requester: string;
  readonly standing: Standing;
}

export type AskRefusal =
  | RequestRefusal
  | "no-rule"
  | "quiet"
  | "outside-hours"
  | "not-permanent"
  | "principal-not-allowed"
  | "not-linked"
  | "too-few-approvers";

export type AskVerdict =
  | { readonly type: "allowed"; readonly rule: Rule }
  /** `rule`: the one that said no; null: none speaks of it, or it was none of theirs to say. */
  | {
      readonly type: "refused";
      readonly code: AskRefusal;
      readonly message: string;
      readonly rule: Rule | null;
    };

/**
 * Says whether the policy lets this person ask for this. `moment`: when it is asked; null: it was asked before, and
 * hours count no more. Each refusal says what would be allowed instead.
 */
export function mayAsk(asking: Asking, moment: Date | null): AskVerdict {
  const { cluster, level, requester, standing } = asking;
  const refused = (code: AskRefusal, message: string, rule: Rule | null = null): AskVerdict => ({
    type: "refused",
    code,
    message,
    rule,
  });
  const possible = mayRequest(asking);
  if (possible.type === "refused") return refused(possible.code, possible.message);
  const person = { user: requester, memberships: standing.memberships };
  const rule = ruleFor(cluster, level.name, person);
  if (!rule) return refused("no-rule", noRule(cluster, level));
  if (cluster.quiet !== null) {
    return refused("quiet", `${cluster.name} takes no requests now: ${cluster.quiet.replace(/\.$/, "")}.`, rule);
  }
  const [code, message] = refusalBy(rule, asking, person, moment) ?? [];
  return code && message ? refused(code, message, rule) : { type: "allowed", rule };
}

type Reason = readonly [AskRefusal, string];

/** What in the rule that decides says no; null: nothing. */
function refusalBy(rule: Rule, asking: Asking, person: Person, moment: Date | null): Reason | null {
  const { cluster, level, durationSeconds } = asking;
  const longest = rule.maxDurationSeconds;
  if (isPermanent(durationSeconds)) {
    if (!rule.permanent) return ["not-permanent", notPermanent(rule, asking)];
  } else if (longest !== null && durationSeconds > longest) {
    return ["too-long", `${level.name} on ${cluster.name} can be had for at most ${formatDuration(longest)}.`];
  }
  const principal = refusedPrincipal(rule, asking);
  if (principal) return principal;
  if (moment && rule.hours?.outside === "refuse" && isOutside(rule, moment)) {
    return ["outside-hours", `${level.name} on ${cluster.name} can be asked for ${hoursInWords(rule.hours)}.`];
  }
  return moment ? tooFewApprovers(rule, asking, person, moment) : null;
}

function notPermanent({ maxDurationSeconds }: Rule, { cluster, level }: Asking): string {
  const longest = formatDuration(Math.min(maxDurationSeconds ?? Number.POSITIVE_INFINITY, level.maxDurationSeconds));
  return `${level.name} on ${cluster.name} can't be had for good, only for at most ${longest}.`;
}

function refusedPrincipal({ principals }: Rule, { cluster, level, principal, standing }: Asking): Reason | null {
  const what = `${level.name} on ${cluster.name}`;
  if (principals.accounts && !principals.accounts.includes(principal.account)) {
    const accounts = principals.accounts.join(", ");
    return ["principal-not-allowed", `${what} is for principals of ${accounts}, and not of ${principal.account}.`];
  }
  if (principals.arns && !principals.arns.some((pattern) => fits(pattern, principal.arn))) {
    return ["principal-not-allowed", `${what} is for ${principals.arns.join(" or ")}, and not for ${principal.arn}.`];
  }
  if (!principals.linkedOnly || principal.arn.toLowerCase() === standing.linked?.toLowerCase()) return null;
  const linked = standing.linked ? `Yours is ${standing.linked}.` : "Link yours first with /eks-access link.";
  return ["not-linked", `${what} is only for the principal that your Slack account is linked to. ${linked}`];
}

/** A request that nobody could ever approve is not taken. User groups may hold anybody. */
function tooFewApprovers(rule: Rule, { cluster, level }: Asking, person: Person, moment: Date): Reason | null {
  const approvers = approversOf(rule, cluster);
  if (!approvers.every(isUser)) return null;
  const others = new Set(approvers.filter((each) => rule.selfApproval || each !== person.user)).size;
  const needed = approvalsNeeded(rule, level, moment);
  if (others >= needed) return null;
  const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
  const who = others === 0 ? "nobody else may give one" : `only ${others} other${others === 1 ? "" : "s"} may give one`;
  return [
    "too-few-approvers",
    `${level.name} on ${cluster.name} takes ${approvals}, and ${who}. An operator has to add an approver.`,
  ];
}

function noRule(cluster: Cluster, level: Level): string {
  return `The policy does not let you ask for ${level.name} on ${cluster.name}.`;
}

/** Whether an ARN is of a pattern in which `*` stands for any text. ARNs are compared without case, as the cluster does. */
export function fits(pattern: string, arn: string): boolean {
  const parts = pattern.toLowerCase().split("*");
  const text = arn.toLowerCase();
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    from = found + part.length;
  }
  return true;
}

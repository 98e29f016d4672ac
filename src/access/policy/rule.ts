import { z } from "zod";
import { type Immutable, textForm, textsForm } from "../lease/lease-record.ts";
import type { BreakGlass, Cluster, Level, Rule, SharedLeases, WorkingHours } from "./cluster.ts";
import { bindsRoles, isFullControl } from "./policy-text.ts";

export interface Person {
  readonly user: string;
  /** The user groups (`S012ABCDEF`), e-mail domains (`@example.com`) and other ids of the policy that are this person's. */
  readonly memberships: readonly string[];
}

/** What the policy knows about a requester. Redis alone never proves it: each approval seals it. */
export type RequesterFacts = Immutable<z.output<typeof requesterFactsForm>>;
export const requesterFactsForm = z.strictObject({
  memberships: textsForm,
  /** The principal that the requester's Slack account is linked with; null: none, or no rule needs it. */
  linked: textForm.nullable(),
});

export const noRequesterFacts: RequesterFacts = { memberships: [], linked: null };

export function haveSameFacts(a: RequesterFacts, b: RequesterFacts): boolean {
  return a.linked === b.linked && a.memberships.toSorted().join() === b.memberships.toSorted().join();
}

/** Whether a list of the policy names this person: by the user id, a user group or an e-mail domain. */
export function isNamedIn(names: readonly string[], { user, memberships }: Person): boolean {
  return names.includes(user) || memberships.some((each) => names.includes(each));
}

/** The approvers of a rule: Slack user ids and user groups. */
export function approversOf(rule: Pick<Rule, "approvers">, cluster: Pick<Cluster, "approvers">): readonly string[] {
  return rule.approvers ?? cluster.approvers;
}

export function isApproverOf(cluster: Cluster, person: Person): boolean {
  return isNamedIn(clusterApprovers(cluster), person);
}

/** The approvers of a cluster, by any of its rules: Slack user ids and user groups. */
export function clusterApprovers(cluster: Cluster): readonly string[] {
  return [...new Set([...cluster.approvers, ...cluster.rules.flatMap((rule) => approversOf(rule, cluster))])];
}

export function isResponsibleFor(cluster: Cluster, person: Person): boolean {
  return isApproverOf(cluster, person) || isNamedIn(cluster.onCall, person);
}

/** Every name in the policy, to ask which of them are a person's: user groups, e-mail domains, and ids. */
export function namesIn(cluster: Cluster): readonly string[] {
  const named = [
    ...clusterApprovers(cluster),
    ...cluster.onCall,
    ...cluster.rules.flatMap(({ who }) => who ?? []),
    ...(cluster.breakGlass?.who ?? []),
  ];
  return [...new Set(named)].sort();
}

/** Whether a name is a Slack user id. Lists can also hold user groups (`S…`) and e-mail domains (`@…`). */
export function isUser(name: string): boolean {
  return /^[UW][A-Z0-9]+$/.test(name);
}

/** Without a policy in the file, everyone can ask for each level of the cluster, and its own approvers decide. */
export const clusterRule: Rule = {
  name: "",
  who: null,
  levels: null,
  principals: { accounts: null, arns: null, linkedOnly: false },
  maxDurationSeconds: null,
  permanent: false,
  approvals: null,
  approvers: null,
  selfApproval: false,
  shared: null,
  hours: null,
};

/** The first rule that names the level and the person. Null: this person can't ask for it. */
export function ruleFor(cluster: Cluster, level: string, requester: Person): Rule | null {
  return (
    cluster.rules.find(
      ({ who, levels }) => (levels === null || levels.includes(level)) && (who === null || isNamedIn(who, requester)),
    ) ?? null
  );
}

export function levelsFor(cluster: Cluster, person: Person): readonly Level[] {
  return cluster.levels.filter(({ name }) => ruleFor(cluster, name, person) !== null);
}

/** Whether the cluster has the level, and a rule lets the person ask for it. */
export function offers(cluster: Cluster, level: string, person: Person): boolean {
  return levelsFor(cluster, person).some(({ name }) => name === level);
}

type Approvals = Pick<Rule, "approvals" | "hours">;

/** How many people must approve. Full control takes two, unless the rule says otherwise. @param moment null: within the hours */
export function approvalsNeeded(rule: Approvals, level: Pick<Level, "groups">, moment: Date | null): number {
  const usual = rule.approvals ?? (isFullControl(level.groups) ? 2 : 1);
  return moment && isOutside(rule, moment) && rule.hours?.outside === "one-more-approval" ? usual + 1 : usual;
}

/** Whether the rule refuses a lease of this level that everyone with a role gets. */
export function sharedLeases({ shared }: Rule, { groups }: Level): SharedLeases {
  return shared ?? (isFullControl(groups) ? "refuse" : "warn");
}

/** The most approvals that a request can need, whenever the last one comes. */
export function maxApprovalsNeeded(rule: Approvals, level: Pick<Level, "groups">): number {
  return approvalsNeeded(rule, level, null) + (rule.hours?.outside === "one-more-approval" ? 1 : 0);
}

export function isOutside({ hours }: Pick<Rule, "hours">, moment: Date): boolean {
  return hours !== null && !isWithin(hours, moment);
}

/** Whether its hours let no one ask or approve at this moment. */
export function isShutAt(rule: Pick<Rule, "hours">, moment: Date): boolean {
  return rule.hours?.outside === "refuse" && isOutside(rule, moment);
}

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Whether a moment is within the hours, in their own time zone. */
export function isWithin(hours: WorkingHours, moment: Date): boolean {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: hours.zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(moment);
  const read = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  const minutes = Number(read("hour")) * 60 + Number(read("minute"));
  const { days, from, to } = hours;
  const today = dayNames.indexOf(read("weekday")) + 1;
  if (from < to) return days.includes(today) && from <= minutes && minutes < to;
  const yesterday = today === 1 ? 7 : today - 1;
  return (days.includes(today) && minutes >= from) || (days.includes(yesterday) && minutes < to);
}

/** For example `Mon to Fri, 09:00 to 18:00 (Europe/Zurich)`. */
export function hoursInWords({ days, from, to, zone }: WorkingHours): string {
  return `${daysInWords(days.toSorted((a, b) => a - b))}, ${clock(from)} to ${clock(to)} (${zone})`;
}

function daysInWords(days: readonly number[]): string {
  if (days.length === dayNames.length) return "every day";
  const names = days.map((day) => dayNames[day - 1] ?? "");
  const isRun = days.length > 2 && days.every((day, index) => day === (days[0] ?? 0) + index);
  return isRun ? `${names[0]} to ${names.at(-1)}` : names.join(", ");
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** A person's emergency access to this cluster; null: none. Neither rules nor quiet limit it. */
export function breakGlassFor({ breakGlass }: Cluster, person: Person): BreakGlass | null {
  return breakGlass && isNamedIn(breakGlass.who, person) ? breakGlass : null;
}

export interface RuleStep {
  readonly rule: Rule;
  readonly decides: boolean;
  readonly why: string;
}

export function rulesUpToDecision(cluster: Cluster, level: string, person: Person): readonly RuleStep[] {
  const steps: RuleStep[] = [];
  for (const rule of cluster.rules) {
    const why = whyNot(rule, level, person);
    steps.push({ rule, decides: why === null, why: why ?? "it decides" });
    if (why === null) break;
  }
  return steps;
}

function whyNot({ who, levels }: Rule, level: string, person: Person): string | null {
  if (levels !== null && !levels.includes(level)) return `it is for ${levels.join(", ")}`;
  if (who !== null && !isNamedIn(who, person)) return `it is for ${who.join(", ")}`;
  return null;
}

export function ruleInWords(rule: Rule, cluster: Cluster, level: Level): readonly string[] {
  const needed = approvalsNeeded(rule, level, null);
  const { principals, hours } = rule;
  // A level with groups gives them to everyone with a role.
  const onePerson = bindsRoles(level.groups) ? "one person: an IAM user, or one session of a role" : "IAM users";
  const own = rule.selfApproval ? ", also of their own requests" : ", never of their own requests";
  return [
    `${needed} approval${needed === 1 ? "" : "s"} by ${approversOf(rule, cluster).join(", ")}${own}`,
    ...(principals.accounts ? [`for principals of ${principals.accounts.join(", ")}`] : []),
    ...(principals.arns ? [`for ${principals.arns.join(" or ")}`] : []),
    ...(principals.linkedOnly ? ["only for the linked principal"] : []),
    ...(sharedLeases(rule, level) === "refuse" ? [`only for ${onePerson}`] : []),
    ...(rule.permanent ? ["also for good"] : []),
    ...(hours ? [`hours ${hoursInWords(hours)}, outside: ${hours.outside}`] : []),
  ];
}

export function ruleWarnings(rule: Rule, cluster: Cluster, level: Level): readonly string[] {
  if (!isFullControl(level.groups)) return [];
  const what = `${level.name} is full control of ${cluster.name}, and ${ruleName(rule)}`;
  return [
    ...(rule.approvals === 1 ? [`${what} asks for one approval. Write approvals: 2, or remove it.`] : []),
    ...(rule.shared === "warn"
      ? [`${what} lets everyone with a role have it. Write shared: refuse, or remove it.`]
      : []),
  ];
}

export function ruleName({ name }: Rule): string {
  return name ? `the rule "${name}"` : "the cluster's own approvers: the file has no policy";
}

/** A level with the longest time that a person can have, and whether they can have it permanently. */
export type OfferedLevel = Level & { readonly permanent: boolean };

/** The levels of a cluster that a person can ask for now. The principal and the hours count only when they ask. */
export function levelsOffered(cluster: Cluster, person: Person): readonly OfferedLevel[] {
  if (cluster.quiet !== null) return [];
  return cluster.levels.flatMap((level) => {
    const rule = ruleFor(cluster, level.name, person);
    if (!rule) return [];
    const longest = Math.min(level.maxDurationSeconds, rule.maxDurationSeconds ?? Number.POSITIVE_INFINITY);
    return [{ ...level, maxDurationSeconds: longest, permanent: rule.permanent }];
  });
}

import type { BreakGlass, Cluster, Level, Rule, SharedLeases, WorkingHours } from "./cluster.ts";
import { isNamedIn, type Person } from "./person.ts";
import { isFullControl } from "./policy-text.ts";

/** Without a policy in the file, anybody can ask for each level of the cluster, and its own approvers decide. */
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

/** The approvers of a rule: Slack user ids and user groups. */
export function approversOf(rule: Rule, cluster: Pick<Cluster, "approvers">): readonly string[] {
  return rule.approvers ?? cluster.approvers;
}

/** How many people must approve. Full control takes two, unless the rule says otherwise. @param moment null: within the hours */
export function approvalsNeeded(rule: Rule, level: Level, moment: Date | null): number {
  const usual = rule.approvals ?? (isFullControl(level.groups) ? 2 : 1);
  return moment && isOutside(rule, moment) && rule.hours?.outside === "one-more-approval" ? usual + 1 : usual;
}

/** Whether the rule refuses a lease of this level that everyone with a role gets. */
export function sharedLeases({ shared }: Rule, { groups }: Level): SharedLeases {
  return shared ?? (isFullControl(groups) ? "refuse" : "warn");
}

/** The most approvals that a request can need, whenever the last one comes. */
export function maxApprovalsNeeded(rule: Rule, level: Level): number {
  return approvalsNeeded(rule, level, null) + (rule.hours?.outside === "one-more-approval" ? 1 : 0);
}

export function isOutside({ hours }: Rule, moment: Date): boolean {
  return hours !== null && !isWithin(hours, moment);
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
  return hours.days.includes(dayNames.indexOf(read("weekday")) + 1) && hours.from <= minutes && minutes < hours.to;
}

/** For example `Mon, Tue, Wed, Thu, Fri 09:00 to 18:00 (Europe/Zurich)`. */
export function hoursInWords({ days, from, to, zone }: WorkingHours): string {
  const names = days.toSorted((a, b) => a - b).map((day) => dayNames[day - 1] ?? "");
  return `${names.join(", ")} ${clock(from)} to ${clock(to)} (${zone})`;
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** A person's emergency access to this cluster; null: none. Neither rules nor quiet limit it. */
export function breakGlassFor({ breakGlass }: Cluster, person: Person): BreakGlass | null {
  return breakGlass && isNamedIn(breakGlass.who, person) ? breakGlass : null;
}

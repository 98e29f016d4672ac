import { parseDuration } from "../request/extension.ts";

export type Expectation = {
  readonly type: "ask" | "approve" | "approve-own" | "takes" | "break-glass";
  readonly who: string;
  /** False: "may not". */
  readonly may: boolean;
  /** The requester of the approved request. */
  readonly of: string | null;
  readonly cluster: string | null;
  readonly level: string | null;
  readonly durationSeconds: number | null;
  readonly principal: string | null;
  readonly approvals: number | null;
  /** Null: within the hours, whatever they are. */
  readonly at: Date | null;
};

export const expectationForms: readonly string[] = [
  "<person> may [not] ask for <level> on <cluster> [for 8h] [as <arn>] [at <time>]",
  "<person> may [not] approve a request of <person> for <level> on <cluster> [at <time>]",
  "<person> may [not] approve a request of their own [for <level> on <cluster>]",
  "a request of <person> for <level> on <cluster> takes <number> approvals [at <time>]",
  "<person> may [not] take emergency access to <cluster>",
];

const person = "(?:an? |the )?(?<who>[\\w-]+)";
const what = "(?<level>[\\w-]+) on (?<cluster>[\\w-]+)";
const at = "(?: at (?<at>\\S+))?";
const forms: readonly (readonly [Expectation["type"], RegExp])[] = [
  [
    "ask",
    new RegExp(
      `^${person} may (?<not>not )?ask for ${what}(?: for (?<duration>\\w+))?(?: as (?<principal>arn:\\S+))?${at}$`,
      "i",
    ),
  ],
  [
    "approve-own",
    new RegExp(
      `^${person} may (?<not>not )?approve a request of (?:his|her|their|its) own(?: for ${what})?${at}$`,
      "i",
    ),
  ],
  [
    "approve",
    new RegExp(`^${person} may (?<not>not )?approve a request of (?:an? |the )?(?<of>[\\w-]+) for ${what}${at}$`, "i"),
  ],
  ["takes", new RegExp(`^a request of ${person} for ${what} takes (?<count>\\d+|one|two|three) approvals?${at}$`, "i")],
  ["break-glass", new RegExp(`^${person} may (?<not>not )?take emergency access to (?<cluster>[\\w-]+)$`, "i")],
];
const counts: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 };

/** Reads a sentence; null: it has none of the forms. */
export function readExpectation(sentence: string): Expectation | null {
  const plain = sentence.trim().replace(/\.$/, "").replace(/\s+/g, " ");
  for (const [type, form] of forms) {
    const groups = form.exec(plain)?.groups;
    if (groups) return expectationOf(type, groups);
  }
  return null;
}

function expectationOf(
  type: Expectation["type"],
  groups: Readonly<Record<string, string | undefined>>,
): Expectation | null {
  const { who = "", of, cluster, level, duration, principal, count, at: moment } = groups;
  const durationSeconds = duration === undefined ? null : parseDuration(duration);
  const time = moment === undefined ? null : new Date(moment);
  if ((duration !== undefined && durationSeconds === null) || (time && Number.isNaN(time.getTime()))) return null;
  return {
    type,
    who: who.toLowerCase(),
    may: groups.not === undefined,
    of: of?.toLowerCase() ?? null,
    cluster: cluster ?? null,
    level: level ?? null,
    durationSeconds,
    principal: principal ?? null,
    approvals: count === undefined ? null : (counts[count.toLowerCase()] ?? Number(count)),
    at: time,
  };
}

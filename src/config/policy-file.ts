import { z } from "zod";
import type { ClusterSelector } from "../access/policy/cluster.ts";
import { account, alsoInBroken, duration, noForm, resembling, textLike, userOrGroup, wantedLabels } from "./forms.ts";

const listed = z.array(z.string());
const selectorForm = "write a list of names, or labels, for example { env: production }";
const selected = resembling<ClusterSelector>((value) => {
  if (Array.isArray(value)) return listed;
  return typeof value === "object" && value !== null ? wantedLabels : noForm(selectorForm);
});
const person = textLike(
  /^[UWS][A-Z0-9]{2,}$|^@[a-z0-9-]+(\.[a-z0-9-]+)+$/,
  'use the id of a Slack user or user group, or an e-mail domain in quotes, for example U012ABCDEF, S012ABCDEF or "@example.com"',
);
const arnPattern = textLike(
  /^arn:[\w+=,.@:/*-]+$/,
  "use an ARN; * matches any text, for example arn:aws:iam::111122223333:role/dev-*",
);

const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const clockForm = 'use a time of day in quotes, for example "09:00"';
const clock = textLike(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, clockForm).transform((written) => {
  const [hour = 0, minute = 0] = written.split(":").map(Number);
  return hour * 60 + minute;
});
const zoneForm = "use a time zone's name, for example Europe/Zurich";
const zone = z.string(zoneForm).refine(isZone, zoneForm);

const hours = z
  .strictObject({
    zone,
    days: z.array(z.enum(dayNames)).min(1, "name at least one day").default(["mon", "tue", "wed", "thu", "fri"]),
    from: clock,
    to: clock,
    outside: z.enum(["refuse", "warn", "one-more-approval"]).default("refuse"),
  })
  .refine(({ from, to }) => from === undefined || from !== to, {
    message: "give the end another time than the start",
    ...alsoInBroken,
  })
  .transform(({ days, ...rest }) => ({ ...rest, days: days.map((day) => dayNames.indexOf(day) + 1) }));

const rule = z.strictObject({
  name: textLike(/\S/, "give the rule a name").max(100, "use 100 characters or fewer"),
  who: z.array(person).min(1, "name at least one person, or remove who to include everyone").optional(),
  clusters: selected.optional(),
  levels: listed.optional(),
  principals: z
    .strictObject({
      accounts: z.array(account).min(1, "name at least one account").optional(),
      arns: z.array(arnPattern).min(1, "name at least one ARN").optional(),
      linkedOnly: z.boolean().default(false),
    })
    .prefault({}),
  maxDuration: duration.optional(),
  permanent: z.boolean().default(false),
  approvals: z.number().int().min(1, "use at least 1").max(10, "use at most 10").optional(),
  approvers: z.array(userOrGroup).min(1, "name at least one approver").optional(),
  selfApproval: z.boolean().default(false),
  shared: z.enum(["refuse", "warn"]).optional(),
  hours: hours.optional(),
});

const breakGlass = z.strictObject({
  who: z.array(person).min(1, "name at least one person"),
  clusters: selected.optional(),
  level: z.string(),
  for: duration,
});

export const policyFile = z.strictObject({
  rules: z.array(rule).min(1, "write at least one rule"),
  breakGlass: z.array(breakGlass).default([]),
});

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

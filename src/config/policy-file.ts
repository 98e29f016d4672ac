import { z } from "zod";
import type { ClusterSelector } from "../access/policy/cluster.ts";
import { canBeNamed } from "../access/policy/rights.ts";
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
    from: clock.refine((minutes) => minutes < 1440, 'begin at midnight as "00:00"'),
    to: clock,
    outside: z.enum(["refuse", "warn", "one-more-approval"]).default("refuse"),
  })
  .refine(({ from, to }) => from === undefined || from !== to, {
    message: "give the end another time than the start",
    ...alsoInBroken,
  })
  .transform(({ days, ...rest }) => ({ ...rest, days: days.map((day) => dayNames.indexOf(day) + 1) }));

const rule = z.strictObject({
  name: textLike(/\S/, "give the rule a name")
    .max(100, "use 100 characters or fewer")
    .regex(/^[^\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]*$/u, "use one line, without direction marks"),
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

const group = textLike(/^[\x21-\x7e]+$/, "use printable ASCII without spaces").refine(
  (written) => !written.includes("{{"),
  "a group can't have a template",
);

const check = z
  .strictObject({
    verb: textLike(/./, "write a verb, for example list"),
    resource: textLike(/./, "write a resource in the plural, for example pods"),
    group: z.string().default(""),
    namespace: z.string().default(""),
    name: textLike(/^[\x21-\x7e]{1,253}$/, "use the name of one object, without spaces").optional(),
  })
  .refine(({ verb, resource, name }) => name === undefined || canBeNamed(verb, resource), {
    path: ["name"],
    message: "leave it out: Kubernetes allows create and deletecollection before it knows a name",
  });

const accessPolicy = textLike(
  /^AmazonEKS\w+Policy$/,
  "use the name of an EKS access policy, for example AmazonEKSViewPolicy",
);
const namespace = textLike(/^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$/, "use a namespace's name; * matches any text");
const roleName = textLike(/^[\x21-\x7e]{1,253}$/, "use the name of a role, without spaces").refine(
  (written) => !/[/%]/.test(written),
  "use the name of a role, without / and %",
);
const boundNamespace = textLike(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use a namespace's name");

/** Where a role is bound: in all namespaces, in these, or in those that the requester chooses. */
const boundIn = resembling<"all" | "choose" | string[]>((value) => (Array.isArray(value) ? inNamespaces : inWords));
const inWords = z.custom<"all" | "choose">(
  (value) => value === "all" || value === "choose",
  "write all, choose, or a list of namespaces",
);
const inNamespaces = atMost20(
  z.array(boundNamespace).min(1, "name at least one namespace"),
  "name at most 20 namespaces",
);

/** A role that a lease binds to the person. */
const bind = z
  .strictObject({ clusterRole: roleName.optional(), role: roleName.optional(), in: boundIn })
  .refine(({ clusterRole, role }) => (clusterRole === undefined) !== (role === undefined), {
    message: "name a clusterRole or a role",
    ...alsoInBroken,
  })
  .refine(({ role, in: where }) => role === undefined || where !== "all", {
    path: ["in"],
    message: "a Role belongs to one namespace: list namespaces, or write choose",
    ...alsoInBroken,
  });

/** What a cluster offers: groups, a policy of EKS, or roles to bind. */
export const levelFile = z
  .strictObject({
    groups: z.array(group).default([]),
    bind: atMost20(z.array(bind), "bind at most 20 roles").default([]),
    policy: accessPolicy.optional(),
    namespaces: z
      .array(namespace)
      .min(1, "name at least one, or remove namespaces to cover the whole cluster")
      .optional(),
    maxDuration: duration,
    verify: z.array(check).default([]),
  })
  .refine(({ groups, policy, bind }) => !isEmpty(groups) || policy !== undefined || !isEmpty(bind), {
    path: ["groups"],
    message: "name at least one Kubernetes group, a policy, or roles to bind",
    ...alsoInBroken,
  })
  .refine(({ groups, policy, bind }) => isEmpty(bind) || (isEmpty(groups) && policy === undefined), {
    path: ["bind"],
    message: "bind roles in a level of their own, without groups and policies",
    ...alsoInBroken,
  })
  .refine(({ policy, namespaces }) => policy !== undefined || namespaces === undefined, {
    path: ["namespaces"],
    message: "name the policy for these namespaces",
    ...alsoInBroken,
  });

export function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

/** Zod's own limit would hide the mistakes in the items. */
function atMost20<T>(list: z.ZodArray<z.ZodType<T>>, message: string) {
  return list.refine(({ length }) => length <= 20, { message, ...alsoInBroken });
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

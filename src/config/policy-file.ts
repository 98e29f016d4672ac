import { z } from "zod";

const slackUser = z
  .string("use a Slack user id, for example U012ABCDEF (not a name)")
  .regex(/^[UW][A-Z0-9]{2,}$/, "use a Slack user id, for example U012ABCDEF (not a name)");
const listed = z.array(z.string());

const rule = z.strictObject({
  name: z.string("give the rule a name").regex(/\S/, "give the rule a name").max(100, "use 100 characters or fewer"),
  clusters: listed.optional(),
  levels: listed.optional(),
  approvals: z.number().int().min(1, "one approval is the least").max(10, "10 are the most").optional(),
  approvers: z.array(slackUser).min(1, "name at least one approver").optional(),
});

/** The form of `policy` in `eks-access.yml`; docs/policy.md explains each field. */
export const policyFile = z.strictObject({ rules: z.array(rule).min(1, "write at least one rule") });

export type PolicyFile = z.output<typeof policyFile>;

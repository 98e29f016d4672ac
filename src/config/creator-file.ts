import { z } from "zod";
import type { Creator, RoleStep } from "../access/policy/creator.ts";

const anyRole = /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const roleForm = "use a role's ARN, for example arn:aws:iam::111122223333:role/cluster-creator";
const roleArn = z.string(roleForm).regex(anyRole, roleForm);
const userForm = "use a user's ARN, for example arn:aws:iam::111122223333:user/cluster-creator";
const userArn = z.string(userForm).regex(/^arn:[a-z-]+:iam::\d{12}:user\/[\w+=,.@/-]+$/, userForm);
const externalIdForm = "use 2 to 1224 letters, digits and _+=,.@:/-";
/** What a role's trust policy asks for (API reference of STS AssumeRole). */
export const externalId = z.string(externalIdForm).regex(/^[\w+=,.@:/-]{2,1224}$/, externalIdForm);
const profileForm = "use the name of an AWS profile, without spaces";
const profile = z.string(profileForm).regex(/^[\w+=,.@:/-]{1,128}$/, profileForm);

const stepByName = roleArn.transform((arn) => ({ roleArn: arn }));
const stepInFull = z.strictObject(
  { roleArn, externalId: externalId.optional() },
  "write a role's ARN, or roleArn and externalId",
);

/** A role on the way: its ARN alone, or with the external id that its trust policy asks for. */
const step = z.unknown().transform((value, context): RoleStep => {
  const read = (typeof value === "string" ? stepByName : stepInFull).safeParse(value);
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) context.addIssue({ code: "custom", path, message });
  return z.NEVER;
});

const written = z.strictObject({
  roleArn: roleArn.optional(),
  externalId: externalId.optional(),
  through: z.array(step).default([]),
  userArn: userArn.optional(),
  profile: profile.optional(),
  discover: z.literal(true).optional(),
});
type Written = z.output<typeof written>;

const oneOf = "say who created the cluster: roleArn, userArn or discover";

/** Who created the cluster, in one of three forms: `{ roleArn }`, `{ userArn }` or `discover` (`{ discover: true, … }`). */
export const creatorFile = z.preprocess(
  (value) => (value === "discover" ? { discover: true } : value),
  written.transform((value, context): Creator => {
    const problem = problemOf(value);
    if (problem !== null) {
      context.addIssue({ code: "custom", message: problem });
      return z.NEVER;
    }
    return creatorOf(value);
  }),
);

/** Why the settings do not go together; null: they do. */
function problemOf({ roleArn, userArn, discover, through, externalId, profile }: Written): string | null {
  const named = [roleArn, userArn, discover].filter((each) => each !== undefined).length;
  if (named === 0) return oneOf;
  if (named > 1) return `${oneOf}, only one of them`;
  if (userArn !== undefined && (through.length > 0 || externalId !== undefined)) {
    return "through and externalId are for a role; a user is known by its own keys";
  }
  if (roleArn !== undefined && profile !== undefined) {
    return "profile is for a user; a role is assumed with the worker's own identity";
  }
  return null;
}

function creatorOf({ roleArn, userArn, through, externalId, profile }: Written): Creator {
  const steps: readonly RoleStep[] = through;
  if (roleArn !== undefined) return { type: "role", roleArn, through: steps, ...(externalId && { externalId }) };
  if (userArn !== undefined) return { type: "user", userArn, ...(profile && { profile }) };
  return { type: "discover", through: steps, ...(externalId && { externalId }), ...(profile && { profile }) };
}

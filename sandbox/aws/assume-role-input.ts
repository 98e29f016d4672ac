import { z } from "zod";
import { type PolicyStatements, readPolicyDocument } from "./identities.ts";
import { refuse } from "./refusal.ts";

export interface AssumeRoleInput {
  roleArn: string;
  sessionName: string;
  externalId: string | undefined;
  sourceIdentity: string | undefined;
  seconds: number;
  tags: ReadonlyMap<string, string>;
  transitive: ReadonlySet<string>;
  /** Undefined: the session has all rights of its role. */
  policy: PolicyStatements | undefined;
  /** How full the packed session policy is, in percent. */
  packedSize: number;
}

/** Each message follows "Member must". */
const text = (min: number, max: number, pattern: RegExp) =>
  z
    .string("not be null")
    .min(min, `have length greater than or equal to ${min}`)
    .max(max, `have length less than or equal to ${max}`)
    .regex(
      new RegExp(`^(?:${pattern.source})$`, pattern.flags),
      `satisfy regular expression pattern: ${pattern.source}`,
    );

const name = /[\w+=,.@-]*/;
const tag = /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u;

const seconds = z
  .string()
  .refine((value) => Number(value) >= 900, "have value greater than or equal to 900")
  .refine((value) => !(Number(value) > 43_200), "have value less than or equal to 43200");

const form = z.object({
  roleArn: text(20, 2048, /[\u0020-\uFFFD]+/),
  roleSessionName: text(2, 64, name),
  externalId: text(2, 1224, /[\w+=,.@:/-]*/).optional(),
  sourceIdentity: text(2, 64, name).optional(),
  durationSeconds: seconds.default("3600"),
  tags: z.array(z.object({ key: text(1, 128, tag), value: text(0, 256, tag) })),
});

/** STS packs session policies and tags into a binary form, with room for at least 2,048 characters of text. */
const packedCharacters = 2048;

/** Every problem in one answer, as STS does. */
export function readAssumeRole(params: URLSearchParams): AssumeRoleInput {
  const own = Object.keys(form.shape).map((field) => [
    field,
    params.get(`${field[0]?.toUpperCase()}${field.slice(1)}`),
  ]);
  const given = Object.fromEntries(own.filter(([, value]) => value !== null));
  const read = form.safeParse({ ...given, tags: tagsIn(params) }, { reportInput: true });
  if (!read.success) refuse("ValidationError", inWords(read.error.issues));
  return finish(params, read.data);
}

function inWords(issues: readonly z.core.$ZodIssue[]): string {
  const problems = issues.map(({ path, input, message }) => {
    const [field, index, part] = path.map(String);
    const place = part === undefined ? field : `${field}.${Number(index) + 1}.member.${part}`;
    const value = input === undefined ? "null" : `'${input}'`;
    return `Value ${value} at '${place}' failed to satisfy constraint: Member must ${message}`;
  });
  return `${problems.length} validation error${problems.length > 1 ? "s" : ""} detected: ${problems.join("; ")}`;
}

function finish(params: URLSearchParams, given: z.infer<typeof form>): AssumeRoleInput {
  const { roleArn, sourceIdentity, tags } = given;
  if (!/^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(roleArn)) refuse("ValidationError", `${roleArn} is invalid`);
  if (sourceIdentity?.startsWith("aws:")) refuse("ValidationError", "SourceIdentity must not begin with aws:");
  if (tags.length > 50) {
    const constraint = "Member must have length less than or equal to 50";
    refuse(
      "ValidationError",
      `1 validation error detected: Value at 'tags' failed to satisfy constraint: ${constraint}`,
    );
  }
  if (new Set(tags.map(({ key }) => key.toLowerCase())).size < tags.length) {
    refuse("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  const transitive = new Set(membersOf((at) => params.get(`TransitiveTagKeys.member.${at}`)));
  if ([...transitive].some((each) => !tags.some(({ key }) => key === each))) {
    refuse("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.");
  }
  const document = params.get("Policy");
  const policy = document === null ? undefined : readPolicyDocument(document);
  if (policy === null) refuse("MalformedPolicyDocument", "Syntax errors in policy.");
  const packed = (document ?? "") + tags.map(({ key, value }) => key + value).join("");
  const packedSize = Math.ceil((packed.length / packedCharacters) * 100);
  if (packedSize > 100) {
    refuse("PackedPolicyTooLarge", `Packed size of session tags consumes ${packedSize}% of allotted space.`);
  }
  return {
    ...{ roleArn, sourceIdentity, externalId: given.externalId, sessionName: given.roleSessionName },
    ...{ seconds: Number(given.durationSeconds), transitive, policy, packedSize },
    tags: new Map(tags.map(({ key, value }) => [key, value])),
  };
}

function tagsIn(params: URLSearchParams): { key: string; value: string }[] {
  const keys = membersOf((at) => params.get(`Tags.member.${at}.Key`));
  return keys.map((key, index) => ({ key, value: params.get(`Tags.member.${index + 1}.Value`) ?? "" }));
}

/** The query protocol numbers the members of a list from 1. */
function membersOf(read: (at: number) => string | null): string[] {
  const members: string[] = [];
  for (let value = read(1); value !== null; value = read(members.length + 1)) members.push(value);
  return members;
}

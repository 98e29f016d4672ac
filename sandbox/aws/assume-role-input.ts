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

interface Rule {
  name: string;
  min: number;
  max: number;
  pattern: RegExp;
}

const rules: Readonly<Record<string, Rule>> = {
  RoleArn: {
    name: "roleArn",
    min: 20,
    max: 2048,
    pattern: /[\u0020-\uFFFD]+/,
  },
  RoleSessionName: { name: "roleSessionName", min: 2, max: 64, pattern: /[\w+=,.@-]*/ },
  ExternalId: { name: "externalId", min: 2, max: 1224, pattern: /[\w+=,.@:/-]*/ },
  SourceIdentity: { name: "sourceIdentity", min: 2, max: 64, pattern: /[\w+=,.@-]*/ },
};

/** STS packs session policies and tags into a binary form, with room for at least 2,048 characters of text. */
const packedCharacters = 2048;

/** Every problem in one answer, as STS does. */
export function readAssumeRole(params: URLSearchParams): AssumeRoleInput {
  const tags = readTags(params);
  const problems = [
    ...Object.entries(rules).flatMap(([key, rule]) => formProblems(params.get(key), rule, key.startsWith("Role"))),
    ...secondsProblems(params.get("DurationSeconds")),
    ...tags.flatMap(([key, value], index) => [
      ...formProblems(key, tagRule(`tags.${index + 1}.member.key`, 1, 128), true),
      ...formProblems(value, tagRule(`tags.${index + 1}.member.value`, 0, 256), true),
    ]),
  ];
  if (problems.length > 0) {
    refuse(
      "ValidationError",
      `${problems.length} validation error${problems.length > 1 ? "s" : ""} detected: ${problems.join("; ")}`,
    );
  }
  return finish(params, tags);
}

function finish(params: URLSearchParams, tags: readonly (readonly [string, string])[]): AssumeRoleInput {
  const roleArn = params.get("RoleArn") ?? "";
  const sourceIdentity = params.get("SourceIdentity") ?? undefined;
  if (!/^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(roleArn)) refuse("ValidationError", `${roleArn} is invalid`);
  if (sourceIdentity?.startsWith("aws:")) refuse("ValidationError", "SourceIdentity must not begin with aws:");
  if (tags.length > 50) {
    const constraint = "Member must have length less than or equal to 50";
    refuse(
      "ValidationError",
      `1 validation error detected: Value at 'tags' failed to satisfy constraint: ${constraint}`,
    );
  }
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length) {
    refuse("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  const transitive = readTransitive(params);
  if ([...transitive].some((key) => !tags.some(([tag]) => tag === key))) {
    refuse("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.");
  }
  const document = params.get("Policy");
  const policy = document === null ? undefined : readPolicyDocument(document);
  if (policy === null) refuse("MalformedPolicyDocument", "Syntax errors in policy.");
  const text = (params.get("Policy") ?? "") + tags.flat().join("");
  const packedSize = Math.ceil((text.length / packedCharacters) * 100);
  if (packedSize > 100) {
    refuse("PackedPolicyTooLarge", `Packed size of session tags consumes ${packedSize}% of allotted space.`);
  }
  return {
    roleArn,
    sessionName: params.get("RoleSessionName") ?? "",
    externalId: params.get("ExternalId") ?? undefined,
    sourceIdentity,
    seconds: Number(params.get("DurationSeconds") ?? 3600),
    tags: new Map(tags),
    transitive,
    policy,
    packedSize,
  };
}

function readTags(params: URLSearchParams): (readonly [string, string])[] {
  const tags: (readonly [string, string])[] = [];
  for (let at = 1; params.has(`Tags.member.${at}.Key`); at += 1) {
    tags.push([params.get(`Tags.member.${at}.Key`) ?? "", params.get(`Tags.member.${at}.Value`) ?? ""]);
  }
  return tags;
}

function readTransitive(params: URLSearchParams): ReadonlySet<string> {
  const keys = new Set<string>();
  for (let at = 1; params.has(`TransitiveTagKeys.member.${at}`); at += 1) {
    keys.add(params.get(`TransitiveTagKeys.member.${at}`) ?? "");
  }
  return keys;
}

function tagRule(name: string, min: number, max: number): Rule {
  return { name, min, max, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u };
}

function formProblems(value: string | null, rule: Rule, required: boolean): string[] {
  if (value === null) {
    return required ? [`Value null at '${rule.name}' failed to satisfy constraint: Member must not be null`] : [];
  }
  const failed = (constraint: string) =>
    `Value '${value}' at '${rule.name}' failed to satisfy constraint: Member must ${constraint}`;
  return [
    ...(value.length < rule.min ? [failed(`have length greater than or equal to ${rule.min}`)] : []),
    ...(value.length > rule.max ? [failed(`have length less than or equal to ${rule.max}`)] : []),
    ...(new RegExp(`^(?:${rule.pattern.source})$`, rule.pattern.flags).test(value)
      ? []
      : [failed(`satisfy regular expression pattern: ${rule.pattern.source}`)]),
  ];
}

function secondsProblems(value: string | null): string[] {
  const failed = (constraint: string) => [
    `Value '${value}' at 'durationSeconds' failed to satisfy constraint: Member must have value ${constraint}`,
  ];
  if (value !== null && !(Number(value) >= 900)) return failed("greater than or equal to 900");
  return Number(value) > 43_200 ? failed("less than or equal to 43200") : [];
}

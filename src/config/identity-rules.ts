import { z } from "zod";
import type { IdentityRules, IdentitySource } from "../access/identities.ts";
import { alsoInBrokenList, duration, externalId, noForm, region, resembling, roleArn, textLike } from "./forms.ts";

const maxSeconds = 8 * 3600;

const instanceArn = textLike(
  /^arn:[a-z-]+:sso:::instance\/(sso)?ins-[\w.-]{16}$/,
  "use the ARN of the instance, for example arn:aws:sso:::instance/ssoins-1234567890abcdef",
);
const identityStoreId = textLike(
  /^(d-[0-9a-f]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
  "use the id of the identity store, for example d-1234567890",
);
const identityCenter = z.strictObject({
  region,
  instanceArn,
  identityStoreId,
  roleArn,
  externalId: externalId.optional(),
  // Approvals rely on it for so long, and people leave.
  keepFor: duration.refine((seconds) => seconds <= maxSeconds, "use at most 8h, because people leave").default(900),
});

const places = /\{(?!account\}|email\})|\{\w+(?!\w*\})/;
const rule = z.strictObject({
  arn: textLike(
    /^arn:[a-z-]+:iam::(\d{12}|\{account\}):(role|user)\/[\w+=,.@/{}-]+$/,
    "use the ARN of a role or user with {account} and {email}, for example arn:aws:iam::{account}:role/dev",
  ).refine((arn) => !places.test(arn), "use the places {account} and {email} alone"),
  session: textLike(/^[\w+=,.@{}-]{2,64}$/, "use the session's name, for example {email}")
    .refine((session) => session.includes("{email}") && !places.test(session), "name the person with {email}")
    .optional(),
});

const way = "write links, or one of identityCenter and rule";

const sources = {
  links: z.literal("links"),
  identityCenter: z.strictObject({ identityCenter }),
  rule: z.strictObject({ rule }),
};

const source = resembling<z.output<(typeof sources)[keyof typeof sources]>>((value) => {
  const kind = kindOf(value);
  return kind ? sources[kind] : noForm(way);
});

/** `identities` of the file, in the order in which they are tried. */
export const identitiesFile = z
  .array(source)
  .min(1, "name at least one way, or remove identities")
  .refine(isEachOnce, { message: "name each way once", ...alsoInBrokenList })
  .default(["links"]);

/** The IAM paths of Identity Center's roles: us-east-1 has no part of its own (User Guide). Unknown: each cluster's region. */
export function identityCenterPaths(sources: readonly SourceFile[], regions: readonly string[]): readonly string[] {
  const known = centersIn(sources).map((center) => center.region);
  const reserved = "/aws-reserved/sso.amazonaws.com/";
  const possible = [...new Set(known.length > 0 ? known : regions)].map((each) => `${reserved}${each}/`);
  return [...possible, reserved];
}

type SourceFile = z.output<typeof source>;

function centersIn(sources: readonly SourceFile[]) {
  return sources.flatMap((each) => (typeof each === "object" && "identityCenter" in each ? each.identityCenter : []));
}

function kindOf(written: unknown): keyof typeof sources | null {
  if (written === "links") return "links";
  if (typeof written !== "object" || written === null) return null;
  if ("identityCenter" in written) return "identityCenter";
  return "rule" in written ? "rule" : null;
}

function isEachOnce(written: readonly unknown[]): boolean {
  const kinds = written.flatMap((each) => kindOf(each) ?? []);
  return new Set(kinds).size === kinds.length;
}

export function identityRulesOf(sources: readonly SourceFile[]): IdentityRules {
  return { sources: sources.map(sourceOf), keepSeconds: centersIn(sources)[0]?.keepFor ?? 900 };
}

function sourceOf(written: SourceFile): IdentitySource {
  if (written === "links") return { type: "links" };
  if ("rule" in written) return { type: "rule", arn: written.rule.arn, session: written.rule.session ?? null };
  const { keepFor: _, ...settings } = written.identityCenter;
  return { type: "identity-center", settings };
}

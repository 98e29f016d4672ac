import type { z } from "zod";
import { AccessError, explainFailure } from "../access/access-error.ts";
import { type MemberAccount, type OrganizationAccounts, organizationAccounts } from "../aws/organization.ts";
import { callerIdentity } from "../aws/sts.ts";
import { account, externalId, region, roleArn, slackChannel, textLike, userOrGroup } from "../config/forms.ts";
import { counted } from "../diagnosis/link.ts";
import type { SurveyScope } from "../worker/survey.ts";
import { flag, text } from "./option-kinds.ts";
import { type CommandIo, misused, readOnlyOptions, unusable } from "./process-io.ts";

export type InitOptions = ReturnType<typeof readInitOptions>;

const known = {
  ...{ role: text, "external-id": text, accounts: text, regions: text, channel: text, approvers: text, worker: text },
  ...{ out: { ...text, default: "." }, force: flag, "dry-run": flag, permissions: flag },
};

const reader = textLike(
  /^(arn:[a-z-]+:iam::(\d{12}|\{account\}):role\/)?[\w+=,.@/-]+$/,
  "use the name of a role, or its ARN with {account}",
);

/** What is not given is empty; without a role it looks at the caller's own account alone. */
export function readInitOptions(argv: readonly string[]) {
  const values = readOnlyOptions(argv, known);
  const { role = null, worker = null, "external-id": id, channel = "" } = values;
  const accounts = listOf(values.accounts);
  const regions = listOf(values.regions);
  const approvers = listOf(values.approvers);
  requireForm("--role", reader, role);
  requireForm("--worker", roleArn, worker);
  requireForm("--external-id", externalId, id);
  requireForm("--accounts", account, ...accounts);
  requireForm("--regions", region, ...regions);
  requireForm("--channel", slackChannel, channel);
  requireForm("--approvers", userOrGroup, ...approvers);
  const { out, force, "dry-run": dryRun, permissions } = values;
  return { role, worker, externalId: id, channel, accounts, regions, approvers, out, force, dryRun, permissions };
}

function requireForm(name: string, form: z.ZodType, ...values: readonly (string | null | undefined)[]): void {
  for (const value of values) {
    const read = value ? form.safeParse(value) : null;
    if (read?.success === false) misused(`${name}: ${read.error.issues[0]?.message ?? "its form is wrong"}.`);
  }
}

function listOf(value = ""): readonly string[] {
  return value.split(",").flatMap((each) => each.trim() || []);
}

/** The regions that AWS enables in each account (AWS Account Management Reference Guide); others are given by name. */
const usualRegions: Readonly<Record<string, string>> = {
  aws: "us-east-1 us-east-2 us-west-1 us-west-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1",
  "aws-cn": "cn-north-1 cn-northwest-1",
  "aws-us-gov": "us-gov-east-1 us-gov-west-1",
};

export interface PlaceToLook {
  readonly scope: SurveyScope;
  readonly accounts: readonly MemberAccount[];
  readonly partition: string;
  /** For example `o-exampleorgid`; null: none is known. */
  readonly organization: string | null;
  readonly management: string | null;
  /** Whether accounts are left out that no option excludes. */
  readonly isPartial: boolean;
}

/** A person runs it, so it is their own identity that is missing, and no worker's. */
function refuseIdentity(error: unknown): never {
  if (!(error instanceof AccessError) || !error.code.startsWith("aws-credentials-")) throw error;
  const what = error.code === "aws-credentials-missing" ? "No AWS credentials here" : error.what;
  return unusable(`${what}. Sign in with aws sso login, and set AWS_PROFILE.`);
}

/** The accounts and regions to look at, with the caller's own identity. Reports the ones that it leaves out. @throws AccessError */
export async function whereToLook(options: InitOptions, io: CommandIo): Promise<PlaceToLook> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const home = AWS_REGION || AWS_DEFAULT_REGION || options.regions[0] || "us-east-1";
  const own = await callerIdentity("default", home).catch(refuseIdentity);
  const partition = own.arn.split(":")[1] ?? "aws";
  io.stdout(`You are ${own.arn}.\n`);
  const organization = await organizationOf(home, io);
  const listed = organization === "refused" ? null : organization;
  const named = (id: string) => listed?.accounts.find((each) => each.id === id) ?? { id, name: "" };
  const all = options.accounts.length > 0 ? options.accounts.map(named) : (listed?.accounts ?? [named(own.account)]);
  const accounts = all.filter(({ id }) => options.role !== null || id === own.account);
  const role = options.role ?? "";
  const pattern = role.startsWith("arn:") ? role : `arn:${partition}:iam::{account}:role/${role}`;
  const left = all.length - accounts.length;
  if (left > 0) io.stdout(`! Did not look at ${counted(left, "other account")}. Name a role with --role.\n`);
  return {
    scope: {
      accounts: accounts.map(({ id }) => id),
      regions: options.regions.length > 0 ? options.regions : (usualRegions[partition]?.split(" ") ?? [home]),
      ownAccount: own.account,
      roleFor: (account) => ({ roleArn: pattern.replace("{account}", account), externalId: options.externalId }),
    },
    accounts,
    partition,
    organization: listed?.id ?? null,
    management: listed?.management ?? null,
    isPartial: left > 0 || (organization === "refused" && options.accounts.length === 0),
  };
}

async function organizationOf(region: string, io: CommandIo): Promise<OrganizationAccounts | "refused" | null> {
  try {
    return await organizationAccounts("default", region);
  } catch (error) {
    io.stdout(`! Can't list the accounts of the organization. ${explainFailure(error)}\n`);
    return "refused";
  }
}

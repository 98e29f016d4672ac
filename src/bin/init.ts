import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readConfig } from "../config/config.ts";
import { chosenClusters, commonCreator, proposedConfig, type SurveyedCluster } from "../config/proposed-config.ts";
import { counted } from "../diagnosis/link.ts";
import { type SurveyOptions, surveyClusters } from "../worker/survey.ts";
import { nextSteps, type ProposedFiles, policyFiles, policyNames, shippedPolicy, surveyText } from "./init-files.ts";
import { type InitOptions, type PlaceToLook, readInitOptions, whereToLook } from "./init-options.ts";
import { type CommandIo, cliCommand, unusable, unwritable, writeFiles } from "./process-io.ts";

const initUsage = `Usage: eks-access init [--role NAME [--external-id ID]] [--accounts ID,…] [--regions NAME,…]
                       [--channel ID] [--approvers ID,…] [--worker ARN] [--out FOLDER] [--force | --dry-run]
       eks-access init --permissions

Looks at the clusters of your organization, or of your own account, with your own AWS identity. It shows what it found,
and writes eks-access.yml and the IAM policies. It changes nothing in AWS.

  --role NAME         the role to assume in other accounts, or its ARN with {account}; by default your account alone
  --external-id ID    the external id of that role's trust policy
  --accounts ID,…     these accounts alone; by default each active account of the organization
  --regions NAME,…    these regions alone; by default those that AWS enables in each account
  --channel ID        the Slack channel where approvers decide
  --approvers ID,…    ids of Slack users and user groups
  --worker ARN        the worker's role; by default eks-access-worker of your account
  --out FOLDER        where to write; by default here
  --force             replace existing files
  --dry-run           print the files, and write nothing
  --permissions       print the policies that init needs: yours, and that of the role in each account

It calls sts:GetCallerIdentity, organizations:ListAccounts, sts:AssumeRole, eks:ListClusters, eks:DescribeCluster and
cloudtrail:LookupEvents, and reads the ConfigMap aws-auth of each cluster that lets it in.

Example: eks-access init --role OrganizationAccountAccessRole --channel C0123456789 --approvers U0123456789 --dry-run
Exit code: 0 done, 1 done, but an account or a region did not answer, 2 nothing written, or unusable input.
`;

/** @param pause replaces the waits between two calls of CloudTrail @throws AccessError if AWS refuses the caller itself */
export const runInit = cliCommand("init", initUsage, async (argv, io, pause?: SurveyOptions["pause"]) => {
  const options = readInitOptions(argv);
  if (options.permissions) return printPermissions(io);
  const taken = options.dryRun || options.force ? [] : pathsIn(options.out).filter((path) => existsSync(path));
  if (taken.length > 0) unusable(`${taken.join(", ")} exist. Use another --out, or --force.`);
  const place = await whereToLook(options, io);
  const { accounts, regions } = place.scope;
  io.stderr(`Looking at ${counted(accounts.length, "account")} in ${counted(regions.length, "region")}…\n`);
  const survey = await surveyClusters(place.scope, { now: () => new Date(), ...(pause && { pause }) });
  io.stdout(`\n${surveyText(survey, place.accounts)}\n`);
  const clusters = chosenClusters(survey.clusters);
  if (clusters.length === 0) {
    unusable("Found no cluster. Check --accounts, --regions, --role and rights (init --permissions).");
  }
  const proposal = await propose(clusters, place, options);
  try {
    if (options.dryRun) for (const [path, text] of proposal.files) io.stdout(`--- ${path}\n${text}\n`);
    else {
      for (const path of proposal.files.keys()) await mkdir(dirname(path), { recursive: true });
      await writeFiles(proposal.files, options.force);
    }
  } catch (error) {
    unusable(unwritable(options.out, error));
  }
  const leftOut = survey.clusters.length - clusters.length;
  const { organization, management } = place;
  io.stdout(nextSteps({ ...proposal, clusters, leftOut, organization, management, options }));
  return survey.failed.length > 0 || place.isPartial ? 1 : 0;
});

const operatorRole = "eks-access-operator";
const placeholders = { channel: "C0REPLACE", approvers: ["U0REPLACE", "U1REPLACE"] } as const;

function pathsIn(out: string): readonly string[] {
  return [join(out, "eks-access.yml"), ...policyNames.map((name) => join(out, "eks-access-iam", name))];
}

/** The files, after reading the configuration as a process does. */
async function propose(
  clusters: readonly SurveyedCluster[],
  { partition, organization, scope }: PlaceToLook,
  { out, channel, approvers, worker }: InitOptions,
): Promise<ProposedFiles> {
  // The roles' trust policies already name the id of a file that --force replaces.
  const before = await readFile(join(out, "eks-access.yml"), "utf8").catch(() => "");
  const [, externalId = `eks-access-${randomBytes(8).toString("hex")}`] = /^ {2}externalId: (\S+)$/m.exec(before) ?? [];
  const shared = { partition, operatorRole, externalId };
  const people = {
    channel: channel || placeholders.channel,
    approvers: approvers.length > 0 ? approvers : placeholders.approvers,
  };
  const config = proposedConfig(clusters, { ...shared, ...people });
  const now = new Date();
  const seen = { waiting: null, since: now.toISOString(), seenAt: now.toISOString(), goneSince: null };
  const found = clusters.map(({ account, region, eksName, tags }) => ({ account, region, eksName, tags, ...seen }));
  const reading = readConfig(config, { clusters: found, now });
  if (reading.type === "invalid") return unusable(reading.problems.join("\n"));
  const policies = await policyFiles({
    ...shared,
    worker: worker ?? `arn:${partition}:iam::${scope.ownAccount}:role/eks-access-worker`,
    organization,
    accounts: [...new Set(clusters.map(({ account }) => account))],
    creator: commonCreator(clusters),
  });
  return {
    files: new Map(pathsIn(out).map((path, index) => [path, [config, ...policies][index] ?? ""])),
    names: [...reading.config.clusters.keys()],
    problems: reading.config.fleet?.problems ?? [],
  };
}

async function printPermissions(io: CommandIo): Promise<number> {
  io.stdout(`You:\n${await shippedPolicy("init-policy")}\n`);
  io.stdout(`The role in each account, and your identity in yours:\n${await shippedPolicy("init-reader-policy")}`);
  return 0;
}

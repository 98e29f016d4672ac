import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { MemberAccount } from "../aws/organization.ts";
import type { SurveyedCluster, SurveyedMap } from "../config/proposed-config.ts";
import { counted } from "../diagnosis/link.ts";
import type { Survey } from "../worker/survey.ts";
import { failedAccounts } from "../worker/upkeep/look-at-fleet.ts";
import type { InitOptions, PlaceToLook } from "./init-options.ts";

export const policyNames = ["worker-policy.json", "creator-trust-policy.json", "account-role.yaml"] as const;

interface PolicyFacts {
  readonly partition: string;
  readonly worker: string;
  readonly operatorRole: string;
  readonly externalId: string;
  /** Null: no organization, so the operators' accounts are named. */
  readonly organization: string | null;
  readonly accounts: readonly string[];
  /** With `{account}`; null: the clusters have no creator in common. */
  readonly creator: string | null;
}

const shipped = new URL("../../deploy/", import.meta.url);

const statements = z.object({ Statement: z.array(z.record(z.string(), z.unknown())) });

/** A policy of deploy/iam as it ships. */
export function shippedPolicy(name: string): Promise<string> {
  return readFile(new URL(`iam/${name}.json`, shipped), "utf8");
}

export async function policyFiles(facts: PolicyFacts): Promise<readonly string[]> {
  const { worker, externalId, partition } = facts;
  const trust = await shippedPolicy("creator-trust-policy");
  const template = await readFile(new URL("cloudformation/account-role.yaml", shipped), "utf8");
  const principals = `arn:${partition}:iam::*:role/aws-reserved/sso.amazonaws.com/*`;
  return [
    await workerPolicy(facts),
    trust
      .replaceAll("arn:aws:iam::111122223333:role/eks-access-worker", worker)
      .replaceAll("replace-with-an-id-of-your-own", externalId),
    withDefaults(template, { WorkerRoleArn: worker, ExternalId: externalId, Principals: principals }),
  ];
}

/** The worker assumes the operators, once the creators, and asks CloudTrail for a creator. */
async function workerPolicy(facts: PolicyFacts): Promise<string> {
  const [fleet, one] = await Promise.all([shippedPolicy("fleet-policy"), shippedPolicy("worker-policy")]);
  const [ofFleet = {}] = statements.parse(JSON.parse(fleet)).Statement;
  const [become, say, look] = statements.parse(JSON.parse(one)).Statement;
  const operator = `arn:${facts.partition}:iam::{account}:role/${facts.operatorRole}`;
  const creators =
    facts.creator === null ? [] : [become, say].map((each) => ({ ...each, ...reach(facts, facts.creator ?? "") }));
  const { Condition: _, ...unbound } = ofFleet;
  const Statement = [{ ...unbound, ...reach(facts, operator) }, ...creators, look];
  return `${JSON.stringify({ Version: "2012-10-17", Statement }, null, 2)}\n`;
}

/** The roles of this pattern: of the whole organization, or of each named account. */
function reach({ organization, accounts }: PolicyFacts, pattern: string): object {
  if (organization === null) return { Resource: accounts.map((account) => pattern.replace("{account}", account)) };
  const Condition = { StringEquals: { "aws:ResourceOrgID": organization } };
  return { Resource: pattern.replace("{account}", "*"), Condition };
}

function withDefaults(template: string, defaults: Readonly<Record<string, string>>): string {
  return Object.entries(defaults).reduce(
    (text, [name, value]) =>
      text.replace(
        new RegExp(`^( {2}${name}:\\n {4}Type: \\w+\\n)`, "m"),
        (found) => `${found}    Default: "${value}"\n`,
      ),
    template,
  );
}

const titles = ["CLUSTER", "REGION", "MODE", "API SERVER", "CREATOR", "AWS-AUTH"] as const;

/** What a look at the accounts found, by account, for people. An account that did not answer is one line at the end. */
export function surveyText({ clusters, failed }: Survey, accounts: readonly MemberAccount[]): string {
  const withClusters = accounts.filter(({ id }) => clusters.some(({ account }) => account === id));
  const isFailed = new Set(failed.map(({ account }) => account));
  const empty = accounts.filter((account) => !withClusters.includes(account) && !isFailed.has(account.id)).length;
  const parts = withClusters.map((account) => {
    const own = clusters.filter((each) => each.account === account.id);
    return accountText(account, own);
  });
  const lines = [
    ...(empty > 0 ? [`${counted(empty, "account")} without clusters.`] : []),
    ...failedAccounts(failed).map(({ account, places, why }) => {
      const shown = printable(accounts.find(({ id }) => id === account)?.name ?? "");
      return `! ${account}${shown ? ` (${shown})` : ""}, ${printable(places)}: ${printable(why)}`;
    }),
  ];
  return [...parts, ...(lines.length > 0 ? [`${lines.join("\n")}\n`] : [])].join("\n");
}

function accountText({ id, name }: MemberAccount, clusters: readonly SurveyedCluster[]): string {
  const rows = clusters.map((cluster) => [
    cluster.eksName,
    cluster.region,
    cluster.mode,
    cluster.isPublic ? "public" : "private",
    cluster.creator.type === "unknown"
      ? `unknown: ${cluster.creator.why}`
      : cluster.creator.arn.replace(/^.*?::\d+:/, ""),
    mapText(cluster.map),
  ]);
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map(
    (row) =>
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}`,
  );
  const shown = printable(name);
  return `Account ${id}${shown ? ` (${shown})` : ""}: ${counted(clusters.length, "cluster")}\n${lines.join("\n")}\n`;
}

function mapText(map: SurveyedMap): string {
  if (map.type === "owned") return `owned by ${map.by}: leases bind roles or use access entries`;
  if (map.type === "unknown") return `unknown: ${map.why}`;
  return { free: "no other tool", absent: "none", unused: "not used" }[map.type];
}

/** Names of accounts and answers of AWS go to a terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}+/gu, " ").trim();
}

export interface ProposedFiles {
  readonly files: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  readonly problems: readonly string[];
}

interface NextSteps extends ProposedFiles, Pick<PlaceToLook, "organization" | "management"> {
  readonly clusters: readonly SurveyedCluster[];
  readonly leftOut: number;
  readonly options: InitOptions;
}

const worker = "eks-access worker";

/** The written files, the parts to review, and the next commands. */
export function nextSteps({ files, names, problems, clusters, leftOut, organization, ...rest }: NextSteps): string {
  const { management, options } = rest;
  // By the CloudFormation User Guide, "Associate a StackSet with an organization".
  const isLeftOut = clusters.some(({ account }) => account === management);
  const accounts = new Set(clusters.map(({ account }) => account)).size;
  const hidden = clusters.filter(({ isPublic }) => !isPublic).length;
  const people = options.approvers.length > 0 ? [] : ["U0REPLACE", "U1REPLACE"];
  const missing = [...(options.channel === "" ? ["C0REPLACE"] : []), ...people];
  const notes = [
    ...problems.map((problem) => `! ${problem}`),
    ...(leftOut > 0 ? [`! Left out: ${counted(leftOut, "cluster")} without the tag eks-access=yes.`] : []),
    ...(hidden > 0 ? [`! ${counted(hidden, "private API server")}. Start ${worker} where it reaches them.`] : []),
    ...(isLeftOut ? [`! A StackSet leaves account ${management} out: deploy account-role.yaml there too.`] : []),
    ...(missing.length > 0 ? [`! Replace ${missing.join(", ")} in eks-access.yml.`] : []),
  ];
  return `${options.dryRun ? "Would write" : "Wrote"} ${[...files.keys()].join(", ")}
for ${counted(clusters.length, "cluster")} in ${counted(accounts, "account")}.
${notes.map((note) => `${note}\n`).join("")}
Next, once the worker's role has worker-policy.json, and each creator creator-trust-policy.json:
  ${roleCommands(join(options.out, "eks-access-iam/account-role.yaml"), organization, clusters).join("\n  ")}
  eks-access doctor worker
  eks-access bootstrap ${names[0] ?? "CLUSTER"}
`;
}

/** They make the operator's role in the one account, or in each of the organization. A StackSet alone makes none. */
function roleCommands(
  path: string,
  organization: string | null,
  clusters: readonly SurveyedCluster[],
): readonly string[] {
  const template = /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  const capability = "--capabilities CAPABILITY_NAMED_IAM";
  if (organization === null) {
    return [`aws cloudformation deploy --stack-name eks-access ${capability} --template-file ${template}`];
  }
  const managed = "--permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=true";
  // IAM is the same in each region.
  const targets = `--regions ${clusters[0]?.region ?? "us-east-1"} --deployment-targets OrganizationalUnitIds=ou-REPLACE`;
  return [
    `aws cloudformation create-stack-set --stack-set-name eks-access ${capability} ${managed} --template-body file://${template}`,
    `aws cloudformation create-stack-instances --stack-set-name eks-access ${targets}`,
  ];
}

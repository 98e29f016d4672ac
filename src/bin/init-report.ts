import { join } from "node:path";
import { explainFailure } from "../access/access-error.ts";
import type { MemberAccount } from "../aws/organization.ts";
import type { SurveyedCluster, SurveyedMap } from "../config/proposed-config.ts";
import { counted } from "../diagnosis/link.ts";
import type { Survey } from "../worker/fleet/survey.ts";
import type { InitOptions } from "./init-options.ts";

const titles = ["CLUSTER", "REGION", "MODE", "API SERVER", "CREATOR", "AWS-AUTH"] as const;

/** What a look at the accounts found, by account, for people. An account that did not answer is one line at the end. */
export function surveyText({ clusters, failed }: Survey, accounts: readonly MemberAccount[]): string {
  const withClusters = accounts.filter(({ id }) => clusters.some(({ account }) => account === id));
  const isFailed = new Set(failed.map(({ account }) => account));
  const empty = accounts.filter((account) => !withClusters.includes(account) && !isFailed.has(account.id)).length;
  const parts = withClusters.map((account) =>
    accountText(
      account,
      clusters.filter((each) => each.account === account.id),
    ),
  );
  const lines = [
    ...(empty > 0 ? [`${counted(empty, "account")} without clusters.`] : []),
    ...accounts.flatMap((account) => failedLine(account, failed)),
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
  return { free: "no other tool", absent: "none", unused: "not read" }[map.type];
}

/** One line for an account: which regions did not answer, and the first cause. */
function failedLine({ id, name }: MemberAccount, failed: Survey["failed"]): readonly string[] {
  const own = failed.filter(({ account }) => account === id);
  const [first] = own;
  if (!first) return [];
  const regions = own.map(({ region }) => region).join(", ");
  const shown = printable(name);
  return [`! ${id}${shown ? ` (${shown})` : ""}, ${regions}: ${printable(explainFailure(first.error))}`];
}

/** Names of accounts and answers of AWS go to a terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}+/gu, " ").trim();
}

export interface NextSteps {
  readonly files: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  readonly problems: readonly string[];
  readonly clusters: readonly SurveyedCluster[];
  /** How many clusters lack the tag of the fleet. */
  readonly leftOut: number;
  readonly organization: string | null;
  readonly options: InitOptions;
}

/** The written files, the parts to review, and the next commands. */
export function nextSteps({ files, names, problems, clusters, leftOut, organization, options }: NextSteps): string {
  const accounts = new Set(clusters.map(({ account }) => account)).size;
  const hidden = clusters.filter(({ isPublic }) => !isPublic).length;
  const isComplete = options.channel !== "" && options.approvers.length > 0;
  const notes = [
    ...problems.map((problem) => `! ${problem}`),
    ...(leftOut > 0 ? [`! Left out: ${counted(leftOut, "cluster")} without the tag eks-access=yes.`] : []),
    ...(hidden > 0
      ? [
          `! ${counted(hidden, "private API server")}: run a worker in a network that reaches them (docs/operating.md#zones).`,
        ]
      : []),
    ...(isComplete
      ? []
      : ["! Replace C0REPLACE, U0REPLACE and U1REPLACE in eks-access.yml: your channel and approvers."]),
  ];
  return `${options.dryRun ? "Would write" : "Wrote"} ${[...files.keys()].join(", ")}
for ${counted(clusters.length, "cluster")} in ${counted(accounts, "account")}.
${notes.map((note) => `${note}\n`).join("")}
Next, with worker-policy.json as the policy of the worker's role (docs/day-2.md):
  ${roleCommand(join(options.out, "eks-access-iam/account-role.yaml"), organization)}
  eks-access doctor worker
  eks-access bootstrap ${names[0] ?? "CLUSTER"}
`;
}

/** Makes the operator's role in the one account, or in each of the organization. */
function roleCommand(template: string, organization: string | null): string {
  const capability = "--capabilities CAPABILITY_NAMED_IAM";
  if (organization === null) {
    return `aws cloudformation deploy --stack-name eks-access ${capability} --template-file ${template}`;
  }
  const managed = "--permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=true";
  return `aws cloudformation create-stack-set --stack-set-name eks-access ${capability} ${managed} --template-body file://${template}`;
}

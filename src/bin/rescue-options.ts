import { parseArgs } from "node:util";
import { parseDuration } from "../access/request/duration.ts";

export const rescueUsage = `Usage: eks-access rescue CLUSTER --role ARN --for 1h --by SLACK-USER --reason TEXT --yes
                         [--document FILE|-|kept|kept-before] [--keep] [--without-ledger]

For a cluster whose aws-auth somebody broke. Run it in the worker's environment, with an AWS identity that has
deploy/iam/rescue-policy.json. It breaks the glass: the channel is told, and an approver has to review it.

  --role ARN          the IAM role that gets in, with its path; it must have no access entry yet
  --for DURATION      how long at most; the breakGlass of the cluster bounds it
  --by ID             who you are in Slack; the breakGlass of the cluster has to name you by this id
  --yes               switch the authentication mode to API_AND_CONFIG_MAP, which can't be taken back
  --document FILE     the last good aws-auth, as a ConfigMap or its bare data: what is missing is written again;
                      kept or kept-before: the last one that eks-access keeps in the cluster, or the one before it
  --keep              leave the access entry until its end, also where all is well
  --without-ledger    while Redis is away: nobody is told, and what this run leaves stays until it is recovered

It can be run again wherever it died. Exit code: 0 rescued, 1 something is left to do, 2 unusable.
`;

export interface RescueOptions {
  readonly cluster: string;
  readonly role: string;
  readonly durationSeconds: number;
  readonly by: string;
  readonly reason: string;
  readonly yes: boolean;
  readonly document: string | null;
  readonly keep: boolean;
  readonly withoutLedger: boolean;
}

const options = {
  role: { type: "string" },
  for: { type: "string" },
  by: { type: "string" },
  reason: { type: "string" },
  yes: { type: "boolean" },
  document: { type: "string" },
  keep: { type: "boolean" },
  "without-ledger": { type: "boolean" },
} as const;

/** Reads the arguments of `rescue`; a text: what is wrong with them. */
export function readRescueOptions(argv: readonly string[]): RescueOptions | string {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    const [cluster, ...rest] = positionals;
    if (cluster === undefined || rest.length > 0) return "Name one cluster.";
    const { role, by, reason } = values;
    if (!role || !by || !reason) return "Say --role, --for, --by and --reason.";
    const durationSeconds = parseDuration(values.for ?? "");
    if (durationSeconds === null) return "Say --for how long, such as 30m or 1h.";
    const flags = { yes: values.yes ?? false, keep: values.keep ?? false };
    const withoutLedger = values["without-ledger"] ?? false;
    return { cluster, role, durationSeconds, by, reason, ...flags, document: values.document ?? null, withoutLedger };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

import { parseArgs } from "node:util";
import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { entryOf } from "../aws-auth/entry-of.ts";
import type { Change, PlanGuard } from "../aws-auth/plan.ts";

export const planUsage = `Usage: eks-access plan FILE|- [--add ARN --username U --groups A,B | --remove ARN]… [options]

FILE is the ConfigMap aws-auth as YAML or JSON, or the bare data of it; - reads it from stdin. --add and --remove may be
given more than once, in any order. --username and --groups belong to the --add before them; left out, an entry that
is there keeps what it has. Nothing is changed on a cluster.

  --creator ARN            who created the cluster, and must not be put into the map
  --account ID             the cluster's account: an ARN of any other is refused
  --allow-account ID       but not one of this account; may be given more than once
  --partition NAME         the cluster's partition: an ARN of any other is refused
  --allow-masters          system:masters may be given
  --allow-no-administrator the last member of system:masters may go
  --json                   print one JSON object
  --out FILE               write the ConfigMap as it is after the plan

Exit code: 0 planned, 1 refused, 2 the input can't be used.
`;

export type ChangesReading = { type: "changes"; changes: readonly Change[] } | { type: "wrong"; message: string };

export interface PlanOptions {
  type: "plan";
  path: string;
  guard: PlanGuard;
  json: boolean;
  out: string | null;
  /** What was asked for, with what is left out taken from the document. */
  changes: (document: AwsAuthDocument) => ChangesReading;
}

interface Addition {
  arn: string;
  username?: string;
  groups?: readonly string[];
}

type Asked = { type: "add"; addition: Addition } | { type: "remove"; arn: string };

const OPTIONS = {
  add: { type: "string", multiple: true },
  username: { type: "string", multiple: true },
  groups: { type: "string", multiple: true },
  remove: { type: "string", multiple: true },
  creator: { type: "string" },
  account: { type: "string" },
  "allow-account": { type: "string", multiple: true },
  partition: { type: "string" },
  "allow-masters": { type: "boolean" },
  "allow-no-administrator": { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the arguments of `plan`. */
export function readPlanOptions(
  argv: readonly string[],
): PlanOptions | { type: "help" } | { type: "wrong"; message: string } {
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: OPTIONS,
      tokens: true,
    });
    if (values.help) return { type: "help" };
    const [path] = positionals;
    if (path === undefined || positionals.length > 1)
      return { type: "wrong", message: "Name one FILE, or - for stdin." };
    const asked = inOrder(
      tokens.flatMap((token) => (token.kind === "option" ? [[token.name, token.value ?? ""] as const] : [])),
    );
    if (typeof asked === "string") return { type: "wrong", message: asked };
    if (asked.length === 0) return { type: "wrong", message: "Say what to change, with --add or --remove." };
    const guard: PlanGuard = {
      ...(values.creator === undefined ? {} : { creatorArn: values.creator }),
      ...(values.account === undefined ? {} : { account: values.account }),
      ...(values.partition === undefined ? {} : { partition: values.partition }),
      allowForeignAccounts: values["allow-account"] ?? [],
      allowMasters: values["allow-masters"] ?? false,
      allowNoAdministrator: values["allow-no-administrator"] ?? false,
    };
    const changes = (document: AwsAuthDocument) => toChanges(document, asked);
    return { type: "plan", path, guard, json: values.json ?? false, out: values.out ?? null, changes };
  } catch (error) {
    return { type: "wrong", message: error instanceof Error ? error.message : String(error) };
  }
}

/** What is asked for, in the order of the command line; a text says what is wrong with that. */
function inOrder(options: readonly (readonly [string, string])[]): Asked[] | string {
  const asked: Asked[] = [];
  for (const [name, value] of options) {
    const last = asked.at(-1);
    if (name === "add") asked.push({ type: "add", addition: { arn: value } });
    else if (name === "remove") asked.push({ type: "remove", arn: value });
    else if (name !== "username" && name !== "groups") continue;
    else if (last?.type !== "add" || last.addition[name] !== undefined)
      return `--${name} belongs behind the --add that it is for.`;
    else if (name === "username") last.addition.username = value;
    else last.addition.groups = value === "" ? [] : value.split(",");
  }
  return asked;
}

function toChanges(document: AwsAuthDocument, asked: readonly Asked[]): ChangesReading {
  const changes: Change[] = [];
  for (const item of asked) {
    if (item.type === "remove") {
      changes.push({ type: "unmap", arn: item.arn });
      continue;
    }
    const { arn, username, groups } = item.addition;
    const entry = entryOf(document, arn);
    const name = username ?? entry?.username;
    if (name === undefined) return { type: "wrong", message: `${arn} has no entry yet: say --username for it.` };
    changes.push({ type: "map", arn, username: name, groups: groups ?? entry?.groups ?? [] });
  }
  return { type: "changes", changes };
}

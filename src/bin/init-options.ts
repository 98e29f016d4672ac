import { parseArgs } from "node:util";
import type { z } from "zod";
import { account, externalId, region, roleArn, textLike } from "../config/forms.ts";

export interface InitOptions {
  /** The name of the role to look with, or its ARN with `{account}`; null: the caller's own account alone. */
  readonly role: string | null;
  readonly externalId: string | undefined;
  /** Empty: those of the organization. */
  readonly accounts: readonly string[];
  /** Empty: the usual ones. */
  readonly regions: readonly string[];
  /** Empty: not given. */
  readonly channel: string;
  readonly approvers: readonly string[];
  readonly worker: string | null;
  readonly out: string;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly permissions: boolean;
}

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const known = {
  ...{ role: text, "external-id": text, accounts: text, regions: text, channel: text, approvers: text, worker: text },
  out: { type: "string", default: "." },
  ...{ force: flag, "dry-run": flag, permissions: flag },
} as const;

const reader = textLike(
  /^(arn:[a-z-]+:iam::(\d{12}|\{account\}):role\/)?[\w+=,.@/-]+$/,
  "use the name of a role, or its ARN with {account}",
);

/** A text: the mistake in the command line. */
export function readInitOptions(argv: readonly string[]): InitOptions | string {
  try {
    const { values } = parseArgs({ args: [...argv], options: known });
    const { role = null, worker = null, "external-id": id, channel = "" } = values;
    const [accounts, regions, approvers] = [values.accounts, values.regions, values.approvers].map(listOf);
    const problem =
      problemIn("--role", reader, role) ??
      problemIn("--worker", roleArn, worker) ??
      problemIn("--external-id", externalId, id) ??
      problemIn("--accounts", account, ...(accounts ?? [])) ??
      problemIn("--regions", region, ...(regions ?? []));
    if (problem !== null) return problem;
    const { out, force, "dry-run": dryRun, permissions } = values;
    const lists = { accounts: accounts ?? [], regions: regions ?? [], approvers: approvers ?? [] };
    return { role, worker, externalId: id, channel, ...lists, out, force, dryRun, permissions };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function problemIn(name: string, form: z.ZodType, ...values: readonly (string | null | undefined)[]): string | null {
  for (const value of values) {
    const read = value ? form.safeParse(value) : null;
    if (read?.success === false) return `${name}: ${read.error.issues[0]?.message ?? "its form is wrong"}.`;
  }
  return null;
}

function listOf(value = ""): readonly string[] {
  return value.split(",").flatMap((each) => each.trim() || []);
}

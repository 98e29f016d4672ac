import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";

/** The policies that `eks-access init` writes. */
export const policyNames = ["worker-policy.json", "creator-trust-policy.json", "account-role.yaml"] as const;

export interface PolicyFacts {
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

/** The policies of deploy for these accounts and roles, in the order of their names. */
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

/**
 * Writes a file whole, or leaves it as it was. Without `isForced` it never replaces a file, not even one that appears meanwhile.
 * @throws the system's error
 */
export async function writeWhole(path: string, text: string, isForced: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, text, { flag: "wx", mode: 0o644 });
    // A link fails if its name is taken; a rename replaces.
    await (isForced ? rename(part, path) : link(part, path));
  } finally {
    await rm(part, { force: true });
  }
}

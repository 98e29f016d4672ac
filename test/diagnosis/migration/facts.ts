import { finish } from "../../../src/aws-auth/index.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import type { MigrationFacts, PresentEntry } from "../../../src/diagnosis/migration/facts.ts";
import type { Outcome } from "../../../src/diagnosis/migration/item-outcome.ts";
import { type MigrationPlan, planMigration } from "../../../src/diagnosis/migration/plan.ts";
import { type RepairPlanned, repairSteps } from "../../../src/diagnosis/migration/plan-repair.ts";

export const account = "111122223333";
export const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;
export const user = (name: string) => `arn:aws:iam::${account}:user/${name}`;

export interface Item {
  readonly arn: string;
  readonly username?: string;
  readonly groups?: readonly string[];
}

/** A section as JSON, which is YAML. */
export function section(kind: "role" | "user", items: readonly Item[]): string {
  return JSON.stringify(items.map(({ arn, ...names }) => ({ [`${kind}arn`]: arn, ...names })));
}

export function planRepair(facts: MigrationFacts): RepairPlanned {
  return finish(repairSteps(facts));
}

/** The facts of a cluster without any migrated item. */
export function someFacts(
  data: Readonly<Record<string, string>>,
  facts: Partial<Omit<MigrationFacts, "document">> = {},
): MigrationFacts {
  return {
    cluster: "staging",
    clusterArn: `arn:aws:eks:eu-central-1:${account}:cluster/staging`,
    account,
    partition: "aws",
    mode: "CONFIG_MAP",
    presentEntries: [],
    creatorArn: role("cluster-creator"),
    holdings: new Map(),
    managedNodes: null,
    givenArns: [],
    ...facts,
    document: parseDocument(data),
  };
}

export function presentEntry(entry: Partial<PresentEntry> & Pick<PresentEntry, "principalArn">): PresentEntry {
  return {
    type: "STANDARD",
    username: "somebody",
    groups: [],
    policies: [],
    migrated: null,
    isLeased: false,
    ...entry,
  };
}

/** The plan. @throws where it is refused */
export function planned(facts: MigrationFacts): MigrationPlan {
  const result = planMigration(facts);
  if (result.type === "refused") throw new Error(`${result.code}: ${result.message}`);
  return result;
}

/** The outcome of the only item of mapRoles. */
export function outcomeOfRole(item: Item, facts: Partial<Omit<MigrationFacts, "document">> = {}): Outcome {
  const [only] = planned(someFacts({ mapRoles: section("role", [item]) }, facts)).outcomes;
  if (!only) throw new Error("the document has no item");
  return only.outcome;
}

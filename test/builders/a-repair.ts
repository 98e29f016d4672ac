import type { Migration } from "../../src/access/migration.ts";
import type { PresentEntry } from "../../src/diagnosis/migration/facts.ts";
import { planRepair, someFacts } from "../diagnosis/migration/facts.ts";
import { aPlannedMigration, type MigrationChange } from "./a-migration.ts";
import { at } from "./times.ts";

const roleOf = (team: number, suffix: string) =>
  `arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_PlatformEngineering${team}_${suffix.repeat(16)}`;

/** A repair of so many access entries, as the worker plans it; more than six wait for the next one. */
export function aPlannedRepair(entries: number, change: MigrationChange = {}, groups = ["team:developers"]): Migration {
  const teams = Array.from({ length: entries }, (_, index) => index);
  const presentEntries = teams.map(
    (team): PresentEntry => ({
      ...{ principalArn: roleOf(team, "a"), type: "STANDARD", username: `dev-${team}:{{SessionName}}`, groups },
      ...{ policies: [{ name: "AmazonEKSViewPolicy", namespaces: ["shop"] }] },
      ...{ migrated: null, isLeased: false, createdAt: at(0).toISOString() },
    }),
  );
  const givenArns = teams.map((team) => roleOf(team, "b"));
  const planned = planRepair(someFacts({}, { mode: "API_AND_CONFIG_MAP", presentEntries, givenArns }));
  if (planned.type === "refused") throw new Error(planned.message);
  const { summary, replacements } = planned;
  const plan = { at: at(0).toISOString(), digest: summary.digest, summary, outs: [], replacements, seal: "" };
  return aPlannedMigration({ kind: "repair", plan, ...change });
}

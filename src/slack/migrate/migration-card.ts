import type { Button, KnownBlock } from "@slack/types";
import { isMigrationOver, type Migration, type Replacement, type SealedPlan } from "../../access/request/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import { detailsButton } from "../show/buttons.ts";
import { actions, code, codeList, context, section, time } from "../show/mrkdwn.ts";
import {
  denyMigrationButton,
  givesAdministrators,
  retryMigrationButton,
  stopMigrationButton,
  switchesMode,
} from "./migration-buttons.ts";
import { migrationProgress, migrationState, migrationTitle, migrationTrouble } from "./migration-words.ts";

/** The card of a migration or a repair. It has no Approve: that is in its details, under the text of the whole plan (law 4). */
export function migrationCard(migration: Migration): KnownBlock[] {
  const { id, state, expiresAt, plan } = migration;
  const isOpen = state === "pending";
  const trouble = migrationTrouble(migration, 150);
  const warnings = isOpen ? warningsOf(migration) : [];
  const lines = [
    `${signOf(migration)} *${migrationTitle(migration)}*`,
    `${code(id, 80)}${isOpen ? `, expires ${time(expiresAt)}` : ""}`,
    ...(isOpen && plan ? [changeLine(migration, plan)] : []),
    state === "running" ? migrationProgress(migration) : migrationState(migration, 250),
    ...(trouble ? [trouble] : []),
  ];
  return [
    section(lines.join("\n")),
    ...(warnings.length > 0 ? [context(`:warning: *Warnings*: ${warnings.join(", ")}`)] : []),
    ...(plan || isMigrationOver(migration)
      ? [actions(`migration-${id}-${(plan?.digest ?? state).slice(0, 12)}`, buttonsOf(migration))]
      : []),
  ];
}

function signOf(migration: Migration): string {
  return migration.trouble && !isMigrationOver(migration) ? ":warning:" : signs[migration.state];
}

const signs: Readonly<Record<Migration["state"], string>> = {
  pending: ":hourglass_flowing_sand:",
  running: ":hourglass_flowing_sand:",
  done: ":white_check_mark:",
  denied: ":no_entry:",
  stopped: ":no_entry:",
  refused: ":no_entry:",
  expired: ":hourglass:",
};

function buttonsOf(migration: Migration): Button[] {
  if (isMigrationOver(migration)) return [detailsButton(migration)];
  if (migration.state === "pending") {
    return [detailsButton(migration, "Review"), denyMigrationButton(migration), stopMigrationButton(migration)];
  }
  const retry = migration.trouble ? [retryMigrationButton(migration)] : [];
  return [...retry, stopMigrationButton(migration), detailsButton(migration)];
}

function changeLine({ kind }: Migration, { replacements = [], summary }: SealedPlan): string {
  if (kind !== "repair") return moveLine(summary);
  const [only, ...others] = replacements;
  const kept = summary.items.length - replacements.length;
  const what = only && others.length === 0 ? becomes(only) : `${replacements.length} entries change`;
  return `${what}${kept > 0 ? `, ${counted(kept, "other stays", "others stay")}` : ""}`;
}

function moveLine({ items, steps }: SealedPlan["summary"]): string {
  const moving = items.filter(({ outcome }) => outcome === "moves").length;
  return `${moving} of ${counted(items.length, "item")} can move, in ${counted(steps.length, "step")}`;
}

function becomes({ from, to, groups, policies }: Replacement): string {
  if (to === null) return `Deletes the entry of ${roleName(from)}`;
  const given = codeList([...groups, ...policies.map(policyName)], 90);
  return `${roleName(to)} gets ${given || "no groups"}`;
}

function policyName({ name, namespaces }: Replacement["policies"][number]): string {
  return namespaces ? `${name} in ${namespaces.join(", ")}` : name;
}

function roleName(arn: string): string {
  return code(arn.slice(arn.lastIndexOf("/") + 1), 70);
}

function warningsOf(migration: Migration): readonly string[] {
  const { plan, voided, dropped } = migration;
  return [
    ...(switchesMode(migration) ? [`no way back to ${code("CONFIG_MAP")}`] : []),
    ...(plan?.summary.keptBecause ? ["aws-auth stays as it is"] : []),
    ...(givesAdministrators(migration) ? ["full control"] : []),
    ...(voided || dropped.length > 0 ? ["an approval no longer counts"] : []),
  ];
}

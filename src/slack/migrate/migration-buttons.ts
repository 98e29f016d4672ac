import type { Button, KnownBlock } from "@slack/types";
import { z } from "zod";
import type { Migration } from "../../access/migration.ts";
import { type MigrationAct, maySeeRequest, migrationActsOf } from "../../access/policy/permissions.ts";
import { isFullControl, policyTexts } from "../../access/policy/policy-text.ts";
import type { Person } from "../../access/policy/rule.ts";
import { parseJson } from "../../access/seal.ts";
import type { SlackContext } from "../app/context.ts";
import {
  approveAction,
  askMigrationAction,
  buttonOf,
  confirmed,
  decideValue,
  denyAction,
  detailsButton,
  maxValue,
  retryMigrationAction,
  stopMigrationAction,
} from "../show/buttons.ts";
import { actions, code, cut, mention, section, time } from "../show/mrkdwn.ts";
import { migrationState, migrationTrouble, migrationWord } from "./migration-words.ts";

export const maxArns = 50;

const askValue = z.strictObject({
  cluster: z.string().max(200),
  givenArns: z.array(z.string().max(2048)).max(maxArns),
});

/** EKS has no way back from it. */
export function switchesMode({ plan }: Migration): boolean {
  return plan?.summary.steps.some(({ name }) => name === "switch-mode") ?? false;
}

/** Whether a repair gives someone full control again. */
export function givesAdministrators({ plan }: Migration): boolean {
  const made = plan?.replacements?.filter(({ to }) => to !== null) ?? [];
  return made.some(({ groups, policies }) => isFullControl([...groups, ...policies.flatMap(policyTexts)]));
}

/** Full control, and what can't be undone, need a confirmation. */
export function approveMigrationButton(migration: Migration): Button {
  const approve = buttonOf(approveAction, "Approve this plan", migration, "primary", decideValue(migration));
  const { cluster } = migration;
  const what = [
    ...(switchesMode(migration) ? ["EKS can't switch back to CONFIG_MAP."] : []),
    ...(givesAdministrators(migration) ? [`This gives full control of ${cluster}.`] : []),
  ].join(" ");
  return what ? confirmed(approve, ["Approve this plan?", what, "Approve", "Not yet"]) : approve;
}

export const denyMigrationButton = (migration: Migration): Button =>
  buttonOf(denyAction, "Deny", migration, "danger", decideValue(migration));

export function stopMigrationButton(migration: Migration): Button {
  const { state } = migration;
  const running = state === "running";
  const what = running
    ? "The worker finishes or undoes the current step. Finished steps stay."
    : "The approvers can no longer decide.";
  const stop = buttonOf(stopMigrationAction, "Stop", migration, "danger");
  return confirmed(stop, [`Stop the ${migrationWord(migration)}?`, what, "Stop it", "Keep going"]);
}

export const retryMigrationButton = (migration: Migration): Button =>
  buttonOf(retryMigrationAction, "Try again", migration);

/** Null: the given ARNs do not fit into a button. */
export function askMigrationButton(cluster: string, givenArns: readonly string[]): Button | null {
  const value = JSON.stringify({ cluster, givenArns });
  return value.length > maxValue
    ? null
    : buttonOf(askMigrationAction, "Request this migration", { id: cluster }, undefined, value);
}

/** The value of a button that requests a migration; null: it is not ours. */
export function readAskValue(value: string): z.infer<typeof askValue> | null {
  return askValue.safeParse(parseJson(value)).data ?? null;
}

export interface MigrationRow {
  readonly migration: Migration;
  readonly acts: readonly MigrationAct[];
}

/** A migration in a list. `place` names the list. */
export function migrationRowBlocks({ migration, acts }: MigrationRow, place: string): KnownBlock[] {
  const { id, cluster, requester, state, expiresAt, kind } = migration;
  const expires = state === "pending" ? `. Expires ${time(expiresAt)}` : "";
  const what =
    kind === "repair"
      ? `Repair of dead entries of ${code(cluster)}`
      : `Migration of ${code(cluster)} to access entries`;
  const who = `*${what}* (${code(id)}), asked by ${mention(requester)}${expires}`;
  const trouble = migrationTrouble(migration, 400);
  return [
    section([who, cut(migrationState(migration), 700), ...(trouble ? [trouble] : [])].join("\n")),
    actions(`${place}-${id}`, rowButtons(migration, acts)),
  ];
}

/** A row shows no plan, so it has no decision. */
function rowButtons(migration: Migration, acts: readonly MigrationAct[]): Button[] {
  return [
    detailsButton(migration, acts.includes("deny") ? "Review" : "Details"),
    ...(acts.includes("retry") ? [retryMigrationButton(migration)] : []),
    ...(acts.includes("stop") ? [stopMigrationButton(migration)] : []),
  ];
}

/** Open migrations that a person may see, the longest waiting first. @throws AccessError */
export async function migrationsShown(
  { ledger, config, now }: Pick<SlackContext, "ledger" | "config" | "now">,
  person: Person,
): Promise<readonly MigrationRow[]> {
  const open = await ledger.migrations.open();
  const moment = now();
  const clusterOf = ({ cluster }: Migration) => config.clusters.get(cluster);
  return open
    .filter((migration) => maySeeRequest(migration, clusterOf(migration), person))
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
    .map((migration) => ({ migration, acts: migrationActsOf(migration, clusterOf(migration), person, moment) }));
}

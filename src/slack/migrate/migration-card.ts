import type { Button, KnownBlock } from "@slack/types";
import { isMigrationOver, type Migration, type Replacement, type SealedPlan } from "../../access/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import { linesOf, onOneLine, phoneLine } from "../decide/settled-card.ts";
import { detailsButton } from "../show/buttons.ts";
import { type Message, messageOf } from "../show/message.ts";
import { actions, code, codeList, context, mention, mentions, section, time, unformatted } from "../show/mrkdwn.ts";
import { removedClause } from "../show/words.ts";
import {
  denyMigrationButton,
  givesAdministrators,
  retryMigrationButton,
  stopMigrationButton,
  switchesMode,
} from "./migration-buttons.ts";
import {
  migrationHead,
  migrationRest,
  migrationState,
  migrationTitle,
  migrationTrouble,
  migrationWord,
} from "./migration-words.ts";

/** It has no Approve: that is in its details, under the whole plan (law 4). @param isRemoved from eks-access.yml */
export function migrationMessage(migration: Migration, isRemoved = false): Message {
  const { blocks, text } = migration.state === "pending" ? messageOf(openBlocks(migration)) : settledCard(migration);
  const { id, plan, state } = migration;
  const isOver = isMigrationOver(migration);
  if (!plan && !isOver) return { text, blocks };
  const elements = isRemoved ? [detailsButton(migration)] : buttonsOf(migration);
  const buttons = actions(`migration-${id}-${(plan?.digest ?? state).slice(0, 12)}`, elements);
  if (!isRemoved || isOver) return { text, blocks: [...blocks, buttons] };
  const note = `:warning: ${removedClause(migration)}. Ask an operator to add it again.`;
  return { text: `${text}\n${unformatted(note)}`, blocks: [...blocks, context(note), buttons] };
}

function openBlocks(migration: Migration): KnownBlock[] {
  const { id, expiresAt, plan } = migration;
  const trouble = migrationTrouble(migration, 80);
  const warnings = warningsOf(migration);
  const by = mentions(migration.approvals.map((each) => each.by));
  const lines = [
    `${signOf(migration)} *${migrationTitle(migration)}*`,
    `${code(id, 80)}, expires ${time(expiresAt)}`,
    ...(plan ? [changeLine(migration, plan)] : []),
    by ? `Approved by ${by}. Waiting for another approver` : migrationState(migration),
    ...(trouble ? [trouble] : []),
  ];
  return [
    section(lines.join("\n")),
    ...(warnings.length > 0 ? [context(`:warning: *Warnings*: ${warnings.join(", ")}`)] : []),
  ];
}

/** Three lines on a phone, as of a request. */
function settledCard(migration: Migration): Message {
  const { requester, cluster, id, trouble, approvals } = migration;
  const subject = `${mention(requester)} ${migrationWord(migration)} of ${code(cluster)}`;
  const state = migrationHead(migration);
  const rest = migrationRest(migration);
  const by = mentions(approvals.map((each) => each.by));
  const note = trouble ? `:warning: failing; next try ${time(trouble.retryAt)}` : rest;
  const isShown = note !== "" && (trouble !== null || linesOf(subject, phoneLine.context) === 1);
  const all = [state, subject, code(id), rest, by && `Approved by ${by}`, migrationTrouble(migration)];
  return {
    text: unformatted(all.filter(Boolean).join("\n")),
    blocks: [
      section(onOneLine(`${signOf(migration)} ${state}`, phoneLine.section)),
      context(subject),
      ...(isShown ? [context(onOneLine(note, phoneLine.context))] : []),
    ],
  };
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
  const { items, steps } = summary;
  if (kind !== "repair") {
    const moving = items.filter(({ outcome }) => outcome === "moves").length;
    return `${moving} of ${counted(items.length, "item")} can move, in ${counted(steps.length, "step")}`;
  }
  const [only, ...others] = replacements;
  const kept = items.length - replacements.length;
  const what = only && others.length === 0 ? becomes(only) : `${replacements.length} entries change`;
  return `${what}${kept > 0 ? `, ${counted(kept, "other stays", "others stay")}` : ""}`;
}

function becomes({ from, to, groups, policies }: Replacement): string {
  if (to === null) return `Deletes the entry of ${roleName(from)}`;
  const named = policies.map(({ name, namespaces }) => (namespaces ? `${name} in ${namespaces.join(", ")}` : name));
  const given = codeList([...groups, ...named], 60);
  return `${roleName(to)} gets ${given || "no groups"}`;
}

function roleName(arn: string): string {
  return code(arn.slice(arn.lastIndexOf("/") + 1).replace(/^AWSReservedSSO_/, ""), 70);
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

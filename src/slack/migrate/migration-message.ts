import type { KnownBlock } from "@slack/types";
import { isMigrationOver, type Migration, type SealedPlan, type StepSummary } from "../../access/request/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import type { Message } from "../show/message.ts";
import { code, context, cut, mentions, section, styled, time } from "../show/mrkdwn.ts";
import { asClause, droppedTexts } from "../show/words.ts";
import {
  approveMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  withdrawMigrationButton,
} from "./migration-buttons.ts";
import { migrationState, migrationTitle, migrationTrouble } from "./migration-words.ts";
import { itemWords } from "./plan-answer.ts";

/** Slack refuses a message of more than about 13,200 characters: each part has its share. */
const room = 4000;

const roomOfSection = 2800;

const maxItems = 10;

const maxSteps = 20;

/** The first post, changed into the message below. It has no button and says nothing that can become untrue. */
export function openingMigrationMessage(migration: Migration): Message {
  const title = migrationTitle(migration);
  const note = `Migration ${code(migration.id)}. If no state appears here, look for a newer message.`;
  return { text: title, blocks: [section(`*${title}*`), context(note)] };
}

/** The message in the cluster's channel through the whole life of a migration. A pure function of the record. */
export function migrationMessage(migration: Migration): Message {
  return {
    text: `${migrationTitle(migration)}: ${migrationState(migration)}`,
    blocks: [...migrationBlocks(migration), ...buttonBlocks(migration)],
  };
}

/** The request, the plan with its steps, and the state: every approver sees the same. */
export function migrationBlocks(migration: Migration): KnownBlock[] {
  const trouble = migrationTrouble(migration);
  return [
    section(`*${migrationTitle(migration)}*\n${code(migration.id)}, asked ${time(migration.createdAt)}`),
    ...migrationPlanBlocks(migration),
    ...voidedBlocks(migration),
    ...(migration.state === "pending"
      ? droppedTexts(migration.dropped).map((text) => section(`:warning: ${text}`))
      : []),
    section(migrationState(migration)),
    ...(trouble ? [section(trouble)] : []),
  ];
}

function voidedBlocks({ voided, state }: Migration): KnownBlock[] {
  if (!voided || state !== "pending") return [];
  return [
    section(
      `:warning: The approvals by ${mentions(voided.by)} no longer count: ${asClause(voided.message, 400)}. Decide again.`,
    ),
  ];
}

/** The digest in the button binds the click to the plan in this message. */
function buttonBlocks(migration: Migration): KnownBlock[] {
  const { id, plan, trouble } = migration;
  if (isMigrationOver(migration) || !plan) return [];
  const retry = trouble ? [retryMigrationButton(migration)] : [];
  const elements =
    migration.state === "pending"
      ? [approveMigrationButton(migration), denyMigrationButton(migration), withdrawMigrationButton(migration)]
      : [...retry, withdrawMigrationButton(migration)];
  return [{ type: "actions", block_id: `migration-${id}-${plan.digest.slice(0, 12)}`, elements }];
}

/** The items of aws-auth while a decision is open, and the steps with a mark for each proved one. */
function migrationPlanBlocks(migration: Migration): KnownBlock[] {
  const { plan } = migration;
  if (!plan || (isMigrationOver(migration) && migration.done.length === 0)) return [];
  const steps = stepLines(migration, plan);
  const shownSteps = fitting(steps, maxSteps);
  const stepBlocks = chunks(shownSteps).map(section);
  if (migration.state !== "pending") return stepBlocks;
  const { items, keptBecause } = plan.summary;
  const listed = items
    .filter(({ outcome }) => outcome !== "creator" && outcome !== "dead")
    .map((item) => cut(itemWords(item), 600));
  const shown = fitting(listed, maxItems);
  const left = listed.length - shown.length + steps.length - shownSteps.length;
  return [...shown.map(section), ...stepBlocks, ...keptBlocks(keptBecause), context(lastWords(plan, left, migration))];
}

function stepLines({ done, begun, state }: Migration, { summary }: SealedPlan): readonly string[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.map((step) => stepLine(step, states.get(step.name) ?? "·", state === "pending"));
  return [...before.slice(-maxSteps / 2), ...lines];
}

function stepLine({ does, undo }: StepSummary, state: string, toDecide: boolean): string {
  const back = toDecide ? `\n      Undo: ${styled(undo, 160)}` : "";
  return `${state} ${styled(does, 300)}${back}`;
}

function fitting(lines: readonly string[], most: number): readonly string[] {
  let left = room;
  const first = lines.findIndex((line) => {
    left -= line.length + 1;
    return left < 0;
  });
  return lines.slice(0, first === -1 ? most : Math.min(first, most));
}

/** Lines that fit into one section each. */
function chunks(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < roomOfSection) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts;
}

function keptBlocks(keptBecause: string | null): KnownBlock[] {
  return keptBecause ? [section(`:warning: aws-auth stays as it is. ${styled(keptBecause)}`)] : [];
}

function lastWords({ digest }: SealedPlan, left: number, { cluster, kind }: Migration): string {
  // A repair has each replacement in its first lines.
  const where = kind === "repair" ? "these entries stay" : `see ${code(`/eks-access migrate ${cluster}`)}`;
  const more = left > 0 ? ` ${counted(left, "line")} not shown: ${where}.` : "";
  return `Plan ${code(digest.slice(0, 12))}. An approval covers all of it.${more}`;
}

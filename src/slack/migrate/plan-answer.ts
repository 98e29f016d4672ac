import type { Button, KnownBlock } from "@slack/types";
import type { ChainedEvent } from "../../access/audit-event.ts";
import {
  type DoneStep,
  type ItemSummary,
  isMigrationOver,
  type Migration,
  type MigrationSummary,
  replaceEntryStep,
  type SealedPlan,
  type StepSummary,
} from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { MigrationAct } from "../../access/policy/permissions.ts";
import { counted } from "../../diagnosis/link.ts";
import { timelineText } from "../look/status-answer.ts";
import { detailsButton } from "../show/buttons.ts";
import { joinedLines, type Message, messageOf, onlyAnswer } from "../show/message.ts";
import { actions, code, context, cut, mention, plainLine, section, styled, time } from "../show/mrkdwn.ts";
import { droppedTexts, voidedText } from "../show/words.ts";
import {
  approveMigrationButton,
  askMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  stopMigrationButton,
} from "./migration-buttons.ts";
import { migrationState, migrationTitle, migrationTrouble, migrationWord, modeWords } from "./migration-words.ts";

/** An answer has room for 50 blocks; the command line shows all. */
const maxItems = 25;
const maxSteps = 12;

const marks: Readonly<Record<ItemSummary["outcome"], string>> = {
  moves: "→",
  "has-entry": "✓",
  nodes: "–",
  creator: "–",
  waits: ":hourglass_flowing_sand:",
  stays: "✗",
  unmatched: "–",
};

/** `migrate <cluster>`: the future of each item of aws-auth, and the steps in order. */
export function migrationAnswer(
  cluster: Cluster,
  plan: MigrationSummary,
  { paths, open }: { readonly paths: readonly string[]; readonly open: Migration | null },
): Message {
  const { mode, items, steps, keptBecause, before, digest } = plan;
  const moving = items.filter(({ outcome }) => outcome === "moves").length;
  const head = `*From aws-auth to access entries: ${code(cluster.name)}*, mode ${code(mode)}\n${counted(moving, "item")} of ${items.length} can move, in ${counted(steps.length, "step")}. Nothing changes yet.`;
  const left = Math.max(0, items.length - maxItems) + Math.max(0, steps.length - maxSteps);
  const whole = `${code(`eks-access migrate ${cluster.name}`)} in the worker's environment shows all.`;
  return messageOf([
    section(head),
    ...items
      .slice(0, maxItems)
      .map((item) => section(`${itemHead(item)}\n      ${styled(item.sentences.join(" "), 900)}`)),
    ...steps.slice(0, maxSteps).map((step, index) => section(stepWords(step, index))),
    ...keptBlocks(keptBecause),
    context(`${modeWords(before.length)}.`),
    ...(open ? [context(`${code(open.id)} of ${mention(open.requester)} is open: ${migrationState(open)}.`)] : []),
    ...(steps.length > 0 && !open ? askBlocks(cluster, paths) : []),
    context(`Plan ${code(digest.slice(0, 12))}. ${left > 0 ? `${counted(left, "line")} not shown. ` : ""}${whole}`),
  ]);
}

/** Null: the given ARNs do not fit into a button, so the person types them again. */
function askBlocks({ name }: Cluster, paths: readonly string[]): KnownBlock[] {
  const button = askMigrationButton(name, paths);
  if (button) return [{ type: "actions", elements: [button] }];
  return [context(`To request it: ${code(`/eks-access migrate ${name} ask`)} with the same ARNs.`)];
}

function itemHead({ place, arn, outcome }: ItemSummary): string {
  return `${marks[outcome]} ${code(arn, 640)} (${plainLine(place, 100)})`;
}

function stepWords({ does, proof, undo }: StepSummary, index: number): string {
  return `*${index + 1}.* ${styled(does, 900)}\n      Proof: ${styled(proof, 300)}\n      Undo: ${styled(undo, 300)}`;
}

export function mayNotPlanAnswer({ name }: Cluster): Message {
  return onlyAnswer(`approvers of ${code(name)} and its on-call`);
}

const buttonOf: Readonly<Record<MigrationAct, (migration: Migration) => Button>> = {
  approve: approveMigrationButton,
  deny: denyMigrationButton,
  retry: retryMigrationButton,
  stop: stopMigrationButton,
};

/** Each has its proof; older ones are in the thread. */
const maxProofs = 5;

interface MigrationStatus {
  readonly migration: Migration;
  readonly events: readonly ChainedEvent[];
  readonly acts: readonly MigrationAct[];
}

export function migrationStatusAnswer({ migration, events, acts }: MigrationStatus, place: Place = "message"): Message {
  const isWhole = showsWholePlan(migration, place);
  const elements = [
    ...(place === "view" || isWhole || !acts.includes("approve") ? [] : [detailsButton(migration)]),
    ...acts.filter((act) => act !== "approve" || isWhole).map((act) => buttonOf[act](migration)),
  ];
  return messageOf([
    ...migrationBlocks(migration, place),
    ...(migration.state === "pending"
      ? [context(`Expires ${time(migration.expiresAt)}.`)]
      : proofBlocks(migration.done)),
    section(`*What happened*\n${timelineText(events, 1500, migrationWord(migration))}`),
    ...(elements.length > 0 ? [actions(`migration-status-${migration.id}`, elements)] : []),
  ]);
}

function proofBlocks(done: readonly DoneStep[]): KnownBlock[] {
  if (done.length === 0) return [];
  const lines = done
    .slice(-maxProofs)
    .map(({ name, at, proof }) => `✓ ${code(name, 100)} ${time(at)}: ${styled(proof.join(" "), 400)}`);
  const title = done.length > lines.length ? `*Proved*, the last ${lines.length} of ${done.length} steps` : "*Proved*";
  return [section(`${title}\n${lines.join("\n")}`)];
}

const longestSection = 3000;
/** Characters of a sentence before it is escaped, which can make five of one. */
const roomOfPart = 500;
/** The sections of a plan: a message has some 13,200 characters in all, and a view 100 blocks. */
const roomOfPlan = { message: 2, view: 70 } as const;
export type Place = keyof typeof roomOfPlan;

/** The request, the plan and the state: the same for every approver. */
export function migrationBlocks(migration: Migration, place: Place): KnownBlock[] {
  const { state, voided, dropped } = migration;
  const trouble = migrationTrouble(migration);
  return [
    section(`*${migrationTitle(migration)}*\n${code(migration.id)}, asked ${time(migration.createdAt)}`),
    ...migrationPlanBlocks(migration, place),
    ...(voided && state === "pending" ? [section(`:warning: ${voidedText(voided)}`)] : []),
    ...(state === "pending" ? droppedTexts(dropped).map((text) => section(`:warning: ${text}`)) : []),
    section(migrationState(migration)),
    ...(trouble ? [section(trouble)] : []),
  ];
}

/** The items of aws-auth while a decision is open, and the steps with a mark for each proved one. */
function migrationPlanBlocks(migration: Migration, place: Place): KnownBlock[] {
  const { plan, state, done, unmade } = migration;
  if (!plan || (isMigrationOver(migration) && done.length === 0 && !unmade)) return [];
  const texts = planTexts(migration, plan);
  const shown = texts.slice(0, roomOfPlan[place]).map((text) => section(cut(text, longestSection)));
  if (state !== "pending") return shown;
  return [...shown, ...keptBlocks(plan.summary.keptBecause), context(lastWords(plan, isWhole(texts, place), place))];
}

/** Whether an approver reads the whole plan there: otherwise they can't approve it there (law 4). */
export function showsWholePlan(migration: Migration, place: Place): boolean {
  return migration.plan !== null && isWhole(planTexts(migration, migration.plan), place);
}

function isWhole(texts: readonly string[], place: Place): boolean {
  return texts.length <= roomOfPlan[place] && texts.every(({ length }) => length <= longestSection);
}

function planTexts(migration: Migration, plan: SealedPlan): readonly string[] {
  const items = migration.state === "pending" ? plan.summary.items : [];
  const listed = items.filter(({ outcome }) => outcome !== "creator" && outcome !== "unmatched");
  return joinedLines([...listed.flatMap(itemLines), ...stepLines(migration, plan)], longestSection);
}

function itemLines(item: ItemSummary): readonly string[] {
  const [first = "", ...others] = parts(item.sentences.join(" "));
  return [`${itemHead(item)}\n      ${first}`, ...others.map(indented)];
}

function stepLines({ done, begun, state, unmade }: Migration, { summary }: SealedPlan): readonly string[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  if (unmade) states.set(replaceEntryStep(unmade), ":warning:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.flatMap((step) => linesOfStep(step, states.get(step.name) ?? "·", state === "pending"));
  return [...before, ...lines];
}

function linesOfStep({ does, undo }: StepSummary, state: string, toDecide: boolean): readonly string[] {
  const [first = "", ...others] = parts(does);
  return [`${state} ${first}`, ...others.map(indented), ...(toDecide ? parts(`Undo: ${undo}`).map(indented) : [])];
}

const indented = (text: string) => `      ${text}`;

/** A text in parts that each fit into a section, if it has spaces, however much of it is escaped. */
function parts(text: string): readonly string[] {
  return joinedLines(text.split(" "), roomOfPart, " ").map((part) => styled(part, Number.POSITIVE_INFINITY));
}

function keptBlocks(keptBecause: string | null): KnownBlock[] {
  return keptBecause ? [section(`:warning: aws-auth stays as it is. ${styled(keptBecause)}`)] : [];
}

function lastWords({ digest }: SealedPlan, whole: boolean, place: Place): string {
  const plan = `Plan ${code(digest.slice(0, 12))}.`;
  if (whole) return `${plan} An approval covers all of it.`;
  return place === "message"
    ? `${plan} Press *Details* to read and approve it.`
    : `${plan} Too long to approve: remove items from aws-auth, then ask again.`;
}

import type { KnownBlock } from "@slack/types";
import { migrationIdOf, migrationNumber, replaceEntryStep } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { isHeld } from "../../access/request.ts";
import { absentRemedy, goingRemedy, immutableRemedy, modeFinding, spaceLeft } from "../../diagnosis/cluster-links.ts";
import { counted } from "../../diagnosis/link.ts";
import { countWords, fewerKinds, type GroupedProblems, type ProblemGroup } from "../../diagnosis/problems.ts";
import {
  type BindingsReport,
  type CheckReport,
  checkReport,
  type DocumentReport,
  type EntriesReport,
  type LeaversReport,
} from "../../diagnosis/reports.ts";
import { askWorker, type Command, type SlackContext } from "../app/context.ts";
import { unmadeText } from "../migrate/migration-words.ts";
import { revokeButton } from "../show/buttons.ts";
import { type Message, messageOf } from "../show/message.ts";
import { code, codeList, context, cut, mention, section, sectionWith, styled, until } from "../show/mrkdwn.ts";
import { aboutCluster, notFoundOutAnswer, noWorkerAnswer } from "./about-cluster.ts";

const marks = { error: "✗", warning: ":warning:", notice: "–" } as const;

/** More types than EKS has today. */
const maxTypes = 10;

const unknownBindings = "Not checked: unbound groups.";

const unreadWords = "This cluster does not read aws-auth.";

const wholeDocument = code("kubectl -n kube-system get configmap aws-auth -o yaml | eks-access check -");

const immutableWarning = `It is immutable. ${immutableRemedy}`;

const goingWarning = `It is being deleted. ${goingRemedy}`;

export const check: Command = {
  word: "check",
  usage: "<cluster>",
  summary: "checks who gets in, and lists each problem with its fix",
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, async (cluster, isResponsible) => {
      const question = { type: "check", cluster: cluster.name, user, isResponsible } as const;
      const report = await askWorker(context, question, checkReport);
      if (!report) return noWorkerAnswer();
      if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
      const { blocks } = checkAnswer(cluster, report);
      if (!isResponsible) return messageOf(blocks);
      const [leavers, unmade] = await Promise.all([
        leaverBlocks(context, cluster, report.leavers),
        unmadeBlocks(context, cluster),
      ]);
      return messageOf([...blocks, ...unmade, ...leavers]);
    }),
};

/** One more does not fit beside the rest, and each costs two rounds of approvals. */
const maxUnmade = 3;

/** Access entries that a repair deleted, and neither it nor a later one made again. */
async function unmadeBlocks({ ledger }: SlackContext, { name }: Cluster): Promise<KnownBlock[]> {
  const made = new Set<string>();
  const left: KnownBlock[] = [];
  let repair = await ledger.migrations.latestOf(name);
  while (repair && left.length < maxUnmade) {
    const { id, unmade, done } = repair;
    const text = `:warning: *${code("entry-deleted")}* ${code(id)}: ${unmadeText(code(unmade ?? ""), name, unmade)}.`;
    if (unmade !== undefined && !made.has(replaceEntryStep(unmade))) left.push(section(text));
    for (const step of [...done.map((each) => each.name), ...(unmade ? [replaceEntryStep(unmade)] : [])])
      made.add(step);
    const number = migrationNumber(repair) - 1;
    repair = number > 0 ? await ledger.migrations.get(migrationIdOf(name, number)) : null;
  }
  return left;
}

/** More people than have leases in one cluster; each can cost a call to Slack. */
const maxPeople = 50;
/** More rows do not fit beside the worker's report. */
const maxLeavers = 5;

/** The leases of people who left Slack, which only this process can ask, or IAM Identity Center, which only a worker can. */
async function leaverBlocks(
  { ledger, directory }: SlackContext,
  { name }: Cluster,
  { found: gone, notCompared }: LeaversReport,
): Promise<KnownBlock[]> {
  const leased = (await ledger.leasedOf(name)).filter(isHeld);
  const people = [...new Set(leased.map(({ requester }) => requester))].slice(0, maxPeople);
  const accounts = await Promise.all(people.map((user) => directory.accountOf(user).catch(() => null)));
  const left = new Set(people.filter((_, index) => accounts[index] === "deactivated"));
  const why = new Map(gone.map(({ id, message }) => [id, message]));
  const found = leased.filter(({ id, requester }) => left.has(requester) || why.has(id));
  const more = found.length - maxLeavers;
  const unknown = accounts.includes(null) ? "Not checked: who left Slack." : null;
  return [
    ...found.slice(0, maxLeavers).map((request) => leaverBlock(request, why.get(request.id))),
    ...(more > 0 ? [context(`${more} more leases of people who left.`)] : []),
    ...[unknown, notCompared && styled(notCompared, 400)].flatMap((words) => (words ? [context(words)] : [])),
  ];
}

/** @param why Identity Center's answer; absent: they left Slack */
function leaverBlock(request: ApprovedRequest, why: string | undefined): KnownBlock {
  const { id, requester, level, lease, durationSeconds } = request;
  const who = mention(requester);
  const [left, of] = why ? [styled(why, 300), ` of ${who}`] : [`${who}'s Slack account is deactivated`, ""];
  const gives = `this lease${of} gives ${code(level)} ${until(lease.endsAt, durationSeconds)}`;
  const text = `:warning: *${code("lease-of-leaver")}* ${code(id)}\n${left}, and ${gives}.`;
  return sectionWith(text, revokeButton(request));
}

type Looked = Omit<Extract<CheckReport, { type: "looked" }>, "leavers">;

type CheckedDocument = Extract<DocumentReport, { type: "checked" }>;

/** Each kind of problem with its places and its fix, in the order in which the cluster reads them. */
export function checkAnswer(cluster: Cluster, { mode, document, entries, bindings }: Looked): Message {
  const head = `*Who gets in to ${code(cluster.name)}* ${styled(modeFinding(mode).detail)}`;
  const isRead = mode !== "API";
  const room = 11 - kindsOf(bindings);
  const listed = entries.type === "checked" ? { ...entries, ...fewerKinds(entries, room - 1) } : entries;
  const shown =
    document.type === "checked" ? { ...document, ...fewerKinds(document, roomBeside(listed, room)) } : document;
  const parts = [
    bindingsBlocks(cluster, bindings),
    entriesBlocks(cluster, listed),
    documentBlocks(cluster, shown, isRead),
  ];
  return messageOf([section(head), ...parts.flat()]);
}

/** The place of the bindings, in kinds of problems. */
function kindsOf(bindings: BindingsReport): number {
  return bindings.type === "checked" ? bindings.groups.length + 1 : bindings.type === "failed" ? 1 : 0;
}

/** How many kinds of problems of the document fit beside the rest. @param room for it and the entries */
function roomBeside(entries: EntriesReport, room: number): number {
  if (entries.type === "none") return room;
  return Math.max(0, entries.type === "failed" ? room - 2 : room - 1 - entries.groups.length);
}

function documentBlocks(cluster: Cluster, document: DocumentReport, isRead: boolean): KnownBlock[] {
  if (document.type === "checked") return checkedBlocks(cluster, document, isRead);
  if (document.type === "absent") return [section(absentWords(cluster, isRead))];
  const unread = isRead ? "" : ` ${unreadWords}`;
  const head = `*aws-auth of ${code(cluster.name)}*`;
  return [section(`:warning: Couldn't read ${head}. ${styled(document.message, 1200)}${unread}`)];
}

function checkedBlocks(cluster: Cluster, checked: CheckedDocument, isRead: boolean): KnownBlock[] {
  const head = `*aws-auth of ${code(cluster.name)}* ${verdictOf(checked)}\n${sizeWords(checked)}`;
  return [
    section(head),
    ...warningsOf(checked, isRead).map((warning) => section(`:warning: ${warning}`)),
    ...problemBlocks(checked, `; ${wholeDocument} shows all.`),
    ...(checked.knowsBindings ? [] : [context(unknownBindings)]),
    ...writersOf(checked),
  ];
}

function sizeWords({ entries, bytes }: CheckedDocument): string {
  const kibibytes = Math.ceil(bytes / 1024).toLocaleString("en");
  return `${counted(entries, "entry", "entries")}; ${kibibytes} KiB of 1,024 KiB (${spaceLeft(bytes).percent} % left)`;
}

function warningsOf({ immutable, isBeingDeleted }: CheckedDocument, isRead: boolean): string[] {
  if (!isRead) return [unreadWords];
  return [...(isBeingDeleted ? [goingWarning] : []), ...(immutable ? [immutableWarning] : [])];
}

/** Terraform, a GitOps controller or an editor: these can revert our writes. */
function writersOf({ writers }: CheckedDocument) {
  if (writers.length === 0) return [];
  const words = writers.map(({ manager, sections }) => `${code(manager, 60)} (${codeList(sections, 120)})`).join(", ");
  return [context(`May revert changes: ${words}`)];
}

function absentWords(cluster: Cluster, isRead: boolean): string {
  const absent = `${code(cluster.name)} has no ConfigMap ${code("aws-auth")} in ${code("kube-system")}`;
  if (!isRead) return `– ${absent}, and does not need one.`;
  return `✗ ${absent}. ${absentRemedy(cluster)}`;
}

/** Empty: no level binds roles. */
function bindingsBlocks(cluster: Cluster, bindings: BindingsReport): KnownBlock[] {
  if (bindings.type === "none") return [];
  const head = `*bindings of ${code(cluster.name)}*`;
  if (bindings.type === "failed") return [section(`:warning: Couldn't read ${head}. ${styled(bindings.message, 600)}`)];
  return [
    section(`${head} ${verdictOf(bindings)}\n${counted(bindings.bindings, "binding of leases", "bindings of leases")}`),
    ...problemBlocks(bindings, "."),
  ];
}

type CheckedEntries = Extract<EntriesReport, { type: "checked" }>;

/** Empty: the mode has no access entries. */
function entriesBlocks(cluster: Cluster, entries: EntriesReport): KnownBlock[] {
  if (entries.type === "none") return [];
  const head = `*access entries of ${code(cluster.name)}*`;
  if (entries.type === "failed") return [section(`:warning: Couldn't read ${head}. ${styled(entries.message, 1200)}`)];
  return [
    section(`${head} ${verdictWords(entries)}\n${listedWords(entries)}`),
    ...unreadBlocks(entries),
    ...problemBlocks(entries, ": fix these first."),
    ...(entries.knowsBindings ? [] : [context(unknownBindings)]),
  ];
}

/** Unread entries never count as fine. */
function verdictWords(entries: CheckedEntries): string {
  return countWords(entries.counts) === "" && entries.unread > 0
    ? "– nothing to fix in what the worker read"
    : verdictOf(entries);
}

function listedWords({ listed, unread, types }: CheckedEntries): string {
  const shown = types.slice(0, maxTypes).map(({ type, count }) => `${count} ${code(type, 40)}`);
  const ofRead = unread > 0 ? ` of the ${listed - unread} that the worker read` : "";
  const words = shown.length > 0 ? `: ${shown.join(", ")}${ofRead}` : "";
  return `${counted(listed, "access entry", "access entries")}${words}`;
}

function unreadBlocks({ listed, unread, why }: CheckedEntries): KnownBlock[] {
  if (why === null) return [];
  return [section(`:warning: Couldn't read ${unread} of ${listed}. ${styled(why, 600)}`)];
}

function verdictOf({ counts }: Pick<GroupedProblems, "counts">): string {
  const found = countWords(counts) || "nothing to fix";
  return `${counts.error > 0 ? marks.error : "✓"} ${found}`;
}

/** @param whole where to see all problems */
function problemBlocks({ groups, left }: GroupedProblems, whole: string): KnownBlock[] {
  const leftOut = context(`${counted(left, "problem")} of other kinds not shown${whole}`);
  return [...groups.map((group) => section(groupWords(group))), ...(left > 0 ? [leftOut] : [])];
}

function groupWords({ code: kind, severity, count, places, message, remedy }: ProblemGroup): string {
  const more = count > places.length ? ` and ${count - places.length} more` : "";
  const others = count > 1 ? ` (the first of ${count})` : "";
  const where = cut(`${places.join(", ")}${more}`, 300);
  return `${marks[severity]} *${code(kind, 60)}* ${code(where, 320)}\n${styled(message, 350)}${others}\n      → ${styled(remedy, 250)}`;
}

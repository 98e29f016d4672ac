import { DOCUMENT_LIMIT } from "../../aws-auth/document-problems.ts";
import type { CheckSummary, ProblemGroup } from "../../diagnosis/check.ts";
import { counted } from "../../diagnosis/link.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { code, codeList, context, cut, section, told } from "../mrkdwn.ts";
import { answer } from "./answers.ts";
import type { Message } from "./message.ts";

export interface CheckedDocument extends CheckSummary {
  readonly immutable: boolean;
  readonly isBeingDeleted: boolean;
  /** Whether the cluster's authentication mode reads aws-auth at all. */
  readonly isRead: boolean;
}

const marks = { error: "✗", warning: ":warning:", notice: "–" } as const;

/** `check <cluster>`: what is wrong with the live document, kind by kind, each with its lines and how to mend it. */
export function checkAnswer(cluster: Cluster, checked: CheckedDocument): Message {
  const head = `*aws-auth of ${code(cluster.name)}* ${verdictOf(checked)}\n${sizeWords(checked)}`;
  const blocks = [
    section(head),
    ...warningsOf(checked).map((warning) => section(`:warning: ${warning}`)),
    ...checked.groups.map((group) => section(groupWords(group))),
    ...(checked.left > 0 ? [context(leftWords(checked.left))] : []),
    ...writersOf(checked),
  ];
  return { text: head, blocks };
}

function verdictOf({ counts }: CheckSummary): string {
  const { error, warning, notice } = counts;
  const found = [
    ...(error > 0 ? [counted(error, "error")] : []),
    ...(warning > 0 ? [counted(warning, "warning")] : []),
    ...(notice > 0 ? [counted(notice, "notice")] : []),
  ];
  if (found.length === 0) return "✓ nothing to mend";
  return `${error > 0 ? marks.error : "✓"} ${found.join(", ")}`;
}

function sizeWords({ entries, bytes }: CheckSummary): string {
  const left = Math.max(0, DOCUMENT_LIMIT - bytes);
  const share = Math.floor((left / DOCUMENT_LIMIT) * 100);
  return `${counted(entries, "entry", "entries")}; ${kibibytes(bytes)} of ${kibibytes(DOCUMENT_LIMIT)}, so that ${share} % are left`;
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024).toLocaleString("en")} KiB`;
}

const immutableWarning = `It is immutable: nothing can be given or taken away until a copy without ${code("immutable: true")} is put in its place with ${code("kubectl replace --force")}.`;

const goingWarning =
  "Somebody has deleted it, and only its finalizers keep it: nothing is given in it any more, and when it goes nobody whom it lets in can sign in any more. Save it, and create it anew as soon as it is gone.";

function warningsOf({ immutable, isBeingDeleted, isRead }: CheckedDocument): string[] {
  return [
    ...(isRead ? [] : [`The authentication mode is ${code("API")}: the cluster does not read this document.`]),
    ...(isBeingDeleted ? [goingWarning] : []),
    ...(immutable ? [immutableWarning] : []),
  ];
}

function groupWords({ code: kind, severity, count, places, message, remedy }: ProblemGroup): string {
  const more = count > places.length ? ` and ${count - places.length} more` : "";
  const others = count > 1 ? ` (the first of ${count})` : "";
  const where = cut(`${places.join(", ")}${more}`, 300);
  return `${marks[severity]} *${code(kind, 60)}* ${code(where, 320)}\n${told(message, 350)}${others}\n      → ${told(remedy, 250)}`;
}

function leftWords(left: number): string {
  const line = code("kubectl -n kube-system get configmap aws-auth -o yaml | eks-access check -");
  return `${counted(left, "problem")} of other kinds left out here; ${line} shows all.`;
}

/** Terraform, a GitOps controller or somebody's editor: what is written here may be reverted by them. */
function writersOf({ writers }: CheckSummary) {
  if (writers.length === 0) return [];
  const words = writers.map(({ manager, sections }) => `${code(manager, 60)} (${codeList(sections, 120)})`).join(", ");
  return [context(`Others who wrote here, and may again: ${words}`)];
}

export function absentAnswer(cluster: Cluster): Message {
  const how = cluster.createAwsAuth
    ? "The first grant creates it."
    : "Nobody but the creator can sign in through it. Create it, or let an operator set createAwsAuth for the cluster.";
  return answer(`✗ ${code(cluster.name)} has no ConfigMap ${code("aws-auth")} in ${code("kube-system")}. ${how}`);
}

import type { KnownBlock } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import { DOCUMENT_LIMIT } from "../../aws-auth/index.ts";
import type { CheckReport, DocumentReport, EntriesReport } from "../../diagnosis/check-report.ts";
import { modeFinding } from "../../diagnosis/cluster-links.ts";
import { counted } from "../../diagnosis/link.ts";
import { fewerKinds } from "../../diagnosis/problem-groups.ts";
import type { Message } from "../blocks/message.ts";
import { code, codeList, context, section, told } from "../blocks/mrkdwn.ts";
import { entriesBlocks } from "./check-entries.ts";
import { problemBlocks, verdictOf } from "./check-problems.ts";

type Looked = Extract<CheckReport, { type: "looked" }>;
type CheckedDocument = Extract<DocumentReport, { type: "checked" }>;

/**
 * `check <cluster>`: what decides who gets in, and what is wrong with it, kind by kind, each with its places and how to mend it.
 * What goes first in the cluster is told first.
 */
export function checkAnswer(cluster: Cluster, { mode, document, entries }: Looked): Message {
  const head = `*Who gets in to ${code(cluster.name)}* ${told(modeFinding(mode).detail)}`;
  const isRead = mode !== "API";
  const shown = document.type === "checked" ? { ...document, ...fewerKinds(document, roomBeside(entries)) } : document;
  const parts = [entriesBlocks(cluster, entries), documentBlocks(cluster, shown, isRead)];
  return { text: [head, ...parts.flatMap(verdictsOf)].join("\n"), blocks: [section(head), ...parts.flat()] };
}

/** What a part says first, for notifications and screen readers. */
function verdictsOf([first]: readonly KnownBlock[]): string[] {
  return first?.type === "section" && first.text ? [first.text.text] : [];
}

/** For how many kinds of problems of the document a message has room beside what is told of the entries. */
function roomBeside(entries: EntriesReport): number {
  if (entries.type === "none") return 11;
  return entries.type === "failed" ? 9 : 10 - entries.groups.length;
}

function documentBlocks(cluster: Cluster, document: DocumentReport, isRead: boolean): KnownBlock[] {
  if (document.type === "checked") return checkedBlocks(cluster, document, isRead);
  if (document.type === "absent") return [section(absentWords(cluster, isRead))];
  const unread = isRead ? "" : ` ${unreadWords}`;
  return [
    section(`:warning: *aws-auth of ${code(cluster.name)}* was not read. ${told(document.message, 1200)}${unread}`),
  ];
}

function checkedBlocks(cluster: Cluster, checked: CheckedDocument, isRead: boolean): KnownBlock[] {
  const head = `*aws-auth of ${code(cluster.name)}* ${verdictOf(checked)}\n${sizeWords(checked)}`;
  return [
    section(head),
    ...warningsOf(checked, isRead).map((warning) => section(`:warning: ${warning}`)),
    ...problemBlocks(checked, `; ${wholeDocument} shows all.`),
    ...writersOf(checked),
  ];
}

const unreadWords = "It decides nothing here: the cluster does not read it.";

const wholeDocument = code("kubectl -n kube-system get configmap aws-auth -o yaml | eks-access check -");

function sizeWords({ entries, bytes }: CheckedDocument): string {
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

/** What keeps a document that nobody reads from being written, or from staying, is nobody's trouble. */
function warningsOf({ immutable, isBeingDeleted }: CheckedDocument, isRead: boolean): string[] {
  if (!isRead) return [unreadWords];
  return [...(isBeingDeleted ? [goingWarning] : []), ...(immutable ? [immutableWarning] : [])];
}

/** Terraform, a GitOps controller or somebody's editor: what is written here may be reverted by them. */
function writersOf({ writers }: CheckedDocument) {
  if (writers.length === 0) return [];
  const words = writers.map(({ manager, sections }) => `${code(manager, 60)} (${codeList(sections, 120)})`).join(", ");
  return [context(`Others who wrote here, and may again: ${words}`)];
}

function absentWords(cluster: Cluster, isRead: boolean): string {
  const absent = `${code(cluster.name)} has no ConfigMap ${code("aws-auth")} in ${code("kube-system")}`;
  if (!isRead) return `– ${absent}, and would not read it.`;
  const how = cluster.createAwsAuth
    ? "The first grant creates it."
    : "Nobody but the creator can sign in through it. Create it, or let an operator set createAwsAuth for the cluster.";
  return `✗ ${absent}. ${how}`;
}

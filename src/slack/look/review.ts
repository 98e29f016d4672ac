import type { AccessRow, ReviewSummary } from "../../access/access-review.ts";
import { formatDuration, parseDuration } from "../../access/ask/duration.ts";
import { readAccessReview } from "../../ledger/verify-audit-log.ts";
import type { Command, SlackContext } from "../app/context.ts";
import { answer, failureAnswer, type Message, messageOf, onlyResponsibleAnswer } from "../show/message.ts";
import { code, mention, mentions, plainLine, section, time } from "../show/mrkdwn.ts";
import { clustersSeenBy } from "./overview.ts";

const usualSeconds = 30 * 86_400;
/** Each reads the whole log: one at a time, for all processes together. */
const betweenMs = 10_000;
/** More rows do not fit into one Slack message; the CSV has all. */
const maxRows = 20;
const rowsInSection = 5;

export const review: Command = {
  word: "review",
  usage: "[<cluster>] [<time>]",
  summary: "shows who had which access, who approved and who reviewed it; the CSV has all",
  forApprovers: true,
  run: async (context, { user, rest }) => {
    const seen = await clustersSeenBy(context, user);
    if (seen.length === 0) return onlyResponsibleAnswer(`${code("/eks-access list")} shows your access.`);
    const question = readQuestion(rest.toLowerCase(), seen);
    return typeof question === "string" ? answer(question) : readReview(context, question);
  },
};

type ReviewQuestion = { readonly clusters: readonly string[]; readonly seconds: number };

function readQuestion(rest: string, seen: readonly string[]): ReviewQuestion | string {
  const words = rest.split(" ").filter((word) => word !== "" && word !== "since");
  const named = words.filter((word) => seen.includes(word));
  const others = words.filter((word) => !seen.includes(word)).join(" ");
  const seconds = others === "" ? usualSeconds : parseDuration(others);
  if (seconds === null || named.length > 1) {
    return `Name a cluster and a time, such as ${code(`/eks-access review ${seen[0]} 30d`)}.`;
  }
  return { clusters: named.length > 0 ? named : seen, seconds };
}

async function readReview(context: SlackContext, question: ReviewQuestion): Promise<Message> {
  const { auditLog, ledger, keys } = context;
  if (!(await ledger.takeTurn("review", betweenMs))) return answer("Another review just ran. Try again in a minute.");
  const to = context.now();
  const from = new Date(to.getTime() - question.seconds * 1000);
  const scope = { from, to, clusters: question.clusters };
  const found = await readAccessReview(auditLog, () => keys.preview, scope, maxRows);
  if ("type" in found) return failureAnswer(`No review: the audit log is broken. ${found.message}`);
  return reviewAnswer(found, question, from);
}

/** The newest rows of `audit review`, and the command that prints all as CSV. */
export function reviewAnswer(found: ReviewSummary, { clusters, seconds }: ReviewQuestion, from: Date): Message {
  const { rows, count, people } = found;
  const where = clusters.length === 1 ? code(clusters.join()) : `your ${clusters.length} clusters`;
  const all = `${count} ${count === 1 ? "lease" : "leases"} of ${people} ${people === 1 ? "person" : "people"}`;
  const text = `Access on ${where} in the last ${formatDuration(seconds)}: ${count === 0 ? "none" : all}.`;
  const shown = rows.toReversed().slice(0, maxRows).map(rowText);
  const left = count - shown.length;
  const only = clusters.length === 1 ? ` --cluster ${clusters.join()}` : "";
  const csv = code(`eks-access audit review --from ${from.toISOString().slice(0, 10)}${only}`);
  return messageOf([
    section(`*${text}*`),
    ...Array.from({ length: Math.ceil(shown.length / rowsInSection) }, (_, index) =>
      section(shown.slice(index * rowsInSection, (index + 1) * rowsInSection).join("\n")),
    ),
    section(`${left > 0 ? `${left} older ${left === 1 ? "one" : "ones"} not shown. ` : ""}All as CSV: ${csv}`),
  ]);
}

function rowText(row: AccessRow): string {
  const { request, requester, askedBy, level, cluster, began, ended, reason } = row;
  const until = ended === "" ? "until now" : `to ${time(ended)}`;
  return [
    `• ${requester === "" ? "unknown" : mention(requester)}: ${code(level, 60)} on ${code(cluster)}, ${time(began)} ${until} (${code(request, 40)})`,
    ...(askedBy === "" ? [] : [`asked by ${mention(askedBy)}`]),
    decidedText(row),
    ...(reason === "" ? [] : [plainLine(reason, 80)]),
  ].join("; ");
}

function decidedText({ approvedBy, emergency, reviewedBy }: AccessRow): string {
  const reviewed = reviewedBy === "" ? "not reviewed" : `reviewed by ${mention(reviewedBy)}`;
  if (emergency !== "") return `*emergency*, ${reviewed}`;
  return approvedBy === "" ? "approvals unknown" : `approved by ${mentions(approvedBy.split(" "), 5)}`;
}

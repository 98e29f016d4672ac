import type { AuditEvent, ChainedEvent, EventType } from "../../access/audit/event.ts";
import { code, mention, plainLine, time } from "../blocks/mrkdwn.ts";

/** What each event says happened. The detail of an event is not repeated where the record has it. */
const happened: Readonly<Record<EventType, string>> = {
  "request.created": "asked",
  "request.previewed": "looked at the cluster",
  "request.delayed": "could not look at the cluster yet",
  "request.reminded": "reminded the approvers",
  "request.refused": "refused it",
  "preview.refused": "did not believe the preview: the worker looks again",
  "preview.outdated": "found the preview out of date: another lease of the principal has begun or ended",
  "approval.given": "approved it, with others to follow",
  "request.approved": "approved it",
  "request.denied": "denied it",
  "request.cancelled": "took it back",
  "request.lapsed": "let it lapse",
  "approval.given-to-self": "approved it for themselves, with others to follow",
  "request.self-approved": "approved it for themselves, as the policy lets them",
  "emergency.taken": "broke the glass",
  "emergency.unreviewed": "told that nobody has reviewed it",
  "emergency.reviewed": "reviewed it",
  "approval.dropped": "dropped an approval",
  "approval.void": "found the approval void",
  "lease.writing": "began to write",
  "lease.active": "proved it: active",
  "lease.signed-in": "tried to sign in as the principal",
  "lease.sign-in-delayed": "could not sign in as the principal yet",
  "lease.rights-asked": "asked the API server what the access allows",
  "lease.rights-delayed": "got no answer from the API server yet",
  "lease.delayed": "could not apply it yet",
  "lease.warned": "told that it ends soon",
  "lease.drifted": "found it not in force",
  "lease.repaired": "found it in force again",
  "lease.recovered": "read it from the cluster's own memory",
  "lease.replayed": "refused it: its approval had been taken back, and a record of before was put back",
  "lease.failed": "gave it up",
  "lease.ending": "began to take it away",
  "lease.ended": "took it away",
  "migration.asked": "asked for a migration",
  "migration.planned": "planned a migration",
  "migration.refused": "refused a migration",
  "migration.reminded": "reminded the approvers of a migration",
  "migration.approved": "approved the plan of a migration",
  "migration.denied": "denied a migration",
  "migration.withdrawn": "stopped a migration",
  "migration.lapsed": "let a migration lapse",
  "migration.approval-dropped": "dropped an approval of a migration",
  "migration.void": "found the approvals of a migration void",
  "migration.begun": "began a step of a migration",
  "migration.stepped": "carried out a step of a migration",
  "migration.undone": "found a step of a migration not carried out, or took it back",
  "migration.settling": "waits before anything goes out of aws-auth",
  "migration.delayed": "could not go on with a migration yet",
  "migration.retried": "had a migration tried again",
  "migration.done": "carried out a migration",
  "rescue.mode-switched": "switched the authentication mode to API_AND_CONFIG_MAP",
  "rescue.writing": "began to write aws-auth",
  "rescue.mended": "mended aws-auth",
  "link.made": "linked a principal",
  "link.proposed": "asked to be linked",
  "link.confirmed": "confirmed a link",
  "link.refused": "refused a link",
  "record.unreadable": "could not read the record in Redis, and left it alone",
  "annotation.refused": "did not believe the cluster's own memory",
  "decision.refused": "was refused a decision",
  "attempt.refused": "was refused an attempt",
};

/** What happened to a request, one line for each event with its number in the audit log; in at most so many characters. */
export function timelineText(events: readonly ChainedEvent[], maxLength: number): string {
  const lines = events.map(lineOf);
  const [first = "", ...others] = lines;
  let room = maxLength - first.length - 40;
  const last: string[] = [];
  for (const line of others.toReversed()) {
    room -= line.length + 1;
    if (room < 0) break;
    last.unshift(line);
  }
  const left = others.length - last.length;
  return [first, ...(left > 0 ? [`… ${left} more …`] : []), ...last].join("\n");
}

function lineOf({ sequence, event }: ChainedEvent): string {
  return `${code(`#${sequence}`)} ${time(event.at)} ${mention(event.actor)} ${happened[event.type]}${detailOf(event)}`;
}

/** The reason that somebody gave, the step of a move, or the code of what went wrong. */
function detailOf({ type, detail }: AuditEvent): string {
  if (type === "lease.rights-asked") return typeof detail.authorized === "string" ? `: ${detail.authorized}` : "";
  if (type === "lease.signed-in") return typeof detail.signedIn === "string" ? `: ${detail.signedIn}` : "";
  if (typeof detail.approver === "string")
    return `: that of ${mention(detail.approver)}, ${plainLine(String(detail.why))}`;
  const { why, code: failure, attempts, act, step } = detail;
  const tried = typeof attempts === "number" && attempts > 1 ? `, try ${attempts}` : "";
  const what = typeof act === "string" ? `${code(act, 60)}: ` : "";
  if (typeof failure === "string") return ` (${what}${code(failure, 60)}${tried})`;
  if (typeof step === "string") return `: ${code(step, 200)}`;
  return typeof why === "string" && why !== "" ? `: ${plainLine(why, 200)}` : "";
}

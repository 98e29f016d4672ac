import type { AuditEvent, ChainedEvent, EventType } from "../../access/audit-event.ts";
import { code, mention, plainLine, time } from "./mrkdwn.ts";

const happened: Readonly<Record<EventType, string>> = {
  "request.created": "asked",
  "request.previewed": "checked the cluster",
  "request.delayed": "could not check the cluster yet",
  "request.reminded": "reminded the approvers",
  "request.refused": "refused it",
  "preview.refused": "rejected the preview; the worker checks again",
  "preview.outdated": "found the preview outdated: another lease of the principal began or ended",
  "approval.given": "approved it; more approvals needed",
  "request.approved": "approved it",
  "request.denied": "denied it",
  "request.cancelled": "cancelled it",
  "request.expired": "expired it without a decision",
  "approval.given-to-self": "approved their own request; more approvals needed",
  "request.self-approved": "approved their own request, as the policy allows",
  "emergency.taken": "took emergency access",
  "emergency.unreviewed": "asked again for a review",
  "emergency.reviewed": "reviewed it",
  "approval.dropped": "dropped an approval that no longer counts",
  "approval.void": "found that the approval no longer counts",
  "lease.writing": "started to apply it",
  "lease.active": "proved it: active",
  "lease.signed-in": "tested signing in as the principal",
  "lease.sign-in-delayed": "could not test the sign-in yet",
  "lease.rights-asked": "asked the API server what the access allows",
  "lease.rights-delayed": "got no answer from the API server yet",
  "lease.delayed": "could not apply it yet",
  "lease.warned": "warned that it ends soon",
  "lease.drifted": "found access lost",
  "lease.repaired": "found access restored",
  "lease.recovered": "restored it from the cluster's own memory",
  "lease.replayed": "refused it: an old copy of this request was restored into Redis",
  "lease.failed": "gave up",
  "lease.ending": "started to end it",
  "lease.ended": "removed it",
  "migration.asked": "asked for a migration",
  "migration.planned": "planned a migration",
  "migration.refused": "refused a migration",
  "migration.reminded": "reminded the approvers of a migration",
  "migration.approved": "approved the plan of a migration",
  "migration.denied": "denied a migration",
  "migration.stopped": "stopped a migration",
  "migration.expired": "expired a migration without a decision",
  "migration.approval-dropped": "dropped an approval of a migration",
  "migration.void": "found that the approvals of a migration no longer count",
  "migration.begun": "started a step of a migration",
  "migration.stepped": "completed a step of a migration",
  "migration.undone": "undid a migration step, or found it undone",
  "migration.settling": "waits before removing anything from aws-auth",
  "migration.delayed": "could not continue a migration yet",
  "migration.retried": "retried a migration",
  "migration.done": "completed a migration",
  "rescue.mode-switched": "switched the authentication mode to API_AND_CONFIG_MAP",
  "rescue.writing": "started to write aws-auth",
  "rescue.repaired": "repaired aws-auth",
  "link.made": "linked a principal",
  "link.proposed": "asked for a link",
  "link.confirmed": "confirmed a link",
  "link.refused": "refused a link",
  "record.undone": "found that Redis had lost the last changes of this request",
  "record.unreadable": "could not read the record in Redis, and left it alone",
  "configuration.changed": "changed the configuration",
  "configuration.refused": "refused a configuration",
  "creator.used": "became the creator, although the cluster has an operator",
  "fleet.changed": "found a change of the fleet",
  "write.changed": "found that a webhook had changed a write",
  "annotation.refused": "rejected the cluster's own memory",
  "decision.refused": "decision blocked",
  "attempt.refused": "action blocked",
  "person.erased": "erased a person's data",
};

/** Anyone who knows an id can cause these. */
const refusals: ReadonlySet<EventType> = new Set(["attempt.refused", "decision.refused"]);

/** Where there is no room, it leaves out refused attempts first. @param plan what a migration is */
export function timelineText(
  events: readonly ChainedEvent[],
  maxLength: number,
  plan: "migration" | "repair" = "migration",
): string {
  const [first, ...others] = events;
  if (!first) return "";
  const beginning = phoneLine(first, plan);
  const isRefusal = ({ event }: ChainedEvent) => refusals.has(event.type);
  const newest = others.toReversed();
  const shown = new Map<ChainedEvent, string>();
  let room = maxLength - beginning.length - 40;
  for (const each of [...newest.filter((event) => !isRefusal(event)), ...newest.filter(isRefusal)]) {
    const line = phoneLine(each, plan);
    room -= line.length + 1;
    if (room < 0) break;
    shown.set(each, line);
  }
  const left = others.length - shown.size;
  const lines = others.flatMap((each) => shown.get(each) ?? []);
  return [beginning, ...(left > 0 ? [`… ${left} more …`] : []), ...lines].join("\n");
}

function phoneLine({ sequence, event }: ChainedEvent, plan: string): string {
  // Someone with Redis, or a newer version, can write others.
  const what = Object.hasOwn(happened, event.type) ? happened[event.type] : code(event.type, 60);
  return `${code(`#${sequence}`)} ${time(event.at)} ${mention(event.actor)} ${what.replace("migration", plan)}${detailOf(event)}`;
}

function detailOf({ type, detail }: AuditEvent): string {
  const found = type === "lease.signed-in" ? detail.signedIn : type === "lease.rights-asked" && detail.authorized;
  if (typeof found === "string") return `: ${plainLine(found, 60)}`;
  if (typeof detail.approver === "string")
    return `: that of ${mention(detail.approver)}, ${plainLine(String(detail.why))}`;
  if (type === "request.created" && typeof detail.requester === "string") return ` for ${mention(detail.requester)}`;
  const { why, code: failure, attempts, act, step } = detail;
  const tried = typeof attempts === "number" && attempts > 1 ? `, try ${attempts}` : "";
  const what = typeof act === "string" ? `${code(act, 60)}: ` : "";
  if (typeof failure === "string" && failure !== "") return ` (${what}${code(failure, 60)}${tried})`;
  if (typeof step === "string") return `: ${code(step, 200)}`;
  return typeof why === "string" && why !== "" ? `: ${plainLine(why, 200)}` : "";
}

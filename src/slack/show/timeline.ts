import { type AuditEvent, type ChainedEvent, type EventType, happened } from "../../access/audit-event.ts";
import { code, mention, plainLine, time } from "./mrkdwn.ts";

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

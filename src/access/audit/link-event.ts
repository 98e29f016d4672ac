import type { AuditEvent } from "./event.ts";

/** What happened to somebody's link: it is about no request and no cluster. `detail` names the person and the ARN. */
export function linkEvent(
  type: Extract<AuditEvent["type"], `link.${string}`>,
  actor: string,
  now: Date,
  detail: AuditEvent["detail"],
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: "", cluster: "", detail };
}

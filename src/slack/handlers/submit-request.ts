import { eventOf, recordChange } from "../../jobs/record-change.ts";
import { type AccessRequest, createRequest } from "../../request/request.ts";
import type { RequestWish } from "../../request/request-line.ts";
import type { SlackContext } from "../context.ts";

/** Puts a wish into the ledger; the worker looks at the cluster before anybody is asked. @throws AccessError */
export async function submitRequest(
  context: SlackContext,
  requester: string,
  wish: RequestWish,
  extended: string | null = null,
): Promise<AccessRequest> {
  const { cluster, level, principal, durationSeconds, reason } = wish;
  const now = context.now();
  const request = createRequest(
    {
      id: context.newRequestId(),
      requester,
      cluster: cluster.name,
      level: level.name,
      principal: principal.arn,
      groups: level.groups,
      durationSeconds,
      reason,
      extends: extended,
    },
    now,
    context.config.timing.requestLapsesAfterSeconds,
  );
  const event = eventOf("request.created", request, requester, now, {
    principal: principal.arn,
    level: level.name,
    groups: level.groups,
    durationSeconds,
    reason,
    extends: extended,
  });
  const result = await recordChange(context, request, event, now);
  // Ids are random: a conflict here means that this very id exists, so another one is drawn.
  if (result.type === "conflict") return submitRequest(context, requester, wish, extended);
  await context.ledger.linkPrincipal(requester, principal.arn);
  return request;
}

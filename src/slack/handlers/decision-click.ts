import { z } from "zod";
import { type Click, decide } from "../../approval/decide.ts";
import type { DecisionRefusal } from "../../approval/decision.ts";
import type { AuditEvent, EventType } from "../../audit/event.ts";
import { eventOf, recordChange } from "../../jobs/record-change.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { type AccessRequest, revise } from "../../request/request.ts";
import type { SlackContext } from "../context.ts";
import { failureAnswer } from "../messages/answers.ts";
import { clickAnswer, oneOfSeveralAnswer } from "../messages/decision-answers.ts";
import type { Message } from "../messages/message.ts";
import { answerClick, type ButtonClick } from "./answer-click.ts";

const decideValue = z.strictObject({ request: z.string(), digest: z.string() });

/** What a button that decides carries; null: it is none of ours. */
export function readDecideValue(value: string): z.infer<typeof decideValue> | null {
  return decideValue.safeParse(parse(value)).data ?? null;
}

/** A click on Approve: one wins, everybody else is told who was first (law 2). */
export function handleApproveButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, async () => {
    const button = readDecideValue(click.action.value ?? "");
    if (!button) return failureAnswer("There is no such request any more. Ask for it again.");
    const { request, digest } = button;
    return decideRequest(context, request, { verdict: "approved", by: click.body.user.id, digest, why: "" });
  });
}

/** Decides about a request; null: it is decided, and its message says so. @throws AccessError */
export async function decideRequest(context: SlackContext, id: string, click: Click): Promise<Message | null> {
  const request = await context.ledger.get(id);
  if (!request) return failureAnswer("There is no such request any more. Ask for it again.");
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`);
  return attempt(context, request, cluster, click);
}

/** Where somebody else wrote meanwhile, decides again on what stands there now. */
async function attempt(
  context: SlackContext,
  request: AccessRequest,
  cluster: Cluster,
  click: Click,
): Promise<Message | null> {
  const now = context.now();
  const decided = decide(request, cluster, click, context.sealKeys, now);
  if (decided.type === "refused") {
    await noteRefusal(context, request, click, decided.code, now);
    return clickAnswer(decided.code, request, cluster);
  }
  const { after } = decided;
  const event = eventOf(eventTypeOf(after), request, click.by, now, detailOf(after, click));
  const result = await recordChange(context, after, event, now);
  if (result.type === "committed") return after.state === "pending" ? oneOfSeveralAnswer(after, cluster) : null;
  return result.current ? attempt(context, result.current, cluster, click) : failureAnswer("The request is gone.");
}

/** The last approval that is needed decides; the ones before it are given. */
function eventTypeOf({ state }: AccessRequest): EventType {
  if (state === "denied") return "request.denied";
  return state === "approved" ? "request.approved" : "approval.given";
}

function detailOf(after: AccessRequest, { digest, why }: Click): AuditEvent["detail"] {
  if (after.state === "denied") return { digest, why };
  return { digest, why, approvers: after.approvals.map(({ by }) => by), wanted: after.approvalsWanted };
}

/** Somebody tried what they may not do: that goes into the audit log. Two clicks at once are no such attempt. */
async function noteRefusal(
  context: SlackContext,
  request: AccessRequest,
  click: Click,
  code: DecisionRefusal,
  now: Date,
): Promise<void> {
  if (code === "no-preview" || code === "lapsed") return;
  if (code === "already-decided" && isOfThisChange(request, click)) return;
  const event = eventOf("decision.refused", request, click.by, now, {
    code,
    verdict: click.verdict,
    digest: click.digest,
  });
  await recordChange(context, revise(request, {}), event, now);
}

/** A click that came too late, and not one on a button of an older change. */
function isOfThisChange({ approvals, denial, preview }: AccessRequest, { digest }: Click): boolean {
  return [...approvals, denial, preview].some((each) => each?.digest === digest);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

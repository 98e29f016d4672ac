import { createHmac } from "node:crypto";
import { AccessError } from "../access/access-error.ts";
import type { WebhookSink } from "../access/audit/sink.ts";
import { callWithinMs } from "../operations/deadlines.ts";
import { observedCall, resultOfStatus } from "../operations/worker-metrics.ts";

export interface Batch {
  /** The same for each try. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/**
 * Posts a batch of CloudEvents (CloudEvents HTTP binding, "Batched Content Mode"), signed as Standard Webhooks 1.0 has it.
 * @param secret the bytes of the shared secret
 * @throws AccessError: anything but an answer of 2xx; a redirect too, which would carry the events elsewhere
 */
export async function postBatch({ url }: WebhookSink, secret: Buffer, { id, body }: Batch, now: Date): Promise<void> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/cloudevents-batch+json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
  const signal = AbortSignal.timeout(callWithinMs("webhook"));
  const { host } = new URL(url);
  const failure = (why: string, cause?: unknown) =>
    new AccessError("audit-webhook", `The audit webhook at ${host} ${why}`, { cause });
  const answer = await observedCall(
    { service: "webhook", operation: "POST" },
    () => fetch(url, { method: "POST", headers, body, redirect: "manual", signal }),
    ({ status }) => resultOfStatus(status),
  ).catch((error: unknown) => {
    throw failure("can't be reached", error);
  });
  // Nothing in the answer counts but its status.
  await answer.body?.cancel();
  if (!answer.ok) throw failure(`answered ${answer.status}`);
}

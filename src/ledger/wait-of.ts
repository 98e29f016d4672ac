import type { Job } from "bullmq";
import type { TraceContext } from "../operations/tracing/request-traces.ts";

/** How long a job waited, for the trace of its run. One that was delayed on purpose waited as well. */
export function waitOf({ queueName, timestamp, processedOn }: Job): NonNullable<TraceContext["waited"]> {
  return { queue: queueName, from: timestamp, until: processedOn ?? timestamp };
}

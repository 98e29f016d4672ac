import type { z } from "zod";
import type { WorkerQuestion } from "../../jobs/queues.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { SlackContext } from "../context.ts";
import { noSuchClusterAnswer } from "../messages/creator-answer.ts";
import type { Message } from "../messages/message.ts";

/** Whoever waits is told within this time that there is no worker; in milliseconds. */
export const aliveWithinMs = 8_000;

/**
 * Asks a worker, which alone may look at clusters (law 1). Null: none answered in time, or not in a form that this
 * process knows, as while two versions run. An answer may take long; whether there is a worker at all is asked beside it.
 */
export async function askWorker<T>(
  context: SlackContext,
  question: WorkerQuestion,
  form: z.ZodType<T>,
  withinMs: number,
): Promise<T | null> {
  const { workers, log } = context;
  const answering = workers.ask(question, withinMs).catch((error: unknown) => {
    log.warn({ question: question.type, err: error }, "no worker answered");
    return null;
  });
  const isThere = workers.ask({ type: "alive" }, aliveWithinMs).then(
    () => true,
    () => false,
  );
  const answer = await Promise.race([answering, isThere.then((there) => (there ? answering : null))]);
  const read = form.safeParse(answer);
  return read.success ? read.data : null;
}

/** What is to be said about the cluster of this name; about no other one where there is none. */
export async function aboutCluster(
  { config }: SlackContext,
  name: string,
  say: (cluster: Cluster) => Promise<Message>,
): Promise<Message> {
  const cluster = config.clusters.get(name.toLowerCase());
  return cluster ? say(cluster) : noSuchClusterAnswer(name, [...config.clusters.keys()]);
}

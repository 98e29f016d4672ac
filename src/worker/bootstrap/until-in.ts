import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../../access/failure/access-error.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { Bootstrap } from "./way-in.ts";

/** The waits before each further try, in milliseconds: an access entry and its policies take effect within some seconds. */
const waitsMs = [250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 5_000, 5_000, 5_000];

/**
 * Signs in as the operator until `act` has a result, a bounded number of times.
 * @param act null: not yet; on the last try it has `isLast` @throws AccessError if it never comes true
 */
export async function untilIn<T>(
  { asOperator, context, cluster }: Bootstrap,
  act: (client: ClusterClient, isLast: boolean) => Promise<T | null>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    const waitMs = waitsMs[attempt];
    const client = await asOperator(attempt);
    try {
      const result = await act(client, waitMs === undefined);
      if (result !== null) return result;
      if (waitMs === undefined) throw notYet(cluster);
    } catch (error) {
      if (waitMs === undefined || !isUnauthorized(error)) throw error;
    } finally {
      client.close();
    }
    await (context.pause ?? wait)(waitMs);
  }
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof AccessError && error.code === "cluster-unauthorized";
}

function notYet({ name, operator }: Bootstrap["cluster"]): AccessError {
  const what = `${operator.roleArn} does not have its rights in ${name} yet, although EKS took them`;
  return new AccessError("cluster-unauthorized", what, { remedy: "Run it again in a minute." });
}

import { entryArnIn } from "../access-entry/principal-arn.ts";
import { type Way, wayFor } from "../access-entry/way.ts";
import { parseDocument } from "../aws-auth/parse.ts";
import { resolve } from "../aws-auth/resolve.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { OpenedCluster } from "./open-cluster.ts";

/** How a cluster takes grants, principal by principal. */
export interface Ways {
  readonly wayOf: (principal: string) => Way;
  /** Whether there is a document that the cluster goes by. */
  readonly hasDocument: boolean;
}

/** Asks the cluster's own state, at each run: a mode can change under us. @throws AccessError */
export async function waysIn({ mode, entries, client }: OpenedCluster, cluster: Cluster): Promise<Ways> {
  if (mode === "CONFIG_MAP" || !entries) return { wayOf: () => "aws-auth", hasDocument: true };
  if (mode === "API") return { wayOf: () => "access-entry", hasDocument: false };
  const [arns, configMap] = await Promise.all([entries.list(), client.readAwsAuth()]);
  const document = parseDocument(configMap?.data ?? {});
  const wayOf = (principal: string) =>
    wayFor({
      mode,
      preferred: cluster.grants,
      hasEntry: entryArnIn(arns, principal) !== null,
      isMapped: resolve(document, principal) !== null,
    });
  return { wayOf, hasDocument: configMap !== null };
}

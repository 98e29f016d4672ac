import type { Cluster } from "../../access/policy/cluster.ts";
import type { Refusal } from "../../aws-auth/index.ts";
import type { Deletion } from "../../kubernetes/config-map.ts";

/** Why nothing is given by a document that is about to go with all that is in it. What ends there is taken away all the same. */
export function beingDeleted({ name }: Cluster, { since, finalizers }: Deletion): Refusal {
  const wait = finalizers.length > 0 ? ` for its finalizers ${finalizers.join(", ")}` : "";
  const message = `Somebody deleted aws-auth of ${name} at ${since}: it only waits${wait}, and what is given in it goes with it. Have an operator save it, take the finalizers out, create it anew, and then ask again.`;
  return { code: "document-being-deleted", message };
}

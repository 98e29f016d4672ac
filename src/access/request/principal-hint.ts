import { type Principal, readPrincipal } from "../../aws-auth/index.ts";
import type { Cluster } from "../policy/cluster.ts";
import { mayRequest } from "../policy/may-request.ts";

/** What is said beside an ARN while it is typed. */
export interface PrincipalHint {
  readonly message: string;
  /** The right form of it, where there is no doubt what was meant. */
  readonly suggestion: string | null;
}

/** What is wrong whatever is typed after it. Anything else may only be unfinished. */
const finalMistakes = new Set(["arn-root", "arn-group", "arn-instance-profile", "arn-wildcard", "arn-partition"]);

/** What to say of an ARN as far as it is typed; null: nothing is wrong with it yet. */
export function principalHint(typed: string, cluster: Cluster | null): PrincipalHint | null {
  const text = typed.trim();
  const reading = readPrincipal(text);
  if (reading.type === "principal") return policyHint(reading.principal, cluster);
  if (reading.suggestion !== undefined) return { message: reading.message, suggestion: reading.suggestion };
  return finalMistakes.has(reading.code) ? { message: reading.message, suggestion: null } : null;
}

/** The level and the duration have fields of their own. */
function policyHint(principal: Principal, cluster: Cluster | null): PrincipalHint | null {
  const [level] = cluster?.levels ?? [];
  if (!cluster || !level) return null;
  const verdict = mayRequest({ cluster, level, principal, durationSeconds: 1 });
  return verdict.type === "refused" ? { message: verdict.message, suggestion: null } : null;
}

import type { Cluster } from "./cluster.ts";
import { isNamedIn, type Person } from "./person.ts";

/** Access without an approval, for an emergency: given at once, told loudly, and reviewed afterwards. */
export interface BreakGlass {
  /** Slack user ids, user groups and e-mail domains. */
  readonly who: readonly string[];
  /** The name of the level that is given. */
  readonly level: string;
  readonly durationSeconds: number;
}

/** What somebody gets who breaks the glass of this cluster; null: they may not. Neither rules nor quiet stand against it. */
export function breakGlassFor({ breakGlass }: Cluster, person: Person): BreakGlass | null {
  return breakGlass && isNamedIn(breakGlass.who, person) ? breakGlass : null;
}

import type { BreakGlass, Cluster } from "./cluster.ts";
import { isNamedIn, type Person } from "./person.ts";

/** What somebody gets who breaks the glass of this cluster; null: they may not. Neither rules nor quiet stand against it. */
export function breakGlassFor({ breakGlass }: Cluster, person: Person): BreakGlass | null {
  return breakGlass && isNamedIn(breakGlass.who, person) ? breakGlass : null;
}

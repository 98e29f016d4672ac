import type { Move } from "../../access/migration/move.ts";
import { maySee } from "../../access/policy/may-see.ts";
import type { Person } from "../../access/policy/person.ts";
import type { SlackContext } from "../app/context.ts";

/** The moves that are not over and that somebody may see, the longest waiting first. @throws AccessError */
export async function movesShown(
  { ledger, config }: Pick<SlackContext, "ledger" | "config">,
  person: Person,
): Promise<readonly Move[]> {
  const open = await ledger.moves.open();
  return open
    .filter((move) => maySee(move, config.clusters.get(move.cluster), person))
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
}

import { refuseMoveClick, retryMove, withdrawMove } from "../approval/decide-move.ts";
import type { Move } from "../migration/move.ts";
import type { Cluster } from "./cluster.ts";
import type { Person } from "./person.ts";

export type MoveAct = "approve" | "deny" | "withdraw" | "retry";

/** What somebody may do about a move now. What they do is asked again when they do it: this is what they are shown. */
export function moveActsOf(move: Move, cluster: Cluster | undefined, person: Person, now: Date): readonly MoveAct[] {
  if (!cluster) return [];
  const digest = move.plan?.digest ?? "";
  const mayDecide = (verdict: "approved" | "denied") =>
    refuseMoveClick(move, cluster, person, { verdict, digest, why: "" }, now) === null;
  const acts: MoveAct[] = [];
  if (mayDecide("approved")) acts.push("approve");
  if (mayDecide("denied")) acts.push("deny");
  if (retryMove(move, cluster, person, now).type === "decided") acts.push("retry");
  if (withdrawMove(move, cluster, person, "", now).type === "decided") acts.push("withdraw");
  return acts;
}

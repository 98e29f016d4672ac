import { lastSealed } from "../../access/approval/sealed-decision.ts";
import { shareIn } from "../../access/lease/due-work.ts";
import {
  bothWithdrawals,
  isWithdrawn,
  remember,
  type Withdrawals,
  withdrawalOf,
} from "../../access/lease/withdrawal.ts";
import type { ApprovedRequest, Holding } from "../../access/request/record.ts";
import type { SettleInput, Settlement } from "./way-adapter.ts";

type Sorted = Pick<Settlement, "leaving" | "stuck" | "voided" | "refused" | "granted">;

/**
 * What the cluster remembers once this is carried out: what ends before its time, and what will not be granted any more.
 *
 * @param holdings whose shares are never forgotten
 * @param most for how many others there is room
 */
export function withdrawalsAfter(
  { cluster, state, keys, now }: SettleInput,
  sorted: Sorted,
  holdings: Iterable<Holding>,
  most?: number,
): Withdrawals {
  const { leaving, stuck, granted } = sorted;
  const known = bothWithdrawals(state.withdrawals, state.elsewhere);
  const withdrawalsOf = (requests: readonly ApprovedRequest[]) =>
    requests
      .filter((request) => !isWithdrawn(request, known, keys.decision))
      .map((request) => withdrawalOf(request, shareIn(state.holdings, request)?.endsAt, cluster, keys.decision, now))
      .filter((withdrawal) => withdrawal !== null);
  const nothing = withdrawalsOf(givenUp(sorted, keys)).map((each) => ({ ...each, cameToNothing: true as const }));
  const taken = [...withdrawalsOf([...leaving, ...stuck.map(({ request }) => request)]), ...nothing];
  const held = new Set([...holdings].flatMap(({ shares }) => shares.map(({ id }) => id)));
  const again = new Set(granted.map(({ id }) => id));
  return remember(state.withdrawals, { taken, granted: again, held, now, ...(most !== undefined && { most }) });
}

/** Whose approvals are true, and yet come to nothing. One whose write may have begun is tried again instead of failing. */
function givenUp(
  { voided, refused }: Pick<Settlement, "voided" | "refused">,
  keys: SettleInput["keys"],
): readonly ApprovedRequest[] {
  const failed = refused.filter(({ request }) => request.lease?.writeBegan === null);
  return [...voided, ...failed]
    .map(({ request }) => request)
    .filter((request) => lastSealed(request, keys.decision) !== null);
}

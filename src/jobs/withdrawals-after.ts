import { lastSealed } from "../approval/sealed-decision.ts";
import { shareIn } from "../grant/due-work.ts";
import type { Holding } from "../grant/holding.ts";
import { isWithdrawn, remember, type Withdrawals, withdrawalOf } from "../grant/withdrawal.ts";
import type { AccessRequest } from "../request/request.ts";
import type { SettleInput, Settlement } from "./taking.ts";

/** What the cluster remembers once this is carried out: what ends before its time, and what will not be granted any more. */
export function withdrawalsAfter(
  { cluster, state, sealKeys, now }: SettleInput,
  sorted: Pick<Settlement, "leaving" | "stuck" | "voided" | "refused" | "granted">,
  holdings: readonly Holding[],
): Withdrawals {
  const { leaving, stuck, granted } = sorted;
  const taken = [...leaving, ...stuck.map(({ request }) => request), ...givenUp(sorted, sealKeys)]
    .filter((request) => !isWithdrawn(request, state.withdrawals, sealKeys))
    .map((request) => {
      const share = shareIn(state.holdings, request);
      return withdrawalOf(request, share?.endsAt, cluster, sealKeys, now);
    })
    .filter((withdrawal) => withdrawal !== null);
  const held = new Set(holdings.flatMap(({ shares }) => shares.map(({ id }) => id)));
  return remember(state.withdrawals, { taken, granted: new Set(granted.map(({ id }) => id)), held, now });
}

/** Whose approvals are true, and yet come to nothing. One whose write may have begun is tried again instead of failing. */
function givenUp(
  { voided, refused }: Pick<Settlement, "voided" | "refused">,
  keys: SettleInput["sealKeys"],
): readonly AccessRequest[] {
  const failed = refused.filter(({ request }) => request.grant?.writeBegan === null);
  return [...voided, ...failed].map(({ request }) => request).filter((request) => lastSealed(request, keys) !== null);
}

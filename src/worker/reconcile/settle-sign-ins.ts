import { isSignInShare } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import type { Refusal } from "../../aws-auth/index.ts";
import { placeFor, type SignInMap, type SignInNames } from "./sign-in-names.ts";
import { entryKeyOf, type SignInNeed, type SignInPlace, type SignInTargets, signInTargets } from "./sign-in-place.ts";

export interface SignInWrite {
  readonly place: SignInPlace;
  readonly targets: SignInTargets;
}

/**
 * The writes that give these leases their sign-in entries, and take them from finished ones. Only places with a change.
 * @param over ids of leases without anything else
 */
export function signInWrites(
  map: SignInMap,
  needs: readonly SignInNeed[],
  over: ReadonlySet<string> = new Set(),
): readonly SignInWrite[] {
  return map.places
    .map((place) => {
      const here = needs.filter(({ principal }) => placeFor(map, principal) === place);
      return { place, targets: signInTargets(place, here, over) };
    })
    .filter(({ targets }) => targets.size > 0);
}

/** A lease needs an entry of ours if no other entry lets its person sign in. */
export function needsEntry(names: SignInNames, principal: string): boolean {
  const name = names.of(principal);
  return name.type === "name" && name.entry !== "theirs";
}

/** The shares of the leases that hold an entry of ours. */
export function signInSharesIn({ places }: SignInMap): readonly Share[] {
  const holdings = places.flatMap((place) => [...place.holdings.values()]);
  return holdings.flatMap(({ shares }) => shares.filter(isSignInShare));
}

const isFull: ReadonlySet<string> = new Set(["annotation-full", "tags-full"]);

/** By request id: why a lease can't have its entry. If a place lacks room for all, the first leases have theirs. */
export function refuseSignIns(map: SignInMap, needs: readonly SignInNeed[]): ReadonlyMap<string, Refusal> {
  const refused = new Map<string, Refusal>();
  let left = needs;
  for (;;) {
    const refusals = signInWrites(map, left).flatMap(({ place, targets }) => [...place.refusalsOf(targets)]);
    if (refusals.length === 0) return refused;
    for (const [key, refusal] of refusals) {
      const same = left.filter(({ principal }) => entryKeyOf(principal) === key);
      const kept = isFull.has(refusal.code) ? same.slice(0, Math.floor(same.length / 2)) : [];
      for (const { share } of same.slice(kept.length)) refused.set(share.id, refusal);
    }
    left = left.filter(({ share }) => !refused.has(share.id));
  }
}

import { orphansOf, rememberedShares, shareIn, shareOf } from "../../access/lease/due-work.ts";
import { type Target, targetOf } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/username.ts";
import { provedShare } from "../../access/lease/written.ts";
import type { AccessRequest, Share } from "../../access/request/record.ts";
import { readPrincipal } from "../../aws-auth/index.ts";
import type { Checked } from "./sort-work.ts";
import type { SettleInput, Standing } from "./taking.ts";

/** The entry that each principal with something to be done must have, by lower-case ARN. */
export function targetsOf(input: SettleInput, checked: Checked): ReadonlyMap<string, Target> {
  const { work, state, closed, now } = input;
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  const targets = new Map<string, Target>();
  for (const key of touchedPrincipals(input, checked)) {
    const holding = state.holdings.get(key);
    const arn = holding?.arn ?? open.find((request) => request.principal.toLowerCase() === key)?.principal ?? key;
    const remembered = rememberedShares(holding ? orphansOf(holding, open) : [], closed, now);
    const shares = [...sharesOf(input, checked, key), ...remembered];
    const drifted = driftedShares(state, checked, key);
    const principal = readPrincipal(arn);
    const username = principal.type === "principal" ? usernameFor(principal.principal) : arn;
    targets.set(key, targetOf(arn, state.identityOf(arn), holding, shares, username, drifted));
  }
  return targets;
}

/** What the cluster remembers of a grant in force is sealed, and goes before the record in Redis. */
function sharesOf(
  { state, keys, now }: SettleInput,
  { arriving, holding, repaired }: Checked,
  key: string,
): readonly Share[] {
  const own = (requests: readonly AccessRequest[]) =>
    requests.filter((request) => request.principal.toLowerCase() === key);
  return [
    ...own(arriving).map((request) => shareOf(request, now, shareIn(state.holdings, request))),
    ...own(holding).flatMap((request) => shareIn(state.holdings, request) ?? []),
    ...own(repaired).flatMap((request) => provedShare(state.holdings, request, keys.memory) ?? []),
  ];
}

/** Grants in force whose part stays gone. */
function driftedShares(state: Standing, { drifted }: Checked, key: string): readonly Share[] {
  return drifted
    .filter(({ request }) => request.principal.toLowerCase() === key)
    .flatMap(({ request }) => shareIn(state.holdings, request) ?? []);
}

/** Principals with something arriving, leaving or to be put back, or with a share that is over and still stands there. */
function touchedPrincipals({ work, state, closed, now }: SettleInput, checked: Checked): ReadonlySet<string> {
  const open = [...work.arriving, ...work.leaving, ...work.staying];
  // One that will not be granted still has to go, where a run that died has written it.
  const written = work.arriving.filter((request) => shareIn(state.holdings, request));
  const moving = [...checked.arriving, ...written, ...checked.leaving, ...checked.repaired];
  const touched = new Set(moving.map((request) => request.principal.toLowerCase()));
  for (const key of state.lost) {
    if (checked.holding.some((request) => request.principal.toLowerCase() === key)) touched.add(key);
  }
  for (const [key, holding] of state.holdings) {
    const stale = orphansOf(holding, open).some(
      (share) => closed.has(share.id) || Date.parse(share.endsAt) <= now.getTime(),
    );
    if (stale) touched.add(key);
  }
  return touched;
}

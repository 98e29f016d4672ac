import { hasCode } from "../../access/access-error.ts";
import { keptWith } from "../../access/collections.ts";
import { isSignInShare } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import type { Refusal } from "../../access/principal.ts";
import type { Steps } from "../../aws-auth/index.ts";
import { inParallel } from "../../operations/parallel.ts";
import { placeFor, type SignInMap, type SignInNames } from "./sign-in-names.ts";
import {
  type BesideNeeds,
  entryKeyOf,
  type SignInNeed,
  type SignInPlace,
  type SignInSent,
  type SignInTargets,
  type SignInWritten,
  signInTargets,
} from "./sign-in-place.ts";

export type SignInWrite = { readonly place: SignInPlace; readonly targets: SignInTargets };

/** For these leases. Only places with a change. */
export function signInWrites(
  map: SignInMap,
  needs: readonly SignInNeed[],
  beside?: BesideNeeds,
): readonly SignInWrite[] {
  return map.places
    .map((place) => {
      const here = needs.filter(({ principal }) => placeFor(map, principal) === place);
      return { place, targets: signInTargets(place, here, beside) };
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
  return places.flatMap(({ holdings }) => signInSharesOf(holdings));
}

/** The preview of a request reads the same holdings as the run that follows it. */
const signInSharesOf = keptWith((holdings: SignInPlace["holdings"]): readonly Share[] => {
  const found: Share[] = [];
  for (const { shares } of holdings.values()) for (const share of shares) if (isSignInShare(share)) found.push(share);
  return found;
});

const isFull: ReadonlySet<string> = new Set(["annotation-full", "tags-full"]);

/** By request id: why a lease can't have its entry. If a place lacks room for all, the first leases have theirs. */
export function* refuseSignIns(map: SignInMap, needs: readonly SignInNeed[]): Steps<ReadonlyMap<string, Refusal>> {
  const refused = new Map<string, Refusal>();
  let left = needs;
  for (;;) {
    const refusals: (readonly [string, Refusal])[] = [];
    for (const { place, targets } of signInWrites(map, left)) refusals.push(...(yield* place.refusalsOf(targets)));
    if (refusals.length === 0) return refused;
    for (const [key, refusal] of refusals) {
      const same = left.filter(({ principal }) => entryKeyOf(principal) === key);
      const kept = isFull.has(refusal.code) ? same.slice(0, Math.floor(same.length / 2)) : [];
      for (const { share } of same.slice(kept.length)) refused.set(share.id, refusal);
    }
    left = left.filter(({ share }) => !refused.has(share.id));
  }
}

/** The first write of a run takes back what a webhook gave. */
const restoring: BesideNeeds = { restore: true };

export interface SignInsWritten {
  readonly map: SignInMap;
  /** By lower-case ARN of the user or role: why its entry differs from the plan. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Checks as much as possible before anything changes. By lower-case ARN: why an entry can't be written. */
export async function rehearseSignIns(
  map: SignInMap,
  needs: readonly SignInNeed[],
): Promise<ReadonlyMap<string, unknown>> {
  const failures: (readonly [string, unknown])[] = [];
  for (const write of signInWrites(map, needs, restoring)) failures.push(...(await rehearse(write)));
  return new Map(failures);
}

/** An admission policy can refuse one person's entry: that delays no other. By lower-case ARN. */
async function rehearse({ place, targets }: SignInWrite): Promise<ReadonlyMap<string, unknown>> {
  try {
    await place.rehearse(targets);
    return new Map();
  } catch (error) {
    const isOneOfThem = targets.size > 1 && hasCode(error, "cluster-refused-write");
    const alone = isOneOfThem ? [...targets].map((target) => ({ place, targets: new Map([target]) })) : [];
    const refused = (await inParallel(alone, rehearse)).flatMap((failures) => [...failures]);
    return refused.length > 0 ? new Map(refused) : failing({ place, targets })(error).failures;
  }
}

/** As it was answered: enough to make the bindings that need it. */
export type SignInsSent = SignInsWritten & { readonly readBack: () => Promise<SignInsWritten> };

/** In one write for each place. A failure concerns only leases that need that place. @param needs as rehearsed */
export async function writeSignIns(
  map: SignInMap,
  needs: readonly SignInNeed[],
  beside: BesideNeeds = restoring,
): Promise<SignInsSent> {
  const sent: (readonly [SignInWrite, SignInSent])[] = [];
  const isRehearsed = beside === restoring;
  for (const write of signInWrites(map, needs, beside)) sent.push([write, await writePlace(write, isRehearsed)]);
  const readBack = async () => {
    const read = sent.map(async ([write, { readBack }]) => [write, await readBack().catch(failing(write))] as const);
    return withWritten(map, await Promise.all(read));
  };
  return { ...withWritten(map, sent), readBack };
}

function withWritten(map: SignInMap, written: readonly (readonly [SignInWrite, SignInWritten])[]): SignInsWritten {
  const places = new Map(written.map(([write, { place }]) => [write.place, place]));
  const failures = new Map(written.flatMap(([, { failures }]) => [...failures]));
  return { map: { ...map, places: map.places.map((place) => places.get(place) ?? place) }, failures };
}

/** @param isRehearsed false: it sends a dry run first, as before every write */
async function writePlace({ place, targets: all }: SignInWrite, isRehearsed: boolean): Promise<SignInSent> {
  const unable = isRehearsed ? none : await rehearse({ place, targets: all });
  const targets = new Map([...all].filter(([key]) => !unable.has(key)));
  const withUnable = (written: SignInWritten) => ({ ...written, failures: new Map([...written.failures, ...unable]) });
  try {
    const sent = targets.size > 0 ? await place.write(targets) : unsent({ place, failures: none });
    return { ...withUnable(sent), readBack: async () => withUnable(await sent.readBack()) };
  } catch (error) {
    return unsent(withUnable(failing({ place, targets })(error)));
  }
}

const none: SignInWritten["failures"] = new Map();

function unsent(written: SignInWritten): SignInSent {
  return { ...written, readBack: async () => written };
}

function failing({ place, targets }: SignInWrite): (error: unknown) => SignInWritten {
  return (error) => ({ place, failures: new Map([...targets.keys()].map((key) => [key, error] as const)) });
}

export function withoutFailed(
  needs: readonly SignInNeed[],
  failures: ReadonlyMap<string, unknown>,
): readonly SignInNeed[] {
  return needs.filter(({ principal }) => !failures.has(entryKeyOf(principal)));
}

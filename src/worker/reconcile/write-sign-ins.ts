import { type SignInWrite, signInWrites } from "./settle-sign-ins.ts";
import type { SignInMap } from "./sign-in-names.ts";
import { entryKeyOf, type SignInNeed } from "./sign-in-place.ts";

/** What became of the entries by which people sign in. */
export interface SignInsWritten {
  /** Where people sign in now. */
  readonly map: SignInMap;
  /** Why an entry is not as it must be, by lower-case ARN of the user or role. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Tries what can be tried before anything changes: by lower-case ARN, why an entry can't be written. */
export async function rehearseSignIns(
  map: SignInMap,
  needs: readonly SignInNeed[],
): Promise<ReadonlyMap<string, unknown>> {
  const failures = new Map<string, unknown>();
  for (const { place, targets } of signInWrites(map, needs)) {
    await place.rehearse(targets).catch((error: unknown) => {
      for (const key of targets.keys()) failures.set(key, error);
    });
  }
  return failures;
}

/**
 * Has these leases hold their entries, and those that are over hold none. One write for all of a place; what fails there fails no
 * lease that needs nothing of it.
 *
 * @param needs as they were rehearsed, where none are over
 */
export async function writeSignIns(
  map: SignInMap,
  needs: readonly SignInNeed[],
  over: ReadonlySet<string> = new Set(),
): Promise<SignInsWritten> {
  let places = map.places;
  const failures = new Map<string, unknown>();
  for (const write of signInWrites(map, needs, over)) {
    const written = await writePlace(write, over.size === 0);
    for (const [key, error] of written.failures) failures.set(key, error);
    places = places.map((place) => (place === write.place ? written.place : place));
  }
  return { map: { ...map, places }, failures };
}

/** @param isRehearsed a write goes out as a dry run first, as every write does */
async function writePlace(
  { place, targets }: SignInWrite,
  isRehearsed: boolean,
): ReturnType<SignInWrite["place"]["write"]> {
  try {
    if (!isRehearsed) await place.rehearse(targets);
    return await place.write(targets);
  } catch (error) {
    return { place, failures: new Map([...targets.keys()].map((key) => [key, error] as const)) };
  }
}

/** The needs for which nothing failed. */
export function withoutFailed(
  needs: readonly SignInNeed[],
  failures: ReadonlyMap<string, unknown>,
): readonly SignInNeed[] {
  return needs.filter(({ principal }) => !failures.has(entryKeyOf(principal)));
}

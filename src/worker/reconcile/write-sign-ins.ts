import { type SignInWrite, signInWrites } from "./settle-sign-ins.ts";
import type { SignInMap } from "./sign-in-names.ts";
import { entryKeyOf, type SignInNeed } from "./sign-in-place.ts";

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
  const failures = new Map<string, unknown>();
  for (const { place, targets } of signInWrites(map, needs)) {
    await place.rehearse(targets).catch((error: unknown) => {
      for (const key of targets.keys()) failures.set(key, error);
    });
  }
  return failures;
}

/**
 * Gives these leases their sign-in entries, and takes them from finished ones, in one write for each place. A failure
 * concerns only leases that need that place.
 * @param needs as rehearsed, if no lease is over
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

/** @param isRehearsed false: it sends a dry run first, as before every write */
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

export function withoutFailed(
  needs: readonly SignInNeed[],
  failures: ReadonlyMap<string, unknown>,
): readonly SignInNeed[] {
  return needs.filter(({ principal }) => !failures.has(entryKeyOf(principal)));
}

import fc from "fast-check";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { stories } from "../form.ts";
import { fleetToo, type Mistake, mistakes, richText } from "./all-mistakes.ts";

type Block = Record<string, unknown>;

function problemsOf(value: unknown): readonly string[] {
  const reading = readConfig(JSON.stringify(value));
  return reading.type === "invalid" ? reading.problems : [];
}

/** The problems in the words that other mistakes don't change: without the names that there are, and with a rule's own name. */
function inOwnWords(problems: readonly string[]): readonly string[] {
  return problems.map((problem) =>
    problem.replace(/, or use one of [^.]*/, "").replace("the rule policy.rules[0]", "the rule four eyes"),
  );
}

/** The configuration with these mistakes in it. */
function withMistakes(base: unknown, made: readonly Mistake[]): unknown {
  const value = structuredClone(base);
  for (const { path, value: written } of made) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let place = value as Block;
    for (const key of keys) {
      if (typeof place[key] !== "object" || place[key] === null) place[key] = {};
      place = place[key] as Block;
    }
    if (written === undefined) delete place[last];
    else place[last] = structuredClone(written);
  }
  return value;
}

function overlap(one: string, other: string): boolean {
  return `${one}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${one}.`);
}

function readsOf({ reads }: Mistake, path: string): boolean {
  return reads.some((read) => overlap(read, path));
}

/**
 * The mistakes that can stand in one file, the first ones first: a setting has one value, and a list no hole. Two that read each
 * other are one: too many approvals for a rule's approvers, and too few approvers.
 */
function together(base: unknown, picked: readonly Mistake[]): readonly Mistake[] {
  const made: Mistake[] = [];
  for (const each of picked) {
    const isFree = made.every(
      (other) => !overlap(other.path, each.path) && !(readsOf(other, each.path) && readsOf(each, other.path)),
    );
    if (isFree && !hasHole(withMistakes(base, [...made, each]))) made.push(each);
  }
  return made;
}

function hasHole(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value) && Object.keys(value).length < value.length) return true;
  return Object.values(value).some(hasHole);
}

const bases = {
  "a policy": load(richText),
  "a policy and a fleet": load(fleetToo),
  "no policy": { ...(load(richText) as Block), policy: undefined },
};

test.each(Object.entries(bases))("a configuration with %s has no problem", (_, base) => {
  expect(problemsOf(base)).toEqual([]);
});

test.each(mistakes)("$path: $problems.0", (mistake) => {
  expect(problemsOf(withMistakes(bases["a policy"], [mistake]))).toEqual(mistake.problems);
});

test.each(Object.entries(bases))(
  "of several mistakes in a configuration with %s each is named as it is alone, and nothing else is",
  (name, base) => {
    const possible = name === "no policy" ? mistakes.filter(({ path }) => !path.startsWith("policy")) : mistakes;
    // The tests above have seen what each is in the first of them.
    const known = new Map(name === "a policy" ? possible.map((each) => [each, inOwnWords(each.problems)]) : []);
    const alone = (each: Mistake) => {
      const found = known.get(each) ?? inOwnWords(problemsOf(withMistakes(base, [each])));
      known.set(each, found);
      return found;
    };

    fc.assert(
      fc.property(fc.shuffledSubarray([...possible], { minLength: 2, maxLength: 10 }), (picked) => {
        const made = together(base, picked);
        const found = inOwnWords(problemsOf(withMistakes(base, made)));
        // A mistake in what another one reads can hide it.
        const named = made.filter((each) => made.every((other) => each === other || !readsOf(each, other.path)));

        expect(made.flatMap(alone)).toEqual(expect.arrayContaining([...found]));
        expect(found).toEqual(expect.arrayContaining(named.flatMap(alone)));
      }),
      stories({ short: 40, long: 10_000 }),
    );
  },
);

function placesIn(value: unknown, above = ""): readonly string[] {
  const inside = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return inside.flatMap(([name, each]) => [`${above}${name}`, ...placesIn(each, `${above}${name}.`)]);
}

test.each([{}, [], null])("%j in any place is read, or a problem: it ends no process", (value) => {
  const base = load(fleetToo);

  for (const path of placesIn(base)) problemsOf(withMistakes(base, [{ path, value, problems: [], reads: [] }]));
});

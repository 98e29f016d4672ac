import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../src/aws-auth/read-document.ts";
import { wildcardsFor } from "../../src/aws-auth/resolve.ts";
import { cpuTimeOf } from "../cpu-time.ts";

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

/** Whether an entry for the pattern fits the caller. */
function fits(pattern: string, arn: string): boolean {
  return wildcardsFor(documentOf([pattern]), arn).length > 0;
}

function documentOf(arns: readonly string[]) {
  return readDocument({ mapRoles: arns.map((arn) => `- rolearn: ${JSON.stringify(arn)}\n  username: u\n`).join("") });
}

/** The same by definition: each wildcard tries all that it may stand for. Exponential, so for small texts alone. */
function fitsByDefinition(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern;
  const letters = [...text];
  if (first === undefined) return text === "";
  const restFits = (taken: number) => fitsByDefinition(rest.join(""), letters.slice(taken).join(""));
  if (first !== "*" && first !== "?") return letters[0] === first && restFits(1);
  const most = first === "?" ? Math.min(1, letters.length) : letters.length;
  return Array.from({ length: most + 1 }, (_, taken) => taken).some(restFits);
}

describe("a rolearn with wildcards fits as in the newest authenticator", () => {
  it.each([
    ["any text", role("team-*"), role("team-a"), true],
    ["no text at all", role("team-*"), role("team-"), true],
    ["at most one letter", role("team?"), role("team"), true],
    ["exactly one letter", role("team?"), role("teams"), true],
    ["not two letters", role("team?"), role("teams2"), false],
    ["as many letters as there are question marks", role("t???"), role("team"), true],
    ["not the start alone", role("*team"), role("teams"), false],
    ["whatever the case", role("TEAM-*"), role("team-A"), true],
    ["a wildcard in each part", "arn:*:iam::*:role/a", role("a"), true],
    ["no colon by a star before the resource", "arn:*:role/a", role("a"), false],
    ["a colon by a star in the resource", "arn:aws:iam::111122223333:*", role("a"), true],
    ["nobody with too few parts", "arn:*:*", role("a"), false],
    ["nobody with too few parts, the last one empty", "arn:aws:iam::*", role("a"), false],
    ["nobody without its prefix", "*:aws:iam::111122223333:role/a", role("a"), false],
    ["a dot as a dot", role("a.*"), role("ab"), false],
    ["what a later text of the pattern leaves over", role("*ab?ab"), role("abaab"), true],
  ])("%s: %s", (_what, pattern, arn, expected) => {
    expect(fits(pattern, arn)).toBe(expected);
  });

  it("like the definition, for all short patterns and names", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "𝒂", "*", "?"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b", "𝒂"), maxLength: 8 });

    fc.assert(
      fc.property(pattern, name, (some, text) => {
        fc.pre(/[*?]/.test(some));
        expect(fits(role(some), role(text))).toBe(fitsByDefinition(some, text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("many entries", () => {
  it("are found like each by itself, in their order", () => {
    const part = fc.constantFrom("*", "?", "1*", "1", "12", "?2");
    const name = fc.string({ unit: fc.constantFrom("a", "B", "*", "?", ":"), maxLength: 4 });
    const arn = fc
      .tuple(part, part, name)
      .map(([partition, account, rest]) => `arn:${partition}:iam::${account}:role/${rest}`);

    fc.assert(
      fc.property(fc.array(arn, { maxLength: 12 }), arn, (patterns, caller) => {
        const found = wildcardsFor(documentOf(patterns), caller);

        const lasts = new Map(patterns.map((pattern, index) => [pattern.toLowerCase(), index]));
        const inForce = patterns.filter((pattern, index) => lasts.get(pattern.toLowerCase()) === index);
        expect(found.map((entry) => entry.arn)).toEqual(inForce.filter((pattern) => fits(pattern, caller)));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["names", (index: number) => role(`crew-${index}`)],
    ["wildcards", (index: number) => role(`crew-${index}-*`)],
  ])("ten thousand %s are looked through once, not once for each caller", (_what, arnOf) => {
    const document = documentOf(Array.from({ length: 10_000 }, (_, index) => arnOf(index)));

    const callers = Array.from({ length: 10_000 }, (_, index) => role(`team-${index}`));
    const took = cpuTimeOf(() => expect(callers.flatMap((caller) => wildcardsFor(document, caller))).toEqual([]));

    expect(took).toBeLessThan(2000);
  });
});

describe("a hostile pattern costs only its length", () => {
  const longest = "a".repeat(64);

  it.each([
    ["eight stars", role(`${"*a".repeat(8)}*b`)],
    ["a mebibyte of stars", role(`${"*a".repeat(500_000)}b`)],
    ["a mebibyte of question marks", role(`${"?".repeat(1_000_000)}b`)],
    ["question marks between letters", role(`${"a?".repeat(500_000)}b`)],
  ])("%s", (_what, pattern) => {
    const document = readDocument({ mapRoles: `- rolearn: "${pattern}"\n  username: u\n` });

    const took = cpuTimeOf(() => expect(wildcardsFor(document, role(longest))).toEqual([]));

    expect(took).toBeLessThan(1000);
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../sandbox/slack/block-limits.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { resolve } from "../../src/aws-auth/resolve.ts";
import type { WhyFacts } from "../../src/diagnosis/facts.ts";
import { diagnose } from "../../src/diagnosis/why.ts";
import { whyAnswer } from "../../src/slack/look/why.ts";
import { account, documents, noise } from "../aws-auth/generators.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { longestStates } from "../builders/longest-states.ts";
import { states } from "../builders/states.ts";
import { whyFacts } from "../builders/why-facts.ts";
import { stories } from "../form.ts";

/** Principals that the generated documents may have, and others. */
const given = fc.constantFrom(
  ...[0, 1, 5].flatMap((index) => [
    `arn:aws:iam::${account}:role/role-${index}`,
    `arn:aws:iam::${account}:user/user-${index}`,
    `arn:aws:sts::${account}:assumed-role/role-${index}/jane`,
    `arn:aws:iam::444455556666:role/role-${index}`,
    `arn:aws:iam::${account}:role/team/role-${index}`,
  ]),
);
const data = fc.oneof(
  documents.map((each) => each.data),
  fc.record({ mapRoles: noise, mapUsers: noise }),
);
const everyState = { ...states, ...longestStates };
const stateNames = fc.subarray(Object.keys(everyState), { maxLength: 4 });

const seeds = fc.record({ given, data, stateNames, allowed: fc.boolean(), bound: fc.subarray(["a", "b", "readers"]) });

/** The facts of a cluster that reads aws-auth. Without an identity the API server is not asked. */
function factsOf(seed: typeof seeds extends fc.Arbitrary<infer T> ? T : never): WhyFacts {
  const { given: arn, data: sections, allowed, bound } = seed;
  const pods = resolve(parseDocument(sections), arn) ? { allowed, reason: "" } : null;
  const requests = seed.stateNames.flatMap((name) => {
    const request = everyState[name];
    return request ? [{ ...request, principal: arn }] : [];
  });
  return whyFacts({ given: arn, data: sections, requests, pods, boundGroups: new Set(bound) });
}

test("the diagnosis admits exactly the callers that the authenticator admits", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const known = factsOf(seed);
      const { symptom, identity } = diagnose(known);
      const isAccepted = known.document !== null && resolve(known.document, known.given.trim()) !== null;

      expect(symptom === "unauthorized").toBe(!isAccepted);
      expect(identity !== null).toBe(isAccepted && symptom !== "random");
    }),
    stories({ short: 50, long: 150 }),
  );
});

test("whatever is found has a cause, with something to do about it, in a message that Slack takes", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const known = factsOf(seed);
      const diagnosis = diagnose(known);
      const { blocks } = whyAnswer(aCluster(), diagnosis);

      expect(diagnosis.causes.length).toBeGreaterThan(0);
      for (const { message, remedy } of diagnosis.causes) {
        expect(message).toMatch(/\S\.$/);
        expect(remedy).toMatch(/\S\.$/);
      }
      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
    }),
    stories({ short: 30, long: 100 }),
  );
});

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Change } from "../../src/access/principal.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { type Plan, planChanges } from "../../src/aws-auth/plan.ts";
import { resolve } from "../../src/aws-auth/resolve.ts";
import { stories } from "../form.ts";
import { account, documents, emptyTexts, type GeneratedEntry, noise } from "./generators.ts";

const newcomer = `arn:aws:iam::${account}:role/newcomer`;
const guard = { allowMasters: true };

function planned(data: Readonly<Record<string, string>>, changes: readonly Change[]): Plan {
  const plan = planChanges(parseDocument(data), changes, guard);
  if (plan.type === "refused") throw new Error(`${plan.refusal.code}: ${plan.refusal.message}`);
  expect(plan.refused).toEqual([]);
  return plan;
}

function sayings(data: Readonly<Record<string, string>>, but: string): string[] {
  return parseDocument(data)
    .entries.filter((entry) => entry.arn !== but)
    .map(({ section, arn, username, groups }) => JSON.stringify([section, arn, username, groups]));
}

/** The lines that are left of a text after some were removed, in their order. */
function isSubsequence(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  for (const line of all) if (line === some[at]) at += 1;
  return at === some.length;
}

it("reads a generated document exactly as it was written", () => {
  fc.assert(
    fc.property(documents, ({ roles, users, data }) => {
      const document = parseDocument(data);

      const read = document.entries.map(({ arn, username, groups }) => ({ arn, username, groups }));
      const plain = ({ arn, username, groups }: GeneratedEntry) => ({ arn, username, groups });
      expect(read).toEqual([...roles, ...users].map(plain));
      expect(document.problems).toEqual([]);
    }),
    stories({ short: 150, long: 1000 }),
  );
});

it("adding an entry and removing it gives the old text back, byte for byte", () => {
  fc.assert(
    fc.property(
      documents,
      fc.array(fc.constantFrom("viewers", "editors", "on"), { maxLength: 3 }),
      ({ data }, groups) => {
        const added = planned(data, [{ type: "map", arn: newcomer, username: "new:{{SessionName}}", groups }]);
        const removed = planned(added.after, [{ type: "unmap", arn: newcomer }]);

        expect(resolve(parseDocument(added.after), newcomer)?.groups).toEqual([...new Set(groups)]);
        expect(removed.after).toEqual(data);
      },
    ),
    stories({ short: 150, long: 1000 }),
  );
});

it("an empty section is given back as it was, absent or not", () => {
  fc.assert(
    fc.property(emptyTexts, fc.constantFrom("mapRoles", "mapUsers"), (text, section) => {
      const arn = section === "mapRoles" ? newcomer : `arn:aws:iam::${account}:user/newcomer`;
      const data: Record<string, string> = text === null ? { other: "x" } : { other: "x", [section]: text };

      const added = planned(data, [{ type: "map", arn, username: "new", groups: ["viewers"] }]);
      const removed = planned(added.after, [{ type: "unmap", arn }]);

      expect(resolve(parseDocument(added.after), arn)).toEqual({ username: "new", groups: ["viewers"] });
      expect(Object.entries(removed.after)).toEqual(Object.entries(data));
    }),
    stories({ short: 100, long: 200 }),
  );
});

it("groups that are added and removed again leave no trace", () => {
  fc.assert(
    fc.property(documents, fc.nat(), ({ roles, users, data }, pick) => {
      const all = [...roles, ...users];
      const entry = all[pick % Math.max(all.length, 1)];
      if (entry === undefined) return;
      const map = (groups: readonly string[]): Change => ({
        type: "map",
        arn: entry.arn,
        username: entry.username,
        groups,
      });

      const more = planned(data, [map([...entry.groups, "extra:one", "extra:two"])]);
      const back = planned(more.after, [map(entry.groups)]);

      expect(resolve(parseDocument(more.after), entry.arn)?.groups).toEqual([
        ...entry.groups,
        "extra:one",
        "extra:two",
      ]);
      expect(back.after).toEqual(data);
    }),
    stories({ short: 150, long: 1000 }),
  );
});

it("a plan for one principal changes no other one", () => {
  fc.assert(
    fc.property(
      documents,
      fc.nat(),
      fc.array(fc.constantFrom("a", "b", "yes", "1"), { maxLength: 4 }),
      fc.boolean(),
      ({ roles, users, data }, pick, groups, isRemoval) => {
        const all = [...roles, ...users];
        const entry = all[pick % Math.max(all.length, 1)];
        if (entry === undefined) return;
        const { arn } = entry;

        const plan = planned(data, [
          isRemoval ? { type: "unmap", arn } : { type: "map", arn, username: "other", groups },
        ]);

        const after = resolve(parseDocument(plan.after), arn);
        const inOrder = (list: readonly string[]) => [...list].sort();
        expect(sayings(plan.after, arn)).toEqual(sayings(data, arn));
        if (isRemoval) expect(after).toBeNull();
        else
          expect({ ...after, groups: inOrder(after?.groups ?? []) }).toEqual({
            username: "other",
            groups: inOrder([...new Set(groups)]),
          });
        expect(plan.differences.map((difference) => difference.arn)).toEqual([arn]);
      },
    ),
    stories({ short: 150, long: 1000 }),
  );
});

it("removing entries of a block list leaves all other lines, in their order", () => {
  fc.assert(
    fc.property(documents, fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }), ({ roles, data }, picks) => {
      if (data.mapRoles.startsWith("[") || roles.length === 0) return;
      const arns = picks.map((pick) => roles[pick % roles.length]?.arn ?? newcomer);

      const plan = planned(
        data,
        arns.map((arn) => ({ type: "unmap", arn })),
      );

      const [left, all] = [plan.after.mapRoles?.split(/\r?\n/) ?? [], data.mapRoles.split(/\r?\n/)];
      const comments = (lines: readonly string[]) => lines.filter((line) => line.trim().startsWith("#"));
      expect(isSubsequence(left, all)).toBe(true);
      expect(comments(left)).toEqual(comments(all));
    }),
    stories({ short: 100, long: 500 }),
  );
});

it("a plan of several changes says what the changes say one after another", () => {
  fc.assert(
    fc.property(documents, ({ roles, data }) => {
      const changes: Change[] = roles.map(({ arn, username }, index) =>
        index % 2 === 0 ? { type: "unmap", arn } : { type: "map", arn, username, groups: ["same"] },
      );
      changes.push({ type: "map", arn: newcomer, username: "new", groups: ["viewers"] });

      const together = planned(data, changes);
      const apart = changes.reduce(
        (before, change) => planned(before, [change]).after,
        data as Readonly<Record<string, string>>,
      );

      expect(sayings(together.after, "")).toEqual(sayings(apart, ""));
    }),
    stories({ short: 60, long: 300 }),
  );
});

it("no text of any kind makes the engine throw, and a refused or planned document never loses an entry", () => {
  fc.assert(
    fc.property(noise, noise, noise, (mapRoles, mapUsers, mapAccounts) => {
      const document = parseDocument({ mapRoles, mapUsers, mapAccounts });

      const plan = planChanges(document, [{ type: "map", arn: newcomer, username: "new", groups: ["viewers"] }]);

      for (const { line, column } of document.problems)
        expect(Math.min(line ?? 1, column ?? 1)).toBeGreaterThanOrEqual(1);
      if (plan.type === "planned") expect(sayings(plan.after, newcomer)).toEqual(sayings(document.data, newcomer));
    }),
    stories({ short: 500, long: 3000 }),
  );
});

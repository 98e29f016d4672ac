import { readFileSync } from "node:fs";
import fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { nextVersion, notesOf, readCommit, releasedChangelog, sectionOf } from "../scripts/release-plan.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const commits = (...messages: readonly string[]) => messages.map(readCommit);

describe("the next version", () => {
  test.each([
    ["0.1.0", ["fix: a"], "0.1.1"],
    ["0.1.3", ["docs: a", "perf(worker): b"], "0.1.4"],
    ["0.1.3", ["fix: a", "feat(slack): b"], "0.2.0"],
    ["0.1.3", ["feat(slack)!: b"], "0.2.0"],
    ["1.4.2", ["fix: a", "feat: b"], "1.5.0"],
    ["1.4.2", ["fix!: a"], "2.0.0"],
    ["1.4.2", ["refactor: a\n\nBecause.\n\nBREAKING CHANGE: the ledger has schema 2"], "2.0.0"],
    ["1.4.2", ["docs: a", "test(flow): b", "Merge something"], null],
    ["1.4.2", [], null],
  ] as const)("after %s with %j is %s", (last, messages, expected) => {
    expect(nextVersion(last, commits(...messages))).toBe(expected);
  });

  test("depends on no order of the commits", () => {
    const message = fc.constantFrom("feat: a", "fix: b", "docs: c", "perf!: d", "chore: e");
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        expect(nextVersion("1.2.3", commits(...messages))).toBe(
          nextVersion("1.2.3", commits(...messages.toReversed())),
        );
      }),
    );
  });
});

test("the notes have what breaks first, and nothing of tests and pages", () => {
  const notes = notesOf(
    commits(
      "feat(slack): a form for extensions",
      "fix: end a lease once",
      "test: more",
      "docs: less",
      "refactor(ledger)!: new schema\n\nBREAKING CHANGE: stop the old processes\nbefore you start the new ones",
    ),
  );

  expect(notes).toBe(
    [
      "### Breaking\n\n- ledger: stop the old processes before you start the new ones",
      "### Added\n\n- slack: a form for extensions",
      "### Fixed\n\n- end a lease once",
    ].join("\n\n"),
  );
});

describe("the changelog", () => {
  const before = "# Changelog\n\n## [Unreleased]\n\nFor people.\n\n## [0.1.0] - 2026-01-01\n\nFirst.\n";

  test("gets a section with what was written and what was committed, and keeps the older ones", () => {
    const after = releasedChangelog(before, { version: "0.2.0", day: "2026-02-03", notes: "### Added\n\n- a" });

    expect(after).toBe(
      "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\nFor people.\n\n### Added\n\n- a\n\n## [0.1.0] - 2026-01-01\n\nFirst.\n",
    );
    expect(sectionOf(after, "0.2.0")).toBe("For people.\n\n### Added\n\n- a");
    expect(sectionOf(after, "0.1.0")).toBe("First.");
  });

  test("refuses a repeated version, and has no notes of an unknown one", () => {
    expect(() => releasedChangelog(before, { version: "0.1.0", day: "2026-02-03", notes: "" })).toThrow(
      "[0.1.0] already",
    );
    expect(() => sectionOf(before, "0.3.0")).toThrow("no section [0.3.0]");
  });

  test("as it is has what the next release needs", () => {
    const after = releasedChangelog(read("CHANGELOG.md"), { version: "9.9.9", day: "2026-02-03", notes: "" });

    expect(sectionOf(after, "9.9.9")).toContain("### Requests");
    expect(sectionOf(after, "Unreleased")).toBe("");
  });
});

test("each file that names the version names the same one", () => {
  const versioned = z.looseObject({ version: z.string() });
  const { version } = versioned.parse(JSON.parse(read("package.json")));
  const lock = versioned
    .extend({ packages: z.looseObject({ "": versioned }) })
    .parse(JSON.parse(read("package-lock.json")));
  const chart = load(read("deploy/helm/Chart.yaml"));

  expect([lock.version, lock.packages[""].version]).toEqual([version, version]);
  expect(chart).toMatchObject({ version, appVersion: version });
  expect(read("deploy/kubernetes/kustomization.yaml")).toContain(`newTag: ${version}\n`);
  expect(read("deploy/kubernetes/worker.yaml")).toContain(`image: eks-access:${version}\n`);
});

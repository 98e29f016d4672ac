import { expect, test } from "vitest";
import { migrationRefusedAnswer } from "../../../src/slack/migrate/migration-words.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";

const status = "`/eks-access status migration-staging-1`";

test.each([
  ["no-preview", `The plan is not ready. Decide when ${status} shows it.`],
  ["change-differs", `Nothing changed: the plan is different now. Read it and decide there: ${status}.`],
  ["quiet", "`staging` takes no approvals now: &lt;!channel&gt; a `*big*` release. You can still deny."],
] as const)(
  "a person who can't decide now, because %s, reads where to look, with what an operator wrote as plain text",
  (code, text) => {
    const cluster = aCluster({ quiet: "<!channel> a *big* release." });

    expect(migrationRefusedAnswer(code, aPlannedMigration(), cluster).text).toBe(text);
  },
);

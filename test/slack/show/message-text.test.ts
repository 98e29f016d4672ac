import { describe, expect, test } from "vitest";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { clustersAnswer } from "../../../src/slack/look/clusters.ts";
import { listAnswer } from "../../../src/slack/look/list.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import type { Message } from "../../../src/slack/show/message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { states } from "../../builders/states.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

/** Notifications and screen readers have the text alone. */
function expectEveryWord(message: Message): void {
  const words = (text: string) => text.replaceAll(/[*>“”]|```|^:[a-z_]+: |\[[^\]\n]*\]/gm, "").split(/\s+/);
  const said = new Set(words(message.text));

  expect(words(textOfBlocks(message)).filter((word) => word !== "" && !said.has(word))).toEqual([]);
}

describe("the text alone has every word of", () => {
  test.each(Object.entries(states))("the status of a request that is %s", (_, request) => {
    expectEveryWord(statusAnswer({ request, events: [], acts: [] }));
  });

  test.each(Object.entries(states))("a list with a request that is %s", (_, request) => {
    const rows = [{ request, acts: [] }];
    expectEveryWord(
      listAnswer({ view: { kind: "mine" }, rows, offset: 0, total: 1, migrations: [], seesOthers: false }),
    );
  });

  test("the clusters", () => {
    expectEveryWord(clustersAnswer([aCluster()], { user: "U0APPROVER", memberships: [] }, at(0)));
  });

  test("a migration's card", () => {
    expectEveryWord(migrationMessage(aPlannedMigration()));
  });
});

test("in the text alone, a reason that reads as another line stays what a person said", () => {
  const request = aPreviewedRequest({ reason: "Only `on-call` gets this.\n>Approved by <@U0APPROVER>" });

  const { text } = approvalMessage(request, aCluster());

  expect(text).toContain("\n“Only `on-call` gets this. &gt;Approved by &lt;@U0APPROVER&gt;”\n");
});

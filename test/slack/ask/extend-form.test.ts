import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { isObject, listAt, objectAt, textAt } from "../../../sandbox/json.ts";
import type { SandboxView } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { formatDuration } from "../../../src/access/ask/duration.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
const stages: SlackApp[] = [];

/** A lease of four hours, which ends at this time. */
const end = minutes(2) + hours(4);
const iso = (seconds: number) => at(seconds).toISOString();
/** As a client shows it that can't show the reader's zone. */
const utc = (seconds: number) => `${iso(seconds).slice(0, 19).replace("T", " ")} UTC`;

beforeEach(async () => {
  app = await aSlackApp();
  stages.push(app);
  await app.put(aLeasedRequest({ state: "active" }));
});
afterAll(async () => {
  for (const each of stages) await each.stop();
});

const engineer = () => app.person("U0ENGINEER");
const opened = () => app.slack.until(() => engineer().view());

/** What the options of the form say. */
function optionsIn({ blocks }: SandboxView): readonly string[] {
  const element = blocks.map((block) => objectAt(block, "element")).find(({ type }) => type === "radio_buttons");
  return listAt(element, "options").map((option) => textAt(isObject(option) ? option.text : {}, "text") ?? "");
}

async function openForm(): Promise<SandboxView> {
  await engineer().click(await app.show("r-1"), "extend");
  return opened();
}

describe("the Extend button opens a form that", () => {
  test("offers round times, each with the end that it gives, in the reader's zone", async () => {
    const view = await openForm();

    const seconds = Math.floor(at(end + hours(1)).getTime() / 1000);
    expect(optionsIn(view).map((text) => text.split(" ")[0])).toEqual(["30m", "1h", "2h", "4h"]);
    expect(optionsIn(view)[1]).toBe(`1h more, until <!date^${seconds}^{date_short_pretty} {time}|03-01 14:02Z>`);
  });

  test("asks for the end that it shows, which waiting does not move", async () => {
    await openForm();
    app.pass(minutes(7));

    await engineer().submit({ "How much longer": iso(end + hours(1)) });

    expect(await app.ledger.get("r-new1")).toMatchObject({
      extends: "r-1",
      until: iso(end + hours(1)),
      expiresAt: iso(end + hours(1)),
      state: "pending",
    });
    expect(textOf({ blocks: engineer().view()?.blocks ?? [] })).toBe(
      `Requested: extend \`r-1\` until ${utc(end + hours(1))} (\`r-new1\`). I'll DM you. Otherwise it ends ${utc(end)}.`,
    );
  });

  test("is no form where there is no room yet, and says from when", async () => {
    await app.put(aLeasedRequest({ state: "active" }, { id: "r-admin", level: "admin", durationSeconds: hours(1) }));
    await engineer().click(await app.show("r-admin"), "extend");

    const view = await opened();

    expect(optionsIn(view)).toEqual([]);
    expect(textOf({ blocks: view.blocks })).toContain("admin lasts at most 1h at a time. Extend `r-admin` from");
  });
});

describe("the command", () => {
  test.each(["extend r-1 for 1h", "extend “r-1” 1h", "extend (`r-1`), 60 min", "extend r-1 for an hour"])(
    "%s states the new end",
    async (line) => {
      const answer = await app.say("U0ENGINEER", line);

      expect(textOf(answer)).toContain(`Requested: extend \`r-1\` until ${utc(end + hours(1))} (\`r-new1\`).`);
    },
  );

  test.each(["soon", "until 18:00", "1h for the release"])(
    "that says %s shows what it read, what it takes, and when the lease ends",
    async (typed) => {
      const answer = await app.say("U0ENGINEER", `extend r-1 ${typed}`);

      expect(textOf(answer)).toContain(
        `Nothing changed: "${typed}" is not a duration. Write for example 30m, 4h or 1h30m: \`/eks-access extend r-1 for 1h\`. \`viewer\` on \`staging\` ends ${utc(end)}.`,
      );
    },
  );

  test("of someone else's lease asks for nothing, and names who can", async () => {
    const answer = await app.say("U0ONCALL", "extend r-1 for 1h");

    expect(textOf(answer)).toContain("Only <@U0ENGINEER> can do this.");
    expect(await app.ledger.get("r-new1")).toBeNull();
  });

  test("without a time opens the form", async () => {
    await engineer().command("/eks-access extend r-1", "C0ACCESS");

    expect(optionsIn(await opened())).toHaveLength(4);
  });

  test("of a request without a lease says so, whatever time it has", async () => {
    await app.put(aPreviewedRequest({ id: "r-2" }));

    expect(textOf(await app.say("U0ENGINEER", "extend r-2 soon"))).toContain(
      "r-2 is not active. Request access again.",
    );
  });

  test("twice makes one request, also where time has passed between", async () => {
    await app.say("U0ENGINEER", "extend r-1 1h");
    app.pass(minutes(1));

    const second = await app.say("U0ENGINEER", "extend r-1 1h");

    expect(textOf(second)).toContain("Already requested: `r-new1`");
  });

  test("of a lease that is extended already says which one to extend", async () => {
    const until = iso(end + hours(1));
    await app.put(aLeasedRequest({ state: "active" }, { id: "r-2", extends: "r-1", until, durationSeconds: hours(5) }));

    const answer = await app.say("U0ENGINEER", "extend r-1 1h");

    expect(textOf(answer)).toContain(`\`r-2\` extends \`r-1\` until ${utc(end + hours(1))} already. Extend \`r-2\`.`);
  });

  test.each([
    [
      "a rescue",
      { level: "rescue", emergency: { review: null, remindAt: iso(0), reminders: 0, as: [] } },
      "`r-2` is a rescue. Start another one once it ends.",
    ],
    ["a level that is gone", { level: "old" }, "staging does not offer old. Request another level."],
    ["a cluster that is gone", { cluster: "old" }, "old is not in eks-access.yml. Ask an operator."],
  ])("of %s says what to do", async (_, lease, said) => {
    await app.put({ ...aLeasedRequest({ state: "active" }, { id: "r-2" }), ...lease });

    expect(textOf(await app.say("U0ENGINEER", "extend r-2 1h"))).toContain(said);
  });

  test("asks for what the cluster began to require after the lease, as each request does", async () => {
    const own = await aSlackApp({
      config: configText
        .replace("levels: [viewer", "ticket: required\n    ticketPattern: OPS-[0-9]+\n    levels: [viewer")
        .replace("groups: [eks-access:admins]", "bind: [{ clusterRole: edit, in: choose }]"),
    });
    stages.push(own);
    for (const [id, change] of [
      ["r-none", {}],
      ["r-old", { ticket: "#12" }],
      ["r-placed", { ticket: "OPS-12", level: "admin", durationSeconds: hours(1) }],
      ["r-right", { ticket: "OPS-12" }],
    ] as const)
      await own.put(aLeasedRequest({ state: "active" }, { id, ...change }));
    const ask = async (id: string) => textOf(await own.say("U0ENGINEER", `extend ${id} 1m`));

    expect(await ask("r-none")).toContain("staging needs a ticket. Request access again.");
    expect(await ask("r-old")).toContain('"#12" is not of the form OPS-[0-9]+. Request access again.');
    expect(await ask("r-placed")).toContain("in shop,payments. Request access again.");
    expect(await own.ledger.get("r-new1")).toBeNull();
    expect(await ask("r-right")).toContain("Requested: extend `r-right`");
  });

  test("keeps to the longest time of the person's own rule", async () => {
    const rules = "policy: { rules: [{ name: short, maxDuration: 5h }] }";
    const own = await aSlackApp({ config: `${configText}${rules}` });
    stages.push(own);
    await own.put(aLeasedRequest({ state: "active" }));

    const answer = await own.say("U0ENGINEER", "extend r-1 2h");

    expect(textOf(answer)).toContain("viewer lasts at most 5h at a time. Extend `r-1` by at most 1h 1m now.");
  });
});

test("the message to approvers names the end, and no duration that is counted from their approval", async () => {
  const until = iso(end + hours(1));
  await app.put(aPreviewedRequest({ id: "r-2", extends: "r-1", until, durationSeconds: hours(5) - minutes(1) }));

  const message = textOf(await app.show("r-2"));
  const list = textOf(await app.say("U0ENGINEER", "list"));

  expect(message).toContain(`Until ${utc(end + hours(1))}`);
  expect(message).not.toContain("from approval");
  expect(list).toContain(`until ${utc(end + hours(1))} (\`r-2\`)`);
  expect(`${message}${list}`).not.toContain(formatDuration(hours(5) - minutes(1)));
});
